"""Read LiteLLM's spend logs: rows of LiteLLM_SpendLogs, or what its logging callbacks write."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from hashlib import sha256
from typing import Any

from orchestration.lib.ai.attribution import tags_of
from orchestration.lib.ai.gateway import GatewayLog, Usage, text_of, texts_of
from orchestration.lib.ai.log_rows import Row
from orchestration.lib.ai.metadata import metadata_tags
from orchestration.lib.ai.pseudonyms import pseudonym
from orchestration.lib.ai.records import Place, count_of, number_of

_OPERATIONS = {
    "completion": "completions", "text_completion": "completions", "responses": "completions",
    "anthropic_messages": "completions", "generate_content": "completions", "embedding": "embeddings",
    "image_generation": "images", "image_edit": "images", "transcription": "audio_transcriptions",
    "speech": "audio_speeches", "moderation": "moderations",
}  # fmt: skip
# Texts of metadata that are the gateway's own, and not what callers or keys are marked with.
_OWN = ("user_api_key", "user_api_key_hash", "user_api_key_team_id", "model_map_information", "usage_object",
        "additional_usage_values", "error_information", "spend_logs_metadata", "requester_metadata")  # fmt: skip
# Counts of a usage object that are told elsewhere, or are sums of others.
_KNOWN = {
    "prompt_tokens", "completion_tokens", "total_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
    "input_tokens", "output_tokens",
}  # fmt: skip


class LiteLLM(GatewayLog):
    """Spend logs. An answer from the gateway's own cache used no tokens of a provider."""

    def _usages(self, row: Row, place: Place) -> Iterator[Usage]:
        metadata = _mapping(row.get("metadata"), "metadata", place)
        told = _mapping(metadata.get("additional_usage_values"), "metadata", place) | _mapping(
            metadata.get("usage_object"), "metadata", place
        )
        read_details = _mapping(told.get("prompt_tokens_details"), "metadata", place)
        write_details = _mapping(told.get("completion_tokens_details"), "metadata", place)
        usage = Usage(
            time=row.get("startTime") or row.get("start_time"),
            time_field="startTime",
            request_id=texts_of(row, "request_id", "id"),
            provider=texts_of(row, "custom_llm_provider"),
            operation=_operation(texts_of(row, "call_type") or ""),
            model=texts_of(row, "model"),
            cost=number_of(row.get("spend", row.get("response_cost")), "spend", place),
            service_tier=texts_of(told, "service_tier"),
            status=_status(row, metadata, place),
        )
        if str(row.get("cache_hit")).lower() == "true":
            self._log.note("requests that the gateway answered from its own cache used no tokens", place)
        else:
            usage.prompt = count_of(row.get("prompt_tokens"), "prompt_tokens", place)
            usage.completion = count_of(row.get("completion_tokens"), "completion_tokens", place)
            usage.cache_read = _count(told, "cache_read_input_tokens", place) or _count(
                read_details, "cached_tokens", place
            )
            written = _count(told, "cache_creation_input_tokens", place) or _count(
                read_details, "cache_creation_tokens", place
            )
            life = _mapping(read_details.get("cache_creation_token_details"), "metadata", place)
            usage.cache_write_1h = min(_count(life, "ephemeral_1h_input_tokens", place), written)
            usage.cache_write_5m = written - usage.cache_write_1h
            usage.input_audio = _count(read_details, "audio_tokens", place)
            usage.output_audio = _count(write_details, "audio_tokens", place)
            usage.reasoning = _count(write_details, "reasoning_tokens", place) or None
            usage.unknown = {
                name: count
                for name, value in told.items()
                if name.endswith("_tokens") and name not in _KNOWN and (count := count_of(value, name, place))
            }
        self._attribute(usage, row, metadata, place)
        yield usage

    def _attribute(self, usage: Usage, row: Row, metadata: Mapping[str, Any], place: Place) -> None:
        usage.project_id = texts_of(row, "team_id") or texts_of(metadata, "user_api_key_team_id")
        usage.project_name = texts_of(metadata, "user_api_key_team_alias")
        usage.api_key_id = _key_id(texts_of(row, "api_key") or texts_of(metadata, "user_api_key"))
        user = texts_of(row, "user", "end_user") or texts_of(metadata, "user_api_key_user_id")
        usage.user_id = pseudonym(user) if user else None
        free = {key: value for key, value in metadata.items() if key not in _OWN and isinstance(value, str)}
        for name in ("spend_logs_metadata", "requester_metadata"):
            free |= _mapping(metadata.get(name), "metadata", place)
        if team := usage.project_name or usage.project_id:
            free["team"] = team
        free |= _request_tags(row.get("request_tags"), place)
        usage.tags = tags_of(
            metadata_tags(free, self._left_out),
            api_key_id=usage.api_key_id,
            project_id=usage.project_id,
            user_id=usage.user_id,
        )


def _mapping(value: object, name: str, place: Place) -> dict[str, Any]:
    """An object, as it is or as a JSON text."""
    if isinstance(value, str):
        try:
            value = json.loads(value, parse_float=Decimal) if value.strip() else None
        except ValueError as error:
            raise place.error(name, value, f"is not JSON ({error}).") from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise place.error(name, value, "is not a JSON object.")
    return value


def _count(fields: Mapping[str, Any], name: str, place: Place) -> int:
    return count_of(fields.get(name), name, place)


def _operation(call_type: str) -> str:
    """`acompletion` is `completion`, awaited."""
    return _OPERATIONS.get(call_type) or _OPERATIONS.get(call_type.removeprefix("a")) or call_type or "completions"


def _status(row: Row, metadata: Mapping[str, Any], place: Place) -> str | None:
    status = texts_of(row, "status") or texts_of(metadata, "status") or "success"
    if status.lower() == "success":
        return None
    return texts_of(_mapping(metadata.get("error_information"), "metadata", place), "error_class") or status


def _key_id(key: str | None) -> str | None:
    """The hash that LiteLLM knows a key by; a key that was logged in clear is hashed in the same way, never kept."""
    return sha256(key.encode()).hexdigest() if key and key.startswith("sk-") else key


def _request_tags(value: object, place: Place) -> dict[str, str]:
    """`team:search` and `team=search` are a key and its value; the others are a list."""
    if isinstance(value, str):
        try:
            value = json.loads(value) if value.strip() else None
        except ValueError as error:
            raise place.error("request_tags", value, f"is not JSON ({error}).") from None
    tags: dict[str, str] = {}
    plain = []
    for tag in value if isinstance(value, list) else []:
        text = text_of(tag) or ""
        cut = min((position for mark in ":=" if (position := text.find(mark)) > 0), default=0)
        if cut and text[cut + 1 :].strip():
            tags[text[:cut].strip()] = text[cut + 1 :].strip()
        elif text:
            plain.append(text)
    return tags | ({"request_tags": ",".join(sorted(plain))} if plain else {})
