"""OpenAI's usage and costs, from HTTP to the warehouse, to the last digit."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.lib.ai.pseudonyms import pseudonym
from tests.support.ai_feed import AiFeed, map_of, server_with_keys
from tests.support.ai_server import OPENAI_KEY, AiServer, exact, hour

DAY = date(2025, 10, 2)
COMPLETION = {
    "object": "organization.usage.completions.result",
    "input_tokens": 1000,
    "input_cached_tokens": 400,
    "input_cache_write_tokens": 100,
    "input_uncached_tokens": 500,
    "output_tokens": 500,
    "input_audio_tokens": 50,
    "input_cached_audio_tokens": 30,
    "output_audio_tokens": 20,
    "input_image_tokens": 7,
    "num_model_requests": 5,
    "project_id": "proj_a",
    "user_id": "user-ana",
    "api_key_id": "key_1",
    "model": "gpt-4o-2024-08-06",
    "batch": False,
    "service_tier": "default",
}
COST = {
    "object": "organization.costs.result",
    "amount": {"value": exact("0.0600000000000000012345678901"), "currency": "usd"},
    "line_item": "gpt-4o-2024-08-06, cached input",
    "project_id": "proj_a",
    "api_key_id": "key_1",
    "quantity": exact("12.5"),
    "quantity_unit": "1000_tokens",
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[AiServer]:
    with server_with_keys(monkeypatch, tmp_path / "home") as running:
        running.buckets["completions"] = [hour(DAY, 5, COMPLETION), hour(DAY, 6), hour(DAY, 7, COMPLETION)]
        running.buckets["costs"] = [hour(DAY, 0, COST, hours=24)]
        yield running


@pytest.fixture
def feed(module_database: str, source_name: str, server: AiServer) -> AiFeed:
    return AiFeed(module_database, "openai", source_name, server.address)


def test_usage_is_loaded_in_disjoint_token_classes(feed: AiFeed) -> None:
    feed.run()
    one = (443, 370, 100, None, 50, 30, 480, 20, 7, 5)
    classes = (
        "uncached_input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, input_audio_tokens,"
        " cache_read_audio_tokens, output_tokens, output_audio_tokens, input_image_tokens, request_count"
    )
    times = [datetime(2025, 10, 2, number, tzinfo=UTC) for number in (5, 7)]
    assert feed.usage("usage_start", classes) == [(moment, *one) for moment in times]
    assert one[0] + one[1] + one[2] + one[4] + one[5] + one[8] == COMPLETION["input_tokens"]
    user = pseudonym("user-ana")
    assert user
    told = feed.usage(
        "provider, operation, model, service_tier, project_id, api_key_id, user_id",
        map_of("tags"),
        map_of("unknown_usage"),
    )
    tags = {"project_id": "proj_a", "api_key_id": "key_1", "user_id": user}
    assert told[0] == (
        *("openai", "completions", "gpt-4o-2024-08-06", "standard", "proj_a", "key_1", user),
        tags,
        None,
    )


def test_costs_are_focus_charges_with_every_digit(feed: AiFeed) -> None:
    feed.run()
    costs = "billed_cost, effective_cost, contracted_cost, list_cost"
    assert feed.charges(costs, "consumed_quantity, consumed_unit") == [
        (*[Decimal("0.0600000000000000012345678901")] * 4, Decimal(12500), "tokens")
    ]
    assert feed.charges(
        "sku_id, sku_meter, sub_account_id, resource_id, billing_currency, billing_account_id, charge_date"
    ) == [("gpt-4o-2024-08-06", "cache_read_tokens", "proj_a", "key_1", "USD", feed.source.name, DAY)]
    assert feed.charges("charge_category, service_provider_name, service_category", map_of("tags")) == [
        ("Usage", "OpenAI", "AI and Machine Learning", {"project_id": "proj_a", "api_key_id": "key_1"})
    ]


def test_other_kinds_of_usage(feed: AiFeed, server: AiServer) -> None:
    results: dict[str, dict[str, Any]] = {
        "embeddings": {"input_tokens": 16, "num_model_requests": 2},
        "moderations": {"input_tokens": 17, "num_model_requests": 3},
        "images": {"images": 2, "num_model_requests": 1, "size": "1024x1024", "source": "image.generation"},
        "audio_speeches": {"characters": 45, "num_model_requests": 1},
        "audio_transcriptions": {"seconds": 20, "num_model_requests": 1},
        "vector_stores": {"usage_bytes": 1024},
        "code_interpreter_sessions": {"num_sessions": 4},
        "file_search_calls": {"num_requests": 6, "vector_store_id": "vs_1"},
        "web_search_calls": {"num_requests": 8, "num_model_requests": 7, "context_level": "low"},
    }
    server.buckets["completions"].clear()
    server.buckets |= {kind: [hour(DAY, 3, result)] for kind, result in results.items()}
    feed.run()
    columns = (
        "uncached_input_tokens, image_count, character_count, audio_seconds, storage_byte_hours, session_count,"
        " tool_call_count, web_search_count, request_count"
    )
    found = {row[0]: [value for value in row[1:10] if value is not None] for row in feed.usage("operation", columns)}
    assert found == {
        "embeddings": [16, 2],
        "moderations": [17, 3],
        "images": [2, 1],
        "audio_speeches": [45, 1],
        "audio_transcriptions": [20, 1],
        "vector_stores": [1024],
        "code_interpreter_sessions": [4],
        "file_search_calls": [6],
        "web_search_calls": [8],
    }
    tags = dict(feed.usage("operation", map_of("tags")))
    assert tags["images"] == {"size": "1024x1024", "source": "image.generation"}
    assert (tags["file_search_calls"], tags["web_search_calls"]) == (
        {"vector_store_id": "vs_1"},
        {"context_level": "low"},
    )


def test_what_is_asked(feed: AiFeed, server: AiServer) -> None:
    feed.run()
    kinds = {one.path.rpartition("/")[2] for one in server.asked}
    assert len(kinds) == 11
    assert len(server.asked) == 3 * 11
    asked = server.of("completions")[1]
    assert asked.path == "/v1/organization/usage/completions"
    assert asked.parameters == [
        ("start_time", "1759363200"),
        ("end_time", "1759449600"),
        ("bucket_width", "1h"),
        ("limit", "168"),
        *[("group_by", name) for name in ("project_id", "user_id", "api_key_id", "model", "batch", "service_tier")],
    ]
    assert asked.headers["authorization"] == f"Bearer {OPENAI_KEY}"
    costs = server.of("costs")[1]
    assert (costs.path, costs.of("bucket_width"), costs.of("limit")) == ("/v1/organization/costs", ["1d"], ["31"])
    assert costs.of("group_by") == ["project_id", "line_item", "api_key_id"]


def test_settled_days_are_not_fetched_again_and_others_are(feed: AiFeed, server: AiServer) -> None:
    feed.run()
    files, ledger = feed.files(), feed.ledger()
    server.asked.clear()
    feed.run()
    assert len(server.asked) == 3 * 11
    assert (feed.files(), feed.ledger()) == (files, ledger), "the same answers are no new delivery"
    feed.now = datetime(2025, 10, 5, 1, tzinfo=UTC)
    feed.run()
    server.asked.clear()
    feed.run()
    days = {datetime.fromtimestamp(int(one.of("start_time")[0]), UTC).day for one in server.asked}
    assert days == {2, 3, 4, 5}, "the first was asked for when it was three days old"


def test_a_day_that_was_in_progress_is_fetched_again_however_late(feed: AiFeed, server: AiServer) -> None:
    feed.run()
    feed.now = datetime(2025, 10, 28, tzinfo=UTC)
    server.asked.clear()
    feed.run()
    days = {datetime.fromtimestamp(int(one.of("start_time")[0]), UTC).day for one in server.asked}
    assert days == set(range(1, 29))


def test_a_restated_bucket_replaces_its_day(feed: AiFeed, server: AiServer) -> None:
    feed.run()
    before = feed.files()
    server.buckets["completions"] = [hour(DAY, 5, COMPLETION | {"num_model_requests": 6})]
    server.buckets["costs"] = [hour(DAY, 0, COST | {"amount": {"value": exact("0.07"), "currency": "usd"}}, hours=24)]
    feed.run()
    assert feed.usage("request_count", "usage_start") == [(6, datetime(2025, 10, 2, 5, tzinfo=UTC))]
    assert feed.charges("billed_cost", "charge_date") == [(Decimal("0.07"), DAY)]
    changed = {key for key, content in feed.files().items() if before[key] != content}
    assert changed == {"completions/2025-10/2025-10-02.jsonl.gz", "costs/2025-10/2025-10-02.jsonl.gz"}


def test_use_that_is_taken_back_leaves_an_empty_month(feed: AiFeed, server: AiServer) -> None:
    feed.run()
    server.buckets.clear()
    feed.run()
    assert (feed.usage("1", "2"), feed.charges("1", "2")) == ([], [])
    assert [row[1] for row in feed.ledger()] == ["superseded", "superseded", "loaded", "loaded"]


def test_a_poll_asks_for_the_hours_in_progress_only(feed: AiFeed, server: AiServer) -> None:
    feed.run()
    server.asked.clear()
    feed.now = datetime(2025, 10, 3, 12, 35, tzinfo=UTC)
    server.buckets["completions"].append(hour(date(2025, 10, 3), 12, COMPLETION))
    assert feed.fetch(only_open=True) == []
    assert len(server.asked) == 10
    assert {one.of("start_time")[0] for one in server.asked} == {"1759449600"}
    feed.load()
    assert len(feed.usage("1", "2")) == 3
    # A day that ended meanwhile is asked for once more.
    feed.now = datetime(2025, 10, 4, 0, 5, tzinfo=UTC)
    for days in (2, 1):
        server.asked.clear()
        assert feed.fetch(only_open=True) == []
        assert len(server.asked) == days * 10
