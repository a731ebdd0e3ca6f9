"""The formats a source may name in the configuration, and what is read from each into which raw tables."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from orchestration.lib.config_sources import Source
from orchestration.lib.formats.ai_usage import AI_USAGE
from orchestration.lib.formats.columns import Format
from orchestration.lib.formats.cur import CUR
from orchestration.lib.formats.focus import FOCUS
from orchestration.lib.readers import Batch, read_batches

# Every pair of raw tables.
FORMATS: dict[str, Format] = {format_.name: format_ for format_ in (FOCUS, CUR, AI_USAGE)}


class ReadFile(Protocol):
    """The batches of one delivered file. `file`: its key, which errors name. Raises FinopsError for what is wrong with it."""

    def __call__(self, source: Source, path: Path, file: str) -> Iterator[Batch]: ...


@dataclass(frozen=True)
class Reading:
    """One of the things that a source delivers: a month of it is loaded, and replaced, as a whole.

    `part`: added to the source's name in the ledger; what a source charges has none. `keys`: a regular expression that
    the keys of its files match.
    """

    format: Format
    read: ReadFile
    part: str = ""
    keys: str = ""


def _bill(format_: Format) -> Reading:
    def read(source: Source, path: Path, file: str) -> Iterator[Batch]:
        return read_batches(path, format_, source.constants, file=file)

    return Reading(format_, read)


READINGS: dict[str, tuple[Reading, ...]] = {"focus": (_bill(FOCUS),), "cur": (_bill(CUR),)}
"""Format of a source -> what is read from it."""
