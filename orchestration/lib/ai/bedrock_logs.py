"""Read Bedrock's model invocation logs: gzipped lines of JSON, of which the bodies of prompts and answers are skipped.

Records that are as Bedrock writes them are added a block at a time (see bedrock_blocks); all others, and those of a block
in which something is wrong, one by one, so that it can be said what is wrong and where.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import orjson

from orchestration.lib.ai.attribution import tags_of
from orchestration.lib.ai.bedrock_blocks import Parser, cut_bodies
from orchestration.lib.ai.bedrock_models import caller_of, model_of, operation_of
from orchestration.lib.ai.log import Log
from orchestration.lib.ai.log_lines import blocks_of_lines
from orchestration.lib.ai.metadata import metadata_tags
from orchestration.lib.ai.pseudonyms import pseudonym
from orchestration.lib.ai.records import Place, count_of, tags_text
from orchestration.lib.ai.roll_up import Texts
from orchestration.lib.config_sources import Source
from orchestration.lib.errors import FinopsError
from orchestration.lib.readers import Batch

ATTRIBUTES = (
    "provider", "operation", "model", "delivered_model", "service_tier", "context_window", "inference_geo", "region",
    "project_id", "user_id", "principal", "status", "tags",
)  # fmt: skip
NUMBERS = (
    "request_count", "failed_request_count", "uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens",
    "output_tokens",
)  # fmt: skip
_INPUT = ("inputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount")
_OUTPUT = ("outputTokenCount",)
_NOT_COUNTED = {f"{side}{what}" for side in ("input", "output") for what in ("ContentType", "BodyJson", "BodyS3Path")}
_INPUT_KNOWN, _OUTPUT_KNOWN = _NOT_COUNTED.union(_INPUT), _NOT_COUNTED.union(_OUTPUT)
_CALLS_KEPT = 100_000
_SUCCESS = ("", "success", "ok", "200")


class BedrockLogs:
    """The log objects of a month, read in sight of each other: a request that is in two of them counts once."""

    def __init__(self, source: Source, month: date | None) -> None:
        self._log = Log(month, ATTRIBUTES, NUMBERS)
        self._profiles, self._left_out = source.inference_profiles or {}, source.left_out_tags or ()
        self._calls: dict[tuple[Any, ...], Texts] = {}
        self._parse = Parser().parse
        self.rest, self.notes = self._log.rest, self._log.notes

    def read(self, path: Path, file: str) -> Iterator[Batch]:
        """The rows that became too many to keep. Raises FinopsError naming file, line, field and value."""
        for first_line, block in blocks_of_lines(path, file):
            one_by_one = self._add_together(block, first_line, file)
            numbered = [(first_line + at, line) for at, line in one_by_one if not line.isspace()]
            records = [(number, _parsed(line, file, number)) for number, line in numbered]
            again = self._log.repeated(
                [record.get("requestId") for _, record in records], [number for number, _ in records], file
            )
            for position, (number, record) in enumerate(records):
                if position not in again:
                    self._add(record, Place(file, number))
            yield from self._log.rows.overflow()

    def _add_together(self, block: bytes, first_line: int, file: str) -> list[tuple[int, bytes]]:
        """Add the records of a block that are as they usually are; returns the lines, by position, that are not."""
        cut = cut_bodies(block)
        table = self._parse(cut.records, len(cut.positions))
        hours = self._log.hours_within_month(table.times.dictionary.to_pylist()) if table else None
        if not table or hours is None:
            return list(enumerate(block.splitlines(keepends=True)))
        places = (first_line + cut.positions).tolist()
        again = self._log.repeated(table.request_ids, places, file)
        for group in table.groups(hours, self._log.context_window, again):
            place = Place(file, places[group.example])
            attributes = self._calls.get(group.call) or self._remember(group.call, place)
            failed = group.count if attributes[11] else 0
            self._log.rows.add(group.hour, attributes, (group.count, failed, *group.sums), place)
        return cut.others

    def _add(self, record: dict[str, Any], place: Place) -> None:
        given, taken = record.get("input") or {}, record.get("output") or {}
        identity, metadata = record.get("identity") or {}, record.get("requestMetadata")
        tier = record.get("serviceTier")
        try:
            read = [_count(given, name, place) for name in _INPUT]
            written = _count(taken, "outputTokenCount", place)
            call = (
                record.get("modelId"),
                record.get("operation"),
                record.get("accountId"),
                identity.get("arn"),
                record.get("region"),
                record.get("inferenceRegion"),
                record.get("errorCode"),
                record.get("status"),
                tier.get("type") if isinstance(tier, dict) else tier,
                orjson.dumps(metadata) if metadata else None,
                self._log.context_window(sum(read)),
            )
            attributes = self._calls.get(call)
        except (AttributeError, TypeError) as error:
            raise FinopsError(
                f"{place}: not a record of a model invocation log ({error}). Deliver the file again."
            ) from error
        hour = self._log.hour_of(record.get("timestamp"), "timestamp", place)
        if attributes is None:
            attributes = self._remember(call, place)
        failed = 1 if attributes[11] else 0
        self._log.rows.add(hour, attributes, (1, failed, *read, written), place)
        if not (given.keys() <= _INPUT_KNOWN and taken.keys() <= _OUTPUT_KNOWN):
            self._log.add_unknown(hour, attributes, _unknown(given, taken, place), place)

    def _remember(self, call: tuple[Any, ...], place: Place) -> Texts:
        """The attributes of a call, worked out once for all calls that say the same."""
        model_id, operation, account, arn, region, inference_region, error, status, tier, metadata, window = call
        if not isinstance(model_id, str) or not model_id.strip():
            raise place.error("modelId", model_id, "is no model. Every record of a model invocation log has one.")
        model = model_of(model_id, self._profiles)
        principal, user = caller_of(arn or "")
        user_id = pseudonym(user) if user else None
        tags = tags_of(
            _texts(metadata, self._left_out, place) if metadata else None,
            project_id=account,
            user_id=user_id,
            principal=principal,
        )
        attributes: Texts = (
            "aws",
            operation_of(str(operation), model),
            model,
            model_id,
            _tier_of(tier, str(operation)),
            window,
            inference_region,
            region,
            account,
            user_id,
            principal,
            error or (None if str(status or "").lower() in _SUCCESS else str(status)),
            tags_text(tags),
        )
        for name, text in zip(ATTRIBUTES, attributes, strict=True):
            if text is not None and not isinstance(text, str):
                raise place.error(name, text, "is not a text.")
        if len(self._calls) >= _CALLS_KEPT:
            self._calls.clear()
        self._calls[call] = attributes
        return attributes


def _parsed(line: bytes, file: str, number: int) -> dict[str, Any]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise FinopsError(f"{file}: line {number} is not whole JSON ({error}). Deliver the file again.") from None
    if not isinstance(record, dict):
        raise FinopsError(
            f"{file}: line {number} is a {type(record).__name__}, not a JSON object. Deliver the file again."
        )
    return record


def _count(fields: Mapping[str, Any], name: str, place: Place) -> int:
    value = fields.get(name, 0)
    return value if type(value) is int and value >= 0 else count_of(value, name, place)


def _unknown(given: Mapping[str, Any], taken: Mapping[str, Any], place: Place) -> dict[str, int]:
    """Counts that this format does not know, by their path: new kinds of tokens must not get lost."""
    return {
        f"{side}.{name}": count_of(value, f"{side}.{name}", place)
        for side, fields, known in (("input", given, _INPUT_KNOWN), ("output", taken, _OUTPUT_KNOWN))
        for name, value in fields.items()
        if name not in known and isinstance(value, int) and not isinstance(value, bool)
    }


def _texts(metadata: bytes, left_out: tuple[str, ...], place: Place) -> dict[str, str | None]:
    entries = json.loads(metadata)
    if not isinstance(entries, dict):
        raise place.error("requestMetadata", metadata.decode(), "is not a JSON object.")
    return metadata_tags(entries, left_out)


def _tier_of(tier: object, operation: str) -> str | None:
    """The service tier. What a batch job asked for has none of its own, and is cheaper."""
    if "InvocationJob" in operation or "Batch" in operation:
        return "batch"
    named = str(tier or "").lower()
    return {"": None, "default": "standard"}.get(named, named)
