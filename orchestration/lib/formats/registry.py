"""The formats a source may name in the configuration."""

from orchestration.lib.formats.columns import Format
from orchestration.lib.formats.cur import CUR
from orchestration.lib.formats.focus import FOCUS

FORMATS: dict[str, Format] = {format_.name: format_ for format_ in (FOCUS, CUR)}
