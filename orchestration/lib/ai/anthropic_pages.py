"""Pages of Anthropic's usage and cost reports as usage records and FOCUS charges."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from orchestration.lib.ai.attribution import tags_of
from orchestration.lib.ai.pages import (
    EXACT,
    Bounds,
    Result,
    Row,
    charge_columns,
    currency_of,
    keys_of,
    read_rows,
    rfc3339,
)
from orchestration.lib.ai.pseudonyms import pseudonym
from orchestration.lib.config_sources import Source
from orchestration.lib.formats.ai_usage import AI_USAGE
from orchestration.lib.formats.focus import FOCUS
from orchestration.lib.readers import Batch

MESSAGES, COST_REPORT, CLAUDE_CODE = "messages", "cost_report", "claude_code"
MESSAGE_GROUPS = (
    "account_id",
    "api_key_id",
    "context_window",
    "inference_geo",
    "model",
    "service_account_id",
    "service_tier",
    "workspace_id",
)
COST_GROUPS = ("workspace_id", "description")
USAGE_KEYS, COST_KEYS = keys_of((MESSAGES, CLAUDE_CODE)), keys_of((COST_REPORT,))
# The workspace that has no id; accounts and rules of the configuration call it so.
DEFAULT_WORKSPACE = "default"

_METERS = {
    "uncached_input_tokens": "uncached_input_tokens",
    "cache_read_input_tokens": "cache_read_tokens",
    "cache_creation.ephemeral_5m_input_tokens": "cache_write_5m_tokens",
    "cache_creation.ephemeral_1h_input_tokens": "cache_write_1h_tokens",
    "output_tokens": "output_tokens",
    "web_search": "web_search_count",
}
_MESSAGE_FIELDS = frozenset(MESSAGE_GROUPS) | {
    "uncached_input_tokens",
    "cache_read_input_tokens",
    "output_tokens",
    "cache_creation",
    "server_tool_use",
}
_COST_FIELDS = frozenset(COST_GROUPS) | {
    "amount",
    "context_window",
    "cost_type",
    "currency",
    "inference_geo",
    "model",
    "service_tier",
    "token_type",
}
# Sessions, lines and commits are no usage of a model.
_CODE_FIELDS = frozenset(
    {
        "date",
        "actor",
        "organization_id",
        "customer_type",
        "subscription_type",
        "terminal_type",
        "core_metrics",
        "tool_actions",
        "model_breakdown",
    }
)


def in_dollars(cents: Decimal) -> Decimal:
    """Dollars of an amount in cents, with every digit."""
    return cents.scaleb(-2, EXACT)


def read_usage(source: Source, path: Path, file: str) -> Iterator[Batch]:  # noqa: ARG001
    """Pages of messages and of Claude Code as AI usage."""
    return read_rows(path, file, AI_USAGE, _bounds, _usage)


def read_costs(source: Source, path: Path, file: str) -> Iterator[Batch]:
    """Pages of the cost report as FOCUS charges."""
    return read_rows(path, file, FOCUS, _bounds, partial(_charge, source))


def _bounds(bucket: dict[str, Any]) -> Bounds:
    if "date" in bucket:  # Claude Code: a record of a person and a day, without a bucket around it
        start = rfc3339(bucket["date"])
        return Bounds(start, start + timedelta(days=1))
    return Bounds(rfc3339(bucket["starting_at"]), rfc3339(bucket["ending_at"]))


def _usage(result: Result) -> tuple[list[Row], list[str]]:
    return _code(result) if result.kind == CLAUDE_CODE else _messages(result)


def _messages(result: Result) -> tuple[list[Row], list[str]]:
    counts, names = result.unknown(_MESSAGE_FIELDS)
    created, tools = result.within("cache_creation"), result.within("server_tool_use")
    for part, known in (
        (created, frozenset({"ephemeral_5m_input_tokens", "ephemeral_1h_input_tokens"})),
        (tools, frozenset({"web_search_requests"})),
    ):
        more, unknown = part.unknown(known)
        counts |= {f"{part.prefix}{name}": count for name, count in more.items()}
        names += [f"{part.prefix}{name}" for name in unknown]
    account, model = result.text("account_id"), result.text("model")
    workspace, service_account = result.text("workspace_id"), result.text("service_account_id")
    key, user = result.text("api_key_id"), pseudonym(account) if account else None
    row = _record(result, MESSAGES) | {
        "uncached_input_tokens": result.count("uncached_input_tokens"),
        "cache_read_tokens": result.count("cache_read_input_tokens"),
        "cache_write_5m_tokens": created.count("ephemeral_5m_input_tokens"),
        "cache_write_1h_tokens": created.count("ephemeral_1h_input_tokens"),
        "output_tokens": result.count("output_tokens"),
        "web_search_count": tools.count("web_search_requests"),
        "model": model,
        "delivered_model": model,
        "service_tier": result.text("service_tier"),
        "context_window": result.text("context_window"),
        "inference_geo": result.text("inference_geo"),
        "project_id": workspace or DEFAULT_WORKSPACE,
        "api_key_id": key,
        "user_id": user,
        "principal": service_account,
        "tags": tags_of(
            workspace_id=workspace or DEFAULT_WORKSPACE,
            api_key_id=key,
            user_id=user,
            service_account_id=service_account,
        ),
        "unknown_usage": counts or None,
    }
    return [row], names


def _code(result: Result) -> tuple[list[Row], list[str]]:
    """A record for each model that a person used in a day.

    What API customers use is among the messages too, what subscribers use is in no bill: so these records are told apart
    by their operation, and are in no sum of costs.
    """
    actor = result.within("actor")
    email, key_name = actor.text("email_address"), actor.text("api_key_name")
    user, names = pseudonym(email) if email else None, result.unknown(_CODE_FIELDS)[1]
    rows = []
    for used in result.each("model_breakdown"):
        tokens, cost, model = used.within("tokens"), used.within("estimated_cost"), used.text("model")
        counts, unknown = tokens.unknown(frozenset({"input", "output", "cache_read", "cache_creation"}))
        names += [f"tokens.{name}" for name in unknown]
        cents = cost.decimal("amount")
        rows.append(
            _record(result, CLAUDE_CODE)
            | {
                "uncached_input_tokens": tokens.count("input"),
                "cache_read_tokens": tokens.count("cache_read"),
                "cache_write_5m_tokens": tokens.count("cache_creation"),
                "output_tokens": tokens.count("output"),
                "reported_cost": None
                if cents is None or (cost.text("currency") or "USD") != "USD"
                else in_dollars(cents),
                "model": model,
                "delivered_model": model,
                "user_id": user,
                "principal": key_name,
                "tags": tags_of({"customer_type": result.text("customer_type")}, user_id=user, principal=key_name),
                "unknown_usage": {f"tokens.{name}": count for name, count in counts.items()} or None,
            }
        )
    return rows, names


def _record(result: Result, operation: str) -> Row:
    return {
        "usage_start": result.bounds.start,
        "usage_end": result.bounds.end,
        "billing_period_start": result.bounds.month,
        "provider": "anthropic",
        "operation": operation,
    }


def _charge(source: Source, result: Result) -> tuple[list[Row], list[str]]:
    cents = result.decimal("amount")
    if cents is None:
        raise result.error("amount", None, "is no amount. Every cost line needs one.")
    description, kind, model = result.text("description"), result.text("cost_type"), result.text("model")
    meter = result.text("token_type") or (kind if kind != "tokens" else None)
    workspace = result.text("workspace_id")
    row = charge_columns(
        provider="Anthropic",
        service="Claude API",
        account=source.billing_account_id or source.name,
        currency=currency_of(result, source.currencies, source.name),
        amount=in_dollars(cents),
        bounds=result.bounds,
    )
    row |= {
        "charge_description": description,
        "sku_id": model or description or kind,
        "sku_meter": _METERS.get(meter or "", meter) or description,
        "sub_account_id": workspace or DEFAULT_WORKSPACE,
        "sub_account_name": workspace or DEFAULT_WORKSPACE,
        "sub_account_type": "Workspace",
        "tags": tags_of(workspace_id=workspace or DEFAULT_WORKSPACE),
    }
    return [row], result.unknown(_COST_FIELDS)[1]
