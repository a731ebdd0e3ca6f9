"""The formats a source may name in the configuration, and what is read from each into which raw tables."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Protocol

from orchestration.lib.ai import anthropic_pages, openai_pages
from orchestration.lib.ai.bedrock_logs import BedrockLogs
from orchestration.lib.ai.bedrock_metrics import KEYS as METRIC_KEYS
from orchestration.lib.ai.bedrock_metrics import BedrockMetrics
from orchestration.lib.ai.litellm import LiteLLM
from orchestration.lib.ai.log_rows import ENDINGS as LOG_ENDINGS
from orchestration.lib.ai.otel_genai import OtelGenAI
from orchestration.lib.config_sources import Source
from orchestration.lib.deliveries import DATA_ENDINGS
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


class Reader(Protocol):
    """Reads the files of one delivery in sight of each other, where what one holds depends on the others."""

    def read(self, path: Path, file: str) -> Iterator[Batch]:
        """Batches of one file. Some of its content may come later."""
        ...

    def rest(self) -> Iterator[Batch]:
        """Batches of what was kept back, after the last file."""
        ...

    def notes(self) -> tuple[str, ...]:
        """What a person should know about the delivery."""
        ...


@dataclass(frozen=True)
class Reading:
    """One of the things that a source delivers: a month of it is loaded, and replaced, as a whole.

    `part`: added to the source's name in the ledger; what a source charges has none. `keys`: a regular expression that
    the keys of its files match. `begin`: makes the reader of a month (None: of whatever month), in place of `read`.
    `endings`: of its files' names. `may_be_empty`: a month without rows means that nothing was used, not that rows are lost.
    """

    format: Format
    read: ReadFile | None = None
    part: str = ""
    keys: str = ""
    may_be_empty: bool = False
    begin: Callable[[Source, date | None], Reader] | None = None
    endings: tuple[str, ...] = DATA_ENDINGS


def _bill(format_: Format) -> Reading:
    def read(source: Source, path: Path, file: str) -> Iterator[Batch]:
        return read_batches(path, format_, source.constants, file=file)

    return Reading(format_, read)


READINGS: dict[str, tuple[Reading, ...]] = {
    "focus": (_bill(FOCUS),),
    "cur": (_bill(CUR),),
    "openai": (
        Reading(FOCUS, openai_pages.read_costs, keys=openai_pages.COST_KEYS, may_be_empty=True),
        Reading(AI_USAGE, openai_pages.read_usage, "/usage", openai_pages.USAGE_KEYS, may_be_empty=True),
    ),
    "anthropic": (
        Reading(FOCUS, anthropic_pages.read_costs, keys=anthropic_pages.COST_KEYS, may_be_empty=True),
        Reading(AI_USAGE, anthropic_pages.read_usage, "/usage", anthropic_pages.USAGE_KEYS, may_be_empty=True),
    ),
    # Bodies that are too long for a record are objects of their own, in folders named data.
    "bedrock_logs": (Reading(AI_USAGE, keys=r"^(?!(.*/)?data/)", begin=BedrockLogs, endings=LOG_ENDINGS),),
    "bedrock_metrics": (
        Reading(AI_USAGE, keys=METRIC_KEYS, begin=BedrockMetrics, endings=LOG_ENDINGS, may_be_empty=True),
    ),
    "litellm": (Reading(AI_USAGE, begin=LiteLLM, endings=LOG_ENDINGS),),
    "otel_genai": (Reading(AI_USAGE, begin=OtelGenAI, endings=LOG_ENDINGS),),
}
"""Format of a source -> what is read from it."""
