"""Pages of OpenAI's usage and costs APIs as usage records and FOCUS charges."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from orchestration.lib.ai.attribution import tags_of
from orchestration.lib.ai.pages import EXACT, Bounds, Result, Row, charge_columns, currency_of, keys_of, read_rows
from orchestration.lib.ai.pseudonyms import pseudonym
from orchestration.lib.config_sources import Source
from orchestration.lib.formats.ai_usage import AI_USAGE
from orchestration.lib.formats.focus import FOCUS
from orchestration.lib.readers import Batch

COSTS = "costs"
# Kind of usage -> what it is grouped by: all that the API can.
GROUPS: dict[str, tuple[str, ...]] = {
    "completions": ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier"),
    "embeddings": ("project_id", "user_id", "api_key_id", "model"),
    "moderations": ("project_id", "user_id", "api_key_id", "model"),
    "images": ("project_id", "user_id", "api_key_id", "model", "size", "source"),
    "audio_speeches": ("project_id", "user_id", "api_key_id", "model"),
    "audio_transcriptions": ("project_id", "user_id", "api_key_id", "model"),
    "vector_stores": ("project_id",),
    "code_interpreter_sessions": ("project_id",),
    "file_search_calls": ("project_id", "user_id", "api_key_id", "vector_store_id"),
    "web_search_calls": ("project_id", "user_id", "api_key_id", "model", "context_level"),
}
COST_GROUPS = ("project_id", "line_item", "api_key_id")
USAGE_KEYS, COST_KEYS = keys_of(tuple(GROUPS)), keys_of((COSTS,))

# Kind -> the field that is counted, and the class that it is. Those of a completion are several.
_COUNTED = {
    "embeddings": ("input_tokens", "uncached_input_tokens"),
    "moderations": ("input_tokens", "uncached_input_tokens"),
    "images": ("images", "image_count"),
    "audio_speeches": ("characters", "character_count"),
    "audio_transcriptions": ("seconds", "audio_seconds"),
    "code_interpreter_sessions": ("num_sessions", "session_count"),
    "file_search_calls": ("num_requests", "tool_call_count"),
    "web_search_calls": ("num_requests", "web_search_count"),
    "vector_stores": ("usage_bytes", "storage_byte_hours"),
}
_TEXT_TOKENS = ("input_text_tokens", "input_cached_text_tokens", "output_text_tokens")
_COMPLETION_TOKENS = (
    "input_tokens",
    "input_cached_tokens",
    "input_cache_write_tokens",
    "input_uncached_tokens",
    "output_tokens",
    "input_audio_tokens",
    "input_cached_audio_tokens",
    "output_audio_tokens",
    "input_image_tokens",
    "input_cached_image_tokens",
    "output_image_tokens",
)
_WHAT = frozenset({"object", "num_model_requests", "project_name"})
_KNOWN = {
    kind: _WHAT | set(groups) | ({_COUNTED[kind][0]} if kind in _COUNTED else {*_COMPLETION_TOKENS, *_TEXT_TOKENS})
    for kind, groups in GROUPS.items()
}
# What a line item says after the model, and the token class that it is.
_METERS = {
    "input": "uncached_input_tokens",
    "cached input": "cache_read_tokens",
    "cache write": "cache_write_5m_tokens",
    "output": "output_tokens",
    "audio input": "input_audio_tokens",
    "cached audio input": "cache_read_audio_tokens",
    "audio output": "output_audio_tokens",
    "image input": "input_image_tokens",
    "cached image input": "cache_read_image_tokens",
    "image output": "output_image_tokens",
    "image generation": "image_count",
}
# Line items that name no model.
_TOOLS = {"web search tool calls": "web_search_count", "file search tool calls": "tool_call_count"}
# The lane that a line item may name before the model.
_LANE = re.compile(r"^(batch|flex|priority) \| ")


def read_usage(source: Source, path: Path, file: str) -> Iterator[Batch]:  # noqa: ARG001
    """Usage pages of any kind as AI usage."""
    return read_rows(path, file, AI_USAGE, _bounds, _usage)


def read_costs(source: Source, path: Path, file: str) -> Iterator[Batch]:
    """Pages of costs as FOCUS charges."""
    return read_rows(path, file, FOCUS, _bounds, partial(_charge, source))


def _bounds(bucket: dict[str, Any]) -> Bounds:
    return Bounds(
        datetime.fromtimestamp(int(bucket["start_time"]), UTC), datetime.fromtimestamp(int(bucket["end_time"]), UTC)
    )


def _usage(result: Result) -> tuple[list[Row], list[str]]:
    bounds, kind = result.bounds, result.kind
    counts, names = result.unknown(frozenset(_KNOWN[kind]))
    user = result.text("user_id")
    who = {
        "project_id": result.text("project_id"),
        "api_key_id": result.text("api_key_id"),
        "user_id": pseudonym(user) if user else None,
    }
    further = {name: result.text(name) for name in ("size", "source", "context_level", "vector_store_id")}
    model = result.text("model")
    row: Row = {
        "usage_start": bounds.start,
        "usage_end": bounds.end,
        "billing_period_start": bounds.month,
        "provider": "openai",
        "operation": kind,
        # The model that searched is counted among the completions.
        "request_count": None if kind == "web_search_calls" else result.count("num_model_requests"),
        "model": model,
        "delivered_model": model,
        "service_tier": _tier(result) if kind == "completions" else None,
        **who,
        "project_name": result.text("project_name"),
        "tags": tags_of(further, **who),
    }
    if kind == "completions":
        row |= _completion_tokens(result)
    else:
        field, column = _COUNTED[kind]
        count = result.count(field)
        row[column] = count * bounds.hours if kind == "vector_stores" and count is not None else count
    row["unknown_usage"] = counts or None
    return [row], names


def _tier(result: Result) -> str | None:
    """The lane that is paid for: batch whatever tier is named beside it; `default` is the standard one."""
    batch, tier = result.fields.get("batch"), result.text("service_tier")
    if batch is not None and not isinstance(batch, bool):
        raise result.error("batch", batch, "is neither true nor false.")
    if batch:
        return "batch"
    return "standard" if tier == "default" else tier


def _completion_tokens(result: Result) -> Row:
    """Disjoint classes of a count of input that contains what was read from, and written to, the cache."""
    count = {name: result.count(name) for name in _COMPLETION_TOKENS}
    value = {name: number or 0 for name, number in count.items()}
    uncached = value["input_tokens"] - value["input_cached_tokens"] - value["input_cache_write_tokens"]
    if uncached < 0:
        why = "is less than its cached and cache-write tokens, which are part of it."
        raise result.error("input_tokens", count["input_tokens"], why)
    if count["input_uncached_tokens"] not in (None, uncached):
        why = f"is not input_tokens less cached and cache-write tokens, which is {uncached}."
        raise result.error("input_uncached_tokens", count["input_uncached_tokens"], why)

    def without(whole: int, whole_name: str, *part_names: str) -> int:
        for name in part_names:
            if value[name] > whole:
                why = f"is more than the {whole} left of {whole_name}, which it is part of."
                raise result.error(name, count[name], why)
            whole -= value[name]
        return whole

    return {
        "uncached_input_tokens": without(uncached, "uncached input", "input_audio_tokens", "input_image_tokens"),
        "cache_read_tokens": without(
            value["input_cached_tokens"],
            "input_cached_tokens",
            "input_cached_audio_tokens",
            "input_cached_image_tokens",
        ),
        "cache_write_5m_tokens": count["input_cache_write_tokens"],
        "input_audio_tokens": count["input_audio_tokens"],
        "cache_read_audio_tokens": count["input_cached_audio_tokens"],
        "output_tokens": without(value["output_tokens"], "output_tokens", "output_audio_tokens", "output_image_tokens"),
        "output_audio_tokens": count["output_audio_tokens"],
        "input_image_tokens": count["input_image_tokens"],
        "cache_read_image_tokens": count["input_cached_image_tokens"],
        "output_image_tokens": count["output_image_tokens"],
    }


def _charge(source: Source, result: Result) -> tuple[list[Row], list[str]]:
    known = frozenset(
        {"object", "amount", "line_item", "project_id", "project_name", "api_key_id", "quantity", "quantity_unit"}
    )
    money = result.within("amount")
    amount = money.decimal("value")
    if amount is None:
        raise money.error("value", None, "is no amount. Every cost line needs one.")
    line_item, project, key = result.text("line_item"), result.text("project_id"), result.text("api_key_id")
    model, meter = sku_of(line_item)
    quantity, unit = result.decimal("quantity"), result.text("quantity_unit")
    if quantity is not None and unit == "1000_tokens":
        quantity, unit = EXACT.multiply(quantity, Decimal(1000)), "tokens"
    row = charge_columns(
        provider="OpenAI",
        service="OpenAI API",
        account=source.billing_account_id or source.name,
        currency=currency_of(money, source.currencies, source.name),
        amount=amount,
        bounds=result.bounds,
    )
    row |= {
        "charge_description": line_item,
        "sku_id": model,
        "sku_meter": meter,
        "sub_account_id": project,
        "sub_account_name": result.text("project_name") or project,
        "sub_account_type": "Project" if project else None,
        "resource_id": key,
        "resource_type": "API key" if key else None,
        "consumed_quantity": quantity,
        "consumed_unit": unit,
        "tags": tags_of(project_id=project, api_key_id=key),
    }
    return [row], result.unknown(known)[1]


def sku_of(line_item: str | None) -> tuple[str | None, str | None]:
    """Model and class of a line item; of one that does not name them, the line item.

    >>> sku_of("batch | gpt-4o-2024-08-06, cached input")
    ('gpt-4o-2024-08-06', 'cache_read_tokens')
    >>> sku_of("web search tool calls")
    ('web search tool calls', 'web_search_count')
    >>> sku_of("whisper-1")
    ('whisper-1', 'whisper-1')
    """
    model, _, what = _LANE.sub("", line_item or "").rpartition(", ")
    meter = _METERS.get(what.strip().lower())
    if model and meter:
        return model.strip(), meter
    return line_item, _TOOLS.get((line_item or "").lower(), line_item)
