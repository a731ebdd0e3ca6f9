"""Read usage from OpenTelemetry spans with gen_ai.* attributes, as its semantic conventions name them now and did before."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from orchestration.lib.ai.attribution import tags_of
from orchestration.lib.ai.gateway import GatewayLog, Usage, text_of
from orchestration.lib.ai.log_rows import Row
from orchestration.lib.ai.metadata import metadata_tags
from orchestration.lib.ai.otel_spans import Span, spans_of, time_text
from orchestration.lib.ai.pseudonyms import pseudonym
from orchestration.lib.ai.records import Place, count_of, number_of
from orchestration.lib.formats.columns import squash

_OPERATIONS = {
    "chat": "completions", "text_completion": "completions", "generate_content": "completions", "embeddings": "embeddings",
    "image_generation": "images",
}  # fmt: skip
# Spans around requests: what they report is the sum of the requests below them.
_AROUND = ("invoke_agent", "create_agent", "execute_tool", "invoke_workflow")
_INPUT = ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens")
_OUTPUT = ("gen_ai.usage.output_tokens", "gen_ai.usage.completion_tokens")
_CACHE_READ = ("gen_ai.usage.cache_read.input_tokens", "gen_ai.usage.input_tokens.cached", "gen_ai.usage.cached_tokens")
_CACHE_WRITE = ("gen_ai.usage.cache_creation.input_tokens",)
_REASONING = (
    "gen_ai.usage.reasoning.output_tokens",
    "gen_ai.usage.output_tokens.reasoning",
    "gen_ai.usage.reasoning_tokens",
)
_TOTAL = ("gen_ai.usage.total_tokens",)
_COST = ("gen_ai.usage.cost",)
_KNOWN = {squash(name) for names in (_INPUT, _OUTPUT, _CACHE_READ, _CACHE_WRITE, _REASONING, _TOTAL, _COST)
          for name in names}  # fmt: skip
_TIMES = ("startTimeUnixNano", "start_time", "timestamp")
# What a span is, beside what it is marked with. Marks are of one word (team, tenant) or named here.
_FIELDS = re.compile(
    r"(trace|span|parent|start|end|time|duration|status|kind|name|flags|scope|events|links|dropped)"
    r"|(id|(request|response|session|conversation|message|thread)_?id)$",
    re.IGNORECASE,
)
_MARKS = ("service.name", "service.namespace", "deployment.environment", "deployment.environment.name")
_LONGEST_MARK = 200


class OtelGenAI(GatewayLog):
    """Spans of requests to models. Others are passed over."""

    def _usages(self, row: Row, place: Place) -> Iterator[Usage]:
        for span in spans_of(row, place):
            operation = str(span.get("gen_ai.operation.name") or "chat")
            if not span.has("gen_ai.usage.") and not span.get("gen_ai.request.model", "gen_ai.response.model"):
                self._log.note("spans that are no request to a model are left out", place)
            elif operation in _AROUND:
                self._log.note(
                    f"spans of {operation} are left out: requests inside them have spans of their own", place
                )
            else:
                yield self._usage(span, operation, place)

    def _usage(self, span: Span, operation: str, place: Place) -> Usage:
        ids = [text_of(span.get(name)) for name in ("trace_id", "span_id")]
        user = text_of(span.get("enduser.id", "user.id", "gen_ai.user.id", "enduser.pseudo.id"))
        usage = Usage(
            time=time_text(span.get(*_TIMES)),
            time_field="start time",
            request_id="/".join(map(str, ids)) if ids[1] else None,
            provider=text_of(span.get("gen_ai.provider.name", "gen_ai.system")),
            operation=_OPERATIONS.get(operation, operation),
            model=text_of(span.get("gen_ai.response.model", "gen_ai.request.model")),
            prompt=_count(span, _INPUT, place),
            completion=_count(span, _OUTPUT, place),
            cache_read=_count(span, _CACHE_READ, place),
            cache_write_5m=_count(span, _CACHE_WRITE, place),
            reasoning=_count(span, _REASONING, place) or None,
            cost=number_of(span.get(*_COST), _COST[0], place),
            service_tier=_tier(span),
            region=text_of(span.get("cloud.region", "aws.region")),
            principal=text_of(span.get("service.name")),
            user_id=pseudonym(user) if user else None,
            status=_status(span),
            unknown={
                name: count
                for name, value in span.attributes.items()
                if squash(name).startswith("genaiusage")
                and squash(name) not in _KNOWN
                and (count := count_of(value, name, place))
            },
        )
        marks = {
            name: value
            for name, value in span.attributes.items()
            if isinstance(value, str)
            and len(value) <= _LONGEST_MARK
            and (
                name in _MARKS
                or (re.fullmatch(r"\w+", name) and not name.startswith("gen_ai") and not _FIELDS.match(name))
            )
        }
        usage.tags = tags_of(metadata_tags(marks, self._left_out), user_id=usage.user_id, principal=usage.principal)
        return usage


def _count(span: Span, names: tuple[str, ...], place: Place) -> int:
    return count_of(span.get(*names), names[0], place)


def _tier(span: Span) -> str | None:
    tier = text_of(span.get("openai.response.service_tier", "gen_ai.openai.response.service_tier"))
    return {"default": "standard", "auto": None}.get(tier, tier) if tier else None


def _status(span: Span) -> str | None:
    """What failed: the type of the error, else the status."""
    status: Any = span.status
    if isinstance(status, dict):
        status = status.get("code", status.get("status_code"))
    status = status or span.get("status.code", "status_code", "otel.status_code")
    failed = str(status).upper() in ("2", "ERROR", "STATUS_CODE_ERROR")
    error = text_of(span.get("error.type"))
    return error or ("error" if failed else None)
