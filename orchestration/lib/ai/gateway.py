"""Usage from logs of gateways and applications: many providers, and prompts whose cached tokens are told beside them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import Any

from orchestration.lib.ai.bedrock_models import model_of
from orchestration.lib.ai.log import Log
from orchestration.lib.ai.log_rows import Row, rows_of
from orchestration.lib.ai.records import Place, tags_text
from orchestration.lib.config_sources import Source
from orchestration.lib.readers import Batch

ATTRIBUTES = (
    "provider", "operation", "model", "delivered_model", "service_tier", "context_window", "region", "project_id",
    "project_name", "api_key_id", "user_id", "principal", "status", "tags",
)  # fmt: skip
NUMBERS = (
    "request_count", "failed_request_count", "uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens",
    "cache_write_1h_tokens", "input_audio_tokens", "output_tokens", "output_audio_tokens", "reasoning_tokens", "reported_cost",
)  # fmt: skip
# Names of providers elsewhere -> in the price catalogue. A name that is not here is taken as it is.
_PROVIDERS = {
    "bedrock": "aws", "bedrock_converse": "aws", "aws.bedrock": "aws", "amazon": "aws", "az.ai.openai": "azure",
    "azure.ai.openai": "azure", "azure.ai.inference": "azure", "az.ai.inference": "azure", "azure_ai": "azure",
    "azure_openai": "azure", "vertex_ai": "google", "gemini": "google", "gcp.vertex_ai": "google", "gcp.gemini": "google",
    "gcp.gen_ai": "google", "google_genai": "google", "vertexai": "google", "text-completion-openai": "openai",
    "mistral_ai": "mistral", "together_ai": "together", "fireworks_ai": "fireworks", "xai": "x-ai", "x_ai": "x-ai",
}  # fmt: skip


_TOGETHER = 4_096


@dataclass
class Usage:
    """One request of a log. `prompt` and `completion` contain all their parts; times and counts are checked already."""

    time: object
    time_field: str
    request_id: str | None
    provider: str | None
    operation: str
    model: str | None
    prompt: int = 0
    completion: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    input_audio: int = 0
    output_audio: int = 0
    reasoning: int | None = None
    cost: Decimal | None = None
    service_tier: str | None = None
    region: str | None = None
    project_id: str | None = None
    project_name: str | None = None
    api_key_id: str | None = None
    user_id: str | None = None
    principal: str | None = None
    status: str | None = None
    tags: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, int] = field(default_factory=dict)


class GatewayLog:
    """The log files of a month, read in sight of each other. `_usages` gives the requests of a row."""

    def __init__(self, source: Source, month: date | None) -> None:
        self._log = Log(month, ATTRIBUTES, NUMBERS)
        self._left_out, self._profiles = frozenset(source.left_out_tags or ()), source.inference_profiles or {}
        self.rest, self.notes = self._log.rest, self._log.notes

    def read(self, path: Path, file: str) -> Iterator[Batch]:
        """The rows that became too many to keep. Raises FinopsError naming file, line, field and value."""
        placed = ((place, usage) for place, row in rows_of(path, file) for usage in self._usages(row, place))
        for some in iter(lambda: list(islice(placed, _TOGETHER)), []):
            again = self._log.repeated([usage.request_id for _, usage in some], [place.line for place, _ in some], file)
            for position, (place, usage) in enumerate(some):
                if position not in again:
                    self._add(usage, place)
            yield from self._log.rows.overflow()

    def _usages(self, row: Row, place: Place) -> Iterator[Usage]:
        raise NotImplementedError

    def _add(self, usage: Usage, place: Place) -> None:
        if not usage.model:
            raise place.error("model", usage.model, "is no model. Every request of a log has one.")
        provider, model = _provider_and_model(usage.provider, usage.model)
        if provider == "aws":
            model = model_of(model, self._profiles)
        cached = usage.cache_read + usage.cache_write_5m + usage.cache_write_1h
        uncached = usage.prompt - cached
        if uncached < 0:
            self._log.note("requests whose cached tokens are more than their prompt: taken as not part of it", place)
            uncached = usage.prompt
        heard, spoken = min(usage.input_audio, uncached), min(usage.output_audio, usage.completion)
        attributes = (
            provider, usage.operation, model, usage.model, usage.service_tier,
            self._log.context_window(uncached + cached), usage.region, usage.project_id, usage.project_name,
            usage.api_key_id, usage.user_id, usage.principal, usage.status, tags_text(usage.tags),
        )  # fmt: skip
        numbers = (
            1, int(usage.status is not None), uncached - heard, usage.cache_read, usage.cache_write_5m,
            usage.cache_write_1h, heard, usage.completion - spoken, spoken,
            usage.reasoning, usage.cost,
        )  # fmt: skip
        hour = self._log.hour_of(usage.time, usage.time_field, place)
        self._log.rows.add(hour, attributes, numbers, place)
        self._log.add_unknown(hour, attributes, usage.unknown, place)


@lru_cache(maxsize=10_000)
def _provider_and_model(provider: str | None, model: str) -> tuple[str, str]:
    """The provider as the catalogue names it, and the model without the provider before it: `openai/gpt-5` is gpt-5."""
    prefix, _, rest = model.partition("/")
    named = (provider or "").strip().lower()
    if rest and (
        not named or prefix.lower() == named or _PROVIDERS.get(prefix.lower()) == _PROVIDERS.get(named, named)
    ):
        named, model = named or prefix.lower(), rest.removeprefix("converse/")
    return _PROVIDERS.get(named, named) or _provider_of(model), model


def _provider_of(model: str) -> str:
    """Whose model it is, as far as the catalogue knows its name."""
    from genai_prices import data_snapshot

    try:
        return data_snapshot.get_snapshot().find_provider(model, None, None).id
    except LookupError:
        return "unknown"


def text_of(value: Any) -> str | None:
    """A text, or None for what is empty. Ids that are numbers become their digits."""
    return str(value).strip() or None if value is not None else None


def texts_of(row: Mapping[str, Any], *names: str) -> str | None:
    """The first of some fields that holds a text."""
    return next((text for name in names if (text := text_of(row.get(name)))), None)
