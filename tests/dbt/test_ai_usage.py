"""Usage of AI models from the loader to the marts: nothing is lost, each hour has its price and owner, and only what changed is built."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import psycopg
import pytest

from orchestration.lib.formats.ai_usage import TOKEN_CLASSES, UNIT_CLASSES
from tests.dbt.ai import SONNET, anthropic_usage, bedrock_usage, keyed, openai_usage
from tests.dbt.project import Project
from tests.dbt.test_builds import built_days, rebuilt
from tests.support.ai_usage import deliver_usage, set_prices

COUNTS = ("request_count", "failed_request_count", *TOKEN_CLASSES, "reasoning_tokens", *UNIT_CLASSES)


def costs(project: Project, where: str) -> list[tuple[Any, ...]]:
    return project.rows(
        "select charge_date::text, team, price_status, price_version, computed_cost, list_cost from finops.ai_usage"
        f" where {where} order by 1, 2, 5"
    )


def test_every_count_that_was_delivered_is_in_both_marts_once(ai_project: Project) -> None:
    sums = ", ".join(f"sum({name})" for name in COUNTS)
    ((*raw,),) = ai_project.rows(f"select count(*), {sums} from raw.ai_usage_records")
    assert raw[0] == len(openai_usage()) + len(anthropic_usage()) + len(bedrock_usage())
    for mart in ("ai_usage", "ai_usage_hourly"):
        assert ai_project.rows(f"select sum(record_count), {sums} from finops.{mart}") == [tuple(raw)]
    tokens = sum(count or 0 for count in raw[3 : 3 + len(TOKEN_CLASSES)])
    for mart in ("ai_usage", "ai_usage_hourly"):
        assert ai_project.rows(f"select sum(token_count), sum(computed_cost) from finops.{mart}") == [
            (tokens, Decimal("0.37304"))
        ]


def test_cost_is_usage_times_the_price_of_its_class(ai_project: Project) -> None:
    """Two hours of key_a: 2000 uncached at 2.5, 1000 cached at 1.25 and 400 written at 10 dollars a million."""
    price = ("priced", "v1")
    assert costs(ai_project, "api_key_id = 'key_a'") == [
        ("2025-03-04", "Search", *price, Decimal("0.01025"), Decimal("0.01025"))
    ]
    assert ai_project.rows(
        "select usage_hour at time zone 'UTC' = date '2025-03-04' + interval '6 hours', computed_cost"
        " from finops.ai_usage_hourly where api_key_id = 'key_a' order by usage_hour"
    ) == [(False, Decimal("0.005125")), (True, Decimal("0.005125"))]
    # The batch tier has prices of its own.
    assert costs(ai_project, "service_tier = 'batch'")[0][4] == Decimal("0.0025625")


def test_model_without_a_price_has_usage_and_no_cost(ai_project: Project) -> None:
    assert costs(ai_project, "model = 'gpt-next'") == [("2025-03-04", "Checkout", "no price", None, None, None)]
    assert ai_project.rows("select token_count, unpriced_classes from finops.ai_usage where model = 'gpt-next'") == [
        (100, "uncached_input_tokens, output_tokens")
    ]
    # Of a class without a price nothing is known; the other classes have their cost.
    assert ai_project.rows(
        "select price_status, unpriced_classes, computed_cost, web_search_cost from finops.ai_usage"
        " where web_search_count = 2"
    ) == [("incomplete", "web_search_count", Decimal("0.013125"), None)]


def test_owners_are_found_by_the_rules_of_charges(ai_project: Project) -> None:
    """By a rule on the key, else the account of that day; Bedrock by the metadata of the request."""
    found = ai_project.rows(
        "select distinct provider, charge_date::text, coalesce(api_key_id, principal), team, project, owner_source"
        " from finops.ai_usage where model is not null order by 1, 2, 3, 4"
    )
    assert found == [
        ("anthropic", "2025-03-04", None, "unallocated", None, "unallocated"),
        ("anthropic", "2025-03-05", None, "Search", None, "account"),
        ("aws", "2025-03-04", "role/checkout", "Checkout", "shop", "own_tag"),
        ("aws", "2025-03-04", "role/nobody", "Checkout", "shop", "account"),
        ("aws", "2025-03-04", "role/search", "Search", "shop", "own_tag"),
        ("openai", "2025-03-04", "key_a", "Search", "assistant", "virtual_tag:keys"),
        ("openai", "2025-03-04", "key_b", "Checkout", "assistant", "account"),
        ("openai", "2025-03-05", "key_b", "Checkout", "assistant", "account"),
        ("openai", "2025-03-06", "key_b", "Checkout", "assistant", "account"),
    ]


def test_unknown_counts_are_kept(ai_project: Project) -> None:
    assert ai_project.rows("select unknown_usage from finops.ai_usage where unknown_usage is not null") == [
        ({"new_tokens": "7"},)
    ]


def test_restated_hour_builds_its_day_and_no_other(ai_project: Project) -> None:
    before = built_days(ai_project)
    usage = openai_usage()
    usage[1] |= {"output_tokens": 201}
    deliver_usage(ai_project.url, ai_project.folder, "openai", usage)
    ai_project.build()
    restated = {("openai/usage", "2025-03-01", "2025-03-04")}
    for model in ("int_ai_usage_hourly", "int_ai_usage_daily"):
        assert rebuilt(ai_project, before, model) == restated
    # It is usage, no charge, and leaves the days of costs alone.
    assert rebuilt(ai_project, before, "int_charges_daily") == set()
    assert costs(ai_project, "api_key_id = 'key_a'")[0][4] == Decimal("0.01026")
    kept = ai_project.marts()
    ai_project.build("--full-refresh")
    assert ai_project.marts() == kept


def test_late_price_is_for_the_months_that_use_it(ai_project: Project) -> None:
    with psycopg.connect(ai_project.url) as connection:
        connection.execute("delete from config.ai_prices where provider = 'aws'")
    april = [keyed("key_b", time="2025-04-01T00:00:00", uncached_input_tokens=10)]
    deliver_usage(ai_project.url, ai_project.folder, "openai", april, "2025-04")
    ai_project.build()
    assert {row[2] for row in costs(ai_project, "provider = 'aws'")} == {"no price"}
    assert ai_project.rows("select count(*) from finops.ai_usage where charge_date >= '2025-04-01'") == [(1,)]
    before = built_days(ai_project)
    # A price that is not used, one of April alone, and one that was late.
    set_prices(ai_project.url, "gpt-unused", {"output_tokens": "1"})
    set_prices(
        ai_project.url, "gpt-4o", {"output_audio_tokens": "1"}, valid_from="2025-04-01", valid_to="2025-05-01"
    )  # fmt: skip
    set_prices(
        ai_project.url, "gpt-next", {"uncached_input_tokens": "0.001", "output_tokens": "0.002"}, valid_to="2025-04-01"
    )
    set_prices(
        ai_project.url, "amazon.nova-lite-v1:0", {"uncached_input_tokens": "0.1", "output_tokens": "0.2"},
        provider="aws", version="v2", discount="0.1",
    )  # fmt: skip
    ai_project.build()
    assert {row[:2] for row in rebuilt(ai_project, before, "int_ai_usage_hourly")} == {
        ("bedrock/usage", "2025-03-01"),
        ("openai/usage", "2025-03-01"),
        ("openai/usage", "2025-04-01"),
    }
    assert costs(ai_project, "model = 'gpt-next'")[0][4] == Decimal("0.13")
    # 1000 and 100 tokens a request, ten per cent off.
    assert [row[3:] for row in costs(ai_project, "principal = 'role/checkout'")] == [("v2", Decimal(108), Decimal(120))]
    kept = ai_project.marts()
    ai_project.build("--full-refresh")
    assert ai_project.marts() == kept


def test_price_of_another_time_leaves_past_costs_as_they_are(ai_project: Project) -> None:
    before = built_days(ai_project)
    with psycopg.connect(ai_project.url) as connection:
        connection.execute("update config.ai_prices set valid_to = '2025-06-01' where provider = 'anthropic'")
    set_prices(
        ai_project.url, SONNET["model"], {"output_tokens": "9"}, provider="anthropic", valid_from="2025-06-01", version="v9"
    )  # fmt: skip
    ai_project.build()
    assert rebuilt(ai_project, before, "int_ai_usage_hourly") == set()


@pytest.mark.parametrize("name", TOKEN_CLASSES + UNIT_CLASSES)
def test_models_know_every_class_of_the_normal_form(manifest: dict[str, Any], name: str) -> None:
    columns = manifest["nodes"]["model.finops.ai_usage"]["columns"]
    assert name in columns
