"""Prices of loaded AI usage in the warehouse: complete, versioned, and kept for months that are past."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from orchestration.defs.ingest.ai_prices import ai_prices_asset
from orchestration.defs.resources import Warehouse
from orchestration.lib.ai import price_table, prices
from orchestration.lib.ai.price_table import Stored, store_prices
from orchestration.lib.ai.prices import FOR_EVER, Key, Period
from orchestration.lib.ai.reprice import reprice
from orchestration.lib.built_state import current_state
from orchestration.lib.config_ai import AiPrices
from orchestration.lib.config_models import Config
from orchestration.lib.config_store import store_config
from orchestration.lib.ledger import connect
from orchestration.lib.warehouse import ensure_warehouse

GPT_4O = ("openai", "gpt-4o-2024-08-06", None, None)
SETTINGS = AiPrices.model_validate(
    {
        "overrides": [
            {"name": "tuned", "provider": "openai", "model": "ft:own", "per_million_tokens": {"output_tokens": "3.2"}}
        ],
        "discounts": [{"name": "EA", "provider": "openai", "percent": "12.5", "valid_from": "2026-02-01"}],
    }
)

CONFIG = Config.model_validate(
    {
        "organization": {"name": "Halden", "first_billing_period": "2026-01"},
        "sources": [{"name": "bill", "format": "focus", "location": "x"}],
    }
)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with connect(database) as connection:
        ensure_warehouse(connection)
        yield connection


def use(connection: psycopg.Connection[Any], *keys: tuple[str | None, ...], month: str = "2026-03") -> None:
    """Usage of these providers, models, tiers and contexts, as it stands in raw once it is loaded."""
    ((scope,),) = connection.execute(
        "insert into raw.scopes (source_name, billing_period, format) values ('log', %s, 'ai_usage') returning scope_id",
        [f"{month}-01"],
    ).fetchall()
    connection.execute(f"create table raw.used_{scope} partition of raw.ai_usage_attributes for values in ({scope})")
    connection.execute(
        "insert into raw.delivery_days (scope_id, charge_date, line_count, billed_cost, digest) values (%s, %s, 1, 0, 'x')",
        [scope, f"{month}-17"],
    )
    for number, key in enumerate(keys):
        connection.execute(
            "insert into raw.ai_usage_attributes (attributes_id, scope_id, billing_period_start, provider, operation, model,"
            " service_tier, context_window) values (%s, %s, %s, %s, 'completions', %s, %s, %s)",
            [number, scope, f"{month}-01", key[0], *key[1:]],
        )


def stored_prices(connection: psycopg.Connection[Any], price_class: str = "output_tokens") -> list[tuple[Any, ...]]:
    return connection.execute(
        "select model, valid_from::text, valid_to::text, unit_price, list_unit_price, discount, price_version, origin"
        " from config.ai_prices where price_class = %s order by 1, 2",
        [price_class],
    ).fetchall()


def catalogue(monkeypatch: pytest.MonkeyPatch, version: str, price: str) -> None:
    """Another catalogue, with one price of all output."""

    def periods(key: Key, _: object = None) -> list[Period]:
        return [Period(prices.ALWAYS, FOR_EVER, {"output_tokens": Decimal(price)}, f"{version}: {key.model}")]

    monkeypatch.setattr(price_table, "catalogue_periods", periods)


def test_every_loaded_model_has_prices_or_a_reason(connection: psycopg.Connection[Any]) -> None:
    use(
        connection,
        GPT_4O,
        ("openai", "gpt-4.1", "default", None),
        ("openai", "ft:own", None, None),
        ("anthropic", "claude-opus-4-5-20251101", "priority", "0-200k"),
        ("openai", None, None, None),
    )
    stored = store_prices(connection, SETTINGS)
    assert stored.priced == 3
    always, ten, known = ("0001-01-01", "9999-12-31"), Decimal("0.00001"), "genai-prices 0.2.3: openai/gpt-4o"
    own, less = Decimal("0.0000032"), Decimal("0.00000875")
    assert [row for row in stored_prices(connection) if row[0] != "gpt-4.1"] == [
        ("ft:own", *always, own, own, 0, "override tuned", "override"),
        (GPT_4O[1], always[0], "2026-02-01", ten, ten, 0, known, "catalogue"),
        (GPT_4O[1], "2026-02-01", always[1], less, ten, Decimal("0.125"), f"{known}; discount EA", "catalogue"),
    ]
    # A tier is written as it is delivered, whatever its name for the usual one.
    usual = connection.execute(
        "select distinct service_tier, list_unit_price from config.ai_prices"
        " where model = 'gpt-4.1' and price_class = 'output_tokens'"
    )
    assert usual.fetchall() == [("default", Decimal("0.000008"))]
    gaps = connection.execute(
        "select provider, model, service_tier, context_window, reason from config.ai_price_gaps order by 1"
    ).fetchall()
    assert [gap[:4] for gap in gaps] == [
        ("anthropic", "claude-opus-4-5-20251101", "priority", "0-200k"),
        ("openai", None, "standard", None),
    ]
    assert "knows what anthropic/claude-opus-4-5 costs in the tier priority" in gaps[0][4]
    assert gaps[1][4] == "the usage names no model"
    assert stored.gaps == {Key(*gap[:4]): gap[4] for gap in gaps}


def test_the_asset_names_what_has_no_price(connection: psycopg.Connection[Any], finops_home: Path) -> None:
    use(connection, GPT_4O, ("aws", "claude-sonnet-4-5", None, None))
    done = dg.materialize([ai_prices_asset(CONFIG)], resources={"warehouse": Warehouse()})
    (materialization,) = done.asset_materializations_for_node("config__ai_prices")
    shown = {name: value.value for name, value in materialization.metadata.items()}
    assert shown["models and tiers priced"] == 1
    assert "aws claude-sonnet-4-5 standard: the catalogue has no model claude-sonnet-4-5 of aws" in str(
        shown["without a price"]
    )
    assert "also sold by anthropic" in str(shown["without a price"])


def test_the_same_again_changes_nothing(connection: psycopg.Connection[Any]) -> None:
    use(connection, GPT_4O)
    first = store_prices(connection, SETTINGS)
    again = store_prices(connection, SETTINGS)
    assert (first.changed, again.changed, again.content_hash) == (True, False, first.content_hash)
    store_prices(connection, AiPrices())
    versions = connection.execute(
        "select content_hash = %s, superseded_at is null, jsonb_array_length(prices) > 0 from config.ai_price_versions order by loaded_at",
        [first.content_hash],
    )
    assert versions.fetchall() == [(True, False, True), (False, True, True)]


def test_new_prices_are_a_new_state_of_the_marts(connection: psycopg.Connection[Any]) -> None:
    store_config(connection, CONFIG)
    use(connection, GPT_4O)
    before = current_state(connection)
    store_prices(connection, SETTINGS)
    assert current_state(connection) != before


def test_past_months_keep_the_catalogue_that_they_were_priced_with(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(connection, GPT_4O)
    catalogue(monkeypatch, "catalogue 1", "0.5")
    store_prices(connection, AiPrices())
    catalogue(monkeypatch, "catalogue 2", "0.7")
    use(connection, GPT_4O, ("openai", "new", None, None), month="2026-05")
    store_prices(connection, SETTINGS)
    one, two = "catalogue 1: gpt-4o-2024-08-06", "catalogue 2: gpt-4o-2024-08-06"
    assert [row[1:5] + row[6:7] for row in stored_prices(connection) if row[0] == GPT_4O[1]] == [
        ("0001-01-01", "2026-02-01", Decimal("0.5"), Decimal("0.5"), one),
        # Own discounts are dated by what they say, and hold for past days too.
        ("2026-02-01", "2026-05-01", Decimal("0.4375"), Decimal("0.5"), f"{one}; discount EA"),
        ("2026-05-01", "9999-12-31", Decimal("0.6125"), Decimal("0.7"), f"{two}; discount EA"),
    ]
    # What was never priced has nothing to keep.
    assert [row[4] for row in stored_prices(connection) if row[0] == "new"] == [Decimal("0.7")] * 2
    assert not store_prices(connection, SETTINGS).changed


def test_a_closed_month_keeps_its_prices_though_none_came_after_it(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    use(connection, GPT_4O)
    catalogue(monkeypatch, "catalogue 1", "0.5")
    store_prices(connection, AiPrices())
    connection.execute("insert into audit.closes values (1, '2026-03-01', now(), 'x', 0, '', '{}')")
    catalogue(monkeypatch, "catalogue 2", "0.7")
    store_prices(connection, AiPrices())
    assert [row[1:4] for row in stored_prices(connection)] == [
        ("0001-01-01", "2026-04-01", Decimal("0.5")),
        ("2026-04-01", "9999-12-31", Decimal("0.7")),
    ]


def test_who_asks_for_it_has_past_months_priced_anew(
    connection: psycopg.Connection[Any], database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    use(connection, GPT_4O)
    catalogue(monkeypatch, "catalogue 1", "0.5")
    store_prices(connection, AiPrices())
    use(connection, GPT_4O, month="2026-05")
    store_prices(connection, AiPrices())
    catalogue(monkeypatch, "catalogue 2", "0.7")
    done = [reprice(database, AiPrices(), date(2026, 4, 1)) for _ in range(2)]
    assert [one.changed for one in done] == [True, False]
    assert [row[1:4] for row in stored_prices(connection)] == [
        ("0001-01-01", "2026-04-01", Decimal("0.5")),
        ("2026-04-01", "9999-12-31", Decimal("0.7")),
    ]
    events = connection.execute("select action, subject from audit.events").fetchall()
    assert events == [("ai reprice", "2026-04")]
    # A run after it leaves them so.
    assert store_prices(connection, AiPrices()) == Stored(done[0].content_hash, 1, {}, changed=False)
