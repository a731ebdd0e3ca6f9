"""From the marts of AI usage to the table of recommendations, its gate and the report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ml.savings.recommendation import Recommendation, Window
from orchestration.lib.ai.savings import ai_recommendations
from orchestration.lib.config_models import Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.recommendation_sources import dated
from orchestration.lib.recommendations import ensure_recommendations, store_recommendations
from tests.support.ai_marts import make_ai_marts
from tests.support.savings import ranked

FIRST = date(2026, 10, 1)
D = Decimal
_PRICES = """
create schema config;
create table config.ai_prices (
    provider text, model text, service_tier text, context_window text, price_class text, unit_price numeric, valid_from date, valid_to date
);
"""
# What gpt-4.1 costs in the catalogue, less 10 %.
_PAID = {"uncached_input_tokens": "0.0000018", "cache_read_tokens": "0.00000045", "output_tokens": "0.0000072"}


def settings(folder: Path, **section: Any) -> Config:
    content = {
        "organization": {"name": "Halden", "first_billing_period": "2026-01"},
        "sources": [{"name": "azure", "format": "focus", "location": "azure"}],
        "ai_prices": {"discounts": [{"name": "agreement", "provider": "openai", "percent": "10"}]},
        "ai_api_optimization": section,
    }
    return Config.model_validate(content, context={"path": folder / "finops-config.yaml"})


def counts(requests: int = 400, hour: int | None = None) -> dict[str, Any]:
    cost = requests * (1000 * D(_PAID["uncached_input_tokens"]) + 300 * D(_PAID["output_tokens"]))
    return {
        "provider": "openai",
        "model": "gpt-4.1-2025-04-14",
        "project_id": "proj_1",
        "api_key_id": "key_1",
        "team": "Search",
        "request_count": requests,
        "failed_request_count": 0,
        "uncached_input_tokens": 1000 * requests,
        "output_tokens": 300 * requests,
        "model_cost": cost,
    }


def rows() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    days = [FIRST + timedelta(days=number) for number in range(29)]
    daily = [{**counts(), "charge_date": day} for day in days]
    hourly = [
        {**counts(200), "charge_date": day, "usage_hour": datetime(day.year, day.month, day.day, hour, tzinfo=UTC)}
        for day in days
        for hour in (2, 3)
    ]
    # A gateway reports the same again; a model without a price saves nothing that is known.
    daily += [{**counts(), "charge_date": days[0], "is_repeated": True}]
    daily += [{**counts(), "charge_date": days[0], "model": "secret", "model_cost": None, "price_status": "no price"}]
    return daily, hourly


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database) as connection:
        make_ai_marts(connection, *rows())
        connection.execute(_PRICES)
        for name, price in _PAID.items():
            connection.execute(
                "insert into config.ai_prices values ('openai', 'gpt-4.1-2025-04-14', 'standard', null, %s, %s, %s, %s)",
                [name, price, date(1, 1, 1), date(9999, 12, 31)],
            )
        connection.commit()
        yield connection


def store(connection: psycopg.Connection[Any], found: Sequence[Recommendation], window: Window | None) -> str:
    assert window is not None
    return store_recommendations(connection, dated(ranked(found), window))


def table(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute("select r::text from ml.recommendations as r order by overall_rank").fetchall()


def test_the_marts_become_recommendations(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    rule = {"name": "busy", "condition": "requests_per_day > 300", "potential_savings_percentage": 40}
    window, found = ai_recommendations(connection, settings(tmp_path, rules=[rule]))
    assert window is not None
    assert (window.first, window.last) == (FIRST, date(2026, 10, 28))  # the 29th may still be filling
    paid = window.monthly(28 * 400 * (D("0.0018") + D("0.00216")), 28)
    by_kind = {one.kind: one for one in found}
    assert {one.exclusive_group for one in found} == {"openai/gpt-4.1-2025-04-14/standard/completions/proj_1/key_1"}
    # Half of the price in the batch tier, at the discount, for all of it: it runs at two and three at night.
    assert (by_kind["batch"].estimate.cost, by_kind["batch"].estimate.saving) == (paid, paid / 2)
    assert by_kind["custom_rule"].estimate.saving == paid * D("0.4") // D("1e-10") * D("1e-10")
    assert by_kind["model_substitution"].estimate.saving < paid
    assert all(one.owner.team == "Search" for one in found)


def test_what_is_charged_counts_and_not_what_is_computed(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    """A provider that charges a tenth less than the prices say, and gave a credit besides."""
    window, before = ai_recommendations(connection, settings(tmp_path))
    assert window is not None
    connection.execute(
        "insert into finops.ai_cost_reconciliation values ('openai', 'USD', 100, -10, %s), ('openai', 'EUR', 100, 50, %s)",
        [FIRST, FIRST],
    )
    _, after = ai_recommendations(connection, settings(tmp_path))
    costs = [{one.kind: one.estimate for one in found}["batch"] for found in (before, after)]
    assert costs[1].saving == costs[0].saving * D("0.9")
    assert costs[1].cost == costs[0].cost * D("0.9")


def test_a_rerun_leaves_the_same_bytes_and_other_inputs_another_run(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    config = settings(tmp_path)
    window, found = ai_recommendations(connection, config)
    run_id = store(connection, found, window)
    first = table(connection)
    assert len(first) == len(found) > 1
    window, again = ai_recommendations(connection, config)
    assert store(connection, again, window) == run_id
    assert table(connection) == first
    store(connection, again[:1], window)
    assert len(table(connection)) == 1
    assert run_id not in str(table(connection))


def test_what_fails_leaves_what_was_there(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    window, found = ai_recommendations(connection, settings(tmp_path))
    store(connection, found, window)
    connection.commit()
    first = table(connection)
    assert window is not None
    with pytest.raises(psycopg.errors.UniqueViolation):
        store_recommendations(connection, dated([*ranked(found), ranked(found)[0]], window))
    assert table(connection) == first


def test_no_usage_is_no_recommendation(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        ensure_recommendations(connection)
        make_ai_marts(connection, [])
        assert ai_recommendations(connection, settings(tmp_path)) == (None, ())
        store_recommendations(connection, ())
        assert table(connection) == []


def test_the_table_says_what_it_holds(database: str) -> None:
    with psycopg.connect(database) as connection:
        ensure_recommendations(connection)
        lacking = connection.execute(
            """
            select attname from pg_attribute
            where attrelid = 'ml.recommendations'::regclass and attnum > 0 and col_description(attrelid, attnum) is null
            """
        ).fetchall()
        assert lacking == []


def test_a_log_of_prompts_is_read_and_its_errors_are_named(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    log = {"location": "prompts.jsonl", "provider": "openai", "model": "gpt-4.1-2025-04-14"}
    lines = [{"timestamp": 60_000 * n, "input_length": 2048, "hash_ids": [1, 2, 3, n]} for n in range(10)]
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, lines)))
    _, found = ai_recommendations(connection, settings(tmp_path, prompt_logs=[log]))
    (one,) = [one for one in found if one.kind == "prompt_caching"]
    # Nine of ten prompts repeat 1,536 of their 2,048 tokens.
    assert (one.evidence["log_reused_tokens"], one.evidence["log_input_tokens"]) == (9 * 1536, 10 * 2048)
    (tmp_path / "prompts.jsonl").write_text('{"timestamp": 1, "input_length": 5, "hash_ids": []}\n{"timestamp": "x"}')
    with pytest.raises(FinopsError, match=r"prompts\.jsonl, line 2"):
        ai_recommendations(connection, settings(tmp_path, prompt_logs=[log]))
    (tmp_path / "prompts.jsonl").write_text("\n".join(map(json.dumps, lines[::-1])))
    with pytest.raises(FinopsError, match="Sort the log"):
        ai_recommendations(connection, settings(tmp_path, prompt_logs=[log]))
    (tmp_path / "prompts.jsonl").unlink()
    with pytest.raises(FinopsError, match="cannot be read"):
        ai_recommendations(connection, settings(tmp_path, prompt_logs=[log]))
