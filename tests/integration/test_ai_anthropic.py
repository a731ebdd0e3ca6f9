"""Anthropic's usage and cost reports, from HTTP to the warehouse, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.lib.ai.pseudonyms import pseudonym
from tests.support.ai_feed import AiFeed, map_of, server_with_keys
from tests.support.ai_server import ANTHROPIC_KEY, AiServer, span

DAY = date(2025, 10, 2)
MESSAGE = {
    "account_id": "user_01Ana",
    "api_key_id": "apikey_1",
    "cache_creation": {"ephemeral_1h_input_tokens": 1000, "ephemeral_5m_input_tokens": 500},
    "cache_read_input_tokens": 200,
    "context_window": "0-200k",
    "inference_geo": "global",
    "model": "claude-sonnet-4-5",
    "output_tokens": 700,
    "server_tool_use": {"web_search_requests": 10, "web_fetch_requests": 3},
    "service_account_id": "svac_1",
    "service_tier": "batch",
    "uncached_input_tokens": 1500,
    "workspace_id": None,
    "thinking_tokens": 12,
}
COSTS: list[dict[str, Any]] = [
    {
        "amount": "123.7891200000000000000000000009",
        "context_window": "0-200k",
        "cost_type": "tokens",
        "currency": "USD",
        "description": "Claude Sonnet 4.5 Usage - Input Tokens, Cache Write",
        "model": "claude-sonnet-4-5",
        "service_tier": "standard",
        "token_type": "cache_creation.ephemeral_1h_input_tokens",
        "workspace_id": "wrkspc_1",
    },
    {
        "amount": "50",
        "cost_type": "web_search",
        "currency": "USD",
        "description": "Web Search Usage",
        "workspace_id": None,
    },
]
CODE = {
    "date": "2025-10-02T00:00:00Z",
    "actor": {"type": "user_actor", "email_address": "Ana@example.com"},
    "organization_id": "org",
    "customer_type": "subscription",
    "terminal_type": "vscode",
    "core_metrics": {"num_sessions": 5},
    "tool_actions": {},
    "model_breakdown": [
        {
            "model": "claude-opus-4-1",
            "tokens": {"input": 100, "output": 35, "cache_read": 20, "cache_creation": 4},
            "estimated_cost": {"currency": "USD", "amount": 1025},
        }
    ],
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AiServer]:
    monkeypatch.setenv("CLAUDE_KEY", ANTHROPIC_KEY)
    with server_with_keys(monkeypatch, tmp_path / "home") as running:
        running.buckets["messages"] = [span(DAY, 4, MESSAGE), span(DAY, 5)]
        running.buckets["cost_report"] = [span(DAY, 0, *COSTS, hours=24)]
        running.buckets["claude_code"] = [CODE]
        yield running


@pytest.fixture
def feed(module_database: str, source_name: str, server: AiServer) -> AiFeed:
    return AiFeed(module_database, "anthropic", source_name, server.address, api_key_env="CLAUDE_KEY")


def test_messages_and_claude_code_are_usage(feed: AiFeed) -> None:
    feed.run()
    user, coder = pseudonym("user_01Ana"), pseudonym("Ana@example.com")
    tokens = "uncached_input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens"
    assert feed.usage("operation", "usage_start", tokens, "web_search_count, request_count, reported_cost") == [
        ("claude_code", datetime(2025, 10, 2, tzinfo=UTC), 100, 20, 4, None, 35, None, None, Decimal("10.25")),
        ("messages", datetime(2025, 10, 2, 4, tzinfo=UTC), 1500, 200, 500, 1000, 700, 10, None, None),
    ]
    assert feed.usage("operation", "service_tier, context_window, inference_geo, project_id, user_id, principal") == [
        ("claude_code", None, None, None, None, coder, None),
        ("messages", "batch", "0-200k", "global", "default", user, "svac_1"),
    ]
    tags = {"workspace_id": "default", "api_key_id": "apikey_1", "service_account_id": "svac_1", "user_id": user}
    assert feed.usage("operation", map_of("tags"), map_of("unknown_usage")) == [
        ("claude_code", {"customer_type": "subscription", "user_id": coder}, None),
        ("messages", tags, {"thinking_tokens": "12", "server_tool_use.web_fetch_requests": "3"}),
    ]
    ignored = [row[3] for row in feed.ledger() if row[0].endswith("/usage")]
    assert ignored == [["messages.server_tool_use.web_fetch_requests", "messages.thinking_tokens"]]


def test_amounts_are_in_cents(feed: AiFeed) -> None:
    feed.run()
    assert feed.charges("billed_cost", "sku_id, sku_meter, sub_account_id, service_name, charge_date") == [
        (Decimal("0.50"), "Web Search Usage", "web_search_count", "default", "Claude API", DAY),
        (
            Decimal("1.237891200000000000000000000009"),
            "claude-sonnet-4-5",
            "cache_write_1h_tokens",
            "wrkspc_1",
            "Claude API",
            DAY,
        ),
    ]


def test_what_is_asked(feed: AiFeed, server: AiServer) -> None:
    feed.run()
    assert len(server.asked) == 3 * 3
    asked = server.of("messages")[1]
    assert asked.path == "/v1/organizations/usage_report/messages"
    groups = ["account_id", "api_key_id", "context_window", "inference_geo", "model"]
    groups += ["service_account_id", "service_tier", "workspace_id"]
    assert asked.parameters == [
        ("starting_at", "2025-10-02T00:00:00Z"),
        ("ending_at", "2025-10-03T00:00:00Z"),
        ("bucket_width", "1h"),
        ("limit", "168"),
        *[("group_by[]", name) for name in groups],
    ]
    assert (asked.headers["x-api-key"], asked.headers["anthropic-version"]) == (ANTHROPIC_KEY, "2023-06-01")
    assert "authorization" not in asked.headers
    costs, code = server.of("cost_report")[1], server.of("claude_code")[1]
    assert (costs.path, costs.of("group_by[]")) == ("/v1/organizations/cost_report", ["workspace_id", "description"])
    assert code.parameters == [("starting_at", "2025-10-02"), ("limit", "1000")]


def test_a_renamed_model_keeps_the_name_it_was_delivered_with(feed: AiFeed, server: AiServer) -> None:
    renamed = MESSAGE | {"model": "claude-sonnet-4-5-20250929"}
    server.buckets["messages"] = [span(DAY, 4, MESSAGE, renamed)]
    feed.run()
    assert [row[0] for row in feed.usage("delivered_model", "operation") if row[1] == "messages"] == [
        "claude-sonnet-4-5",
        "claude-sonnet-4-5-20250929",
    ]
