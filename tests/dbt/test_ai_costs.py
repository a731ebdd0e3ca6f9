"""What AI usage costs beside what was charged for it, and how charges are divided by usage."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import psycopg

from orchestration.lib.explanation import explanation_of
from tests.dbt.ai import SECTIONS, bedrock_usage
from tests.dbt.project import Project
from tests.support.ai_usage import deliver_usage, set_prices

REASONS = (
    "missing_price", "priority_tier", "web_search", "code_execution", "tool_call", "rounding", "discount",
    "usage_not_charged", "cost_without_usage", "unexplained",
)  # fmt: skip


def reconciled(project: Project) -> dict[tuple[str, str], tuple[str, dict[str, str]]]:
    """(provider, day) -> status and the reasons that are not 0."""
    columns = ", ".join(f"{reason}_cost" for reason in REASONS)
    rows = project.rows(f"select provider, charge_date::text, status, {columns} from finops.ai_cost_reconciliation")
    return {
        (provider, day): (
            status,
            {name: str(cost.normalize()) for name, cost in zip(REASONS, costs, strict=True) if cost},
        )
        for provider, day, status, *costs in rows
    }


def test_each_difference_has_its_reason(ai_project: Project) -> None:
    assert reconciled(ai_project) == {
        ("anthropic", "2025-03-04"): ("explained", {"priority_tier": "-0.00315"}),
        ("anthropic", "2025-03-05"): ("unexplained", {"unexplained": "0.0197"}),
        ("aws", "2025-03-04"): ("reconciled", {}),
        ("openai", "2025-03-04"): (
            "explained",
            {
                "missing_price": "0.5",
                "web_search": "0.1",
                "code_execution": "0.03",
                "discount": "-0.25",
                "cost_without_usage": "1E-10",
            },
        ),
        ("openai", "2025-03-05"): ("unexplained", {"unexplained": "0.0005"}),
        ("openai", "2025-03-06"): ("explained", {"usage_not_charged": "-0.000025"}),
    }
    ai_project.run("test", "--select", "assert_ai_reconciliation_matches_costs", "assert_ai_usage_is_unique")


def test_charged_is_what_cost_records_has_of_the_providers(ai_project: Project) -> None:
    charged = "select sum(charged_cost) from finops.ai_cost_reconciliation where provider = '{}'"
    billed = "select sum(billed_cost) from finops.cost_records where service_name = '{}'"
    for provider, service in (("openai", "OpenAI API"), ("anthropic", "Claude API"), ("aws", "AmazonBedrock")):
        assert ai_project.rows(charged.format(provider)) == ai_project.rows(billed.format(service))
    # A bill counts in thousands of tokens, logs in tokens.
    assert ai_project.rows(
        "select usage_token_count, charged_token_count from finops.ai_cost_reconciliation where provider = 'aws'"
    ) == [(4400, 4400)]


def test_discount_that_was_not_granted_and_rounding_are_told_apart(ai_project: Project) -> None:
    with psycopg.connect(ai_project.url) as connection:
        connection.execute("delete from config.ai_prices where provider = 'aws'")
    prices = {"uncached_input_tokens": "0.00006", "output_tokens": "0.00024"}
    set_prices(ai_project.url, "amazon.nova-lite-v1:0", prices, provider="aws", discount="0.25", version="agreed")
    ai_project.build()
    assert reconciled(ai_project)["aws", "2025-03-04"] == ("explained", {"discount": "0.084"})
    # 0.3363 computed, 0.240 and 0.096 charged: each line may have lost half of its third decimal.
    with psycopg.connect(ai_project.url) as connection:
        connection.execute("delete from config.ai_prices where provider = 'aws'")
    prices["output_tokens"] = "0.00024075"
    set_prices(ai_project.url, "amazon.nova-lite-v1:0", prices, provider="aws", version="near")
    ai_project.build()
    assert reconciled(ai_project)["aws", "2025-03-04"] == ("reconciled", {"rounding": "-0.0003"})


def lineage(project: Project, where: str) -> list[tuple[Any, ...]]:
    return project.rows(
        "select origin_item, team, origin_share, billed_cost from finops.allocation_lineage"
        f" where {where} order by 1, 2, 4"
    )


def test_charge_is_divided_by_the_usage_of_its_day_account_and_model(ai_project: Project) -> None:
    item = "aws/000000000042/novalite"
    half = Decimal("0.5")
    assert lineage(ai_project, "source_name = 'aws'") == [
        (item, "Checkout", half, Decimal("0.168")),
        (item, "Search", half, Decimal("0.168")),
    ]
    # A charge that names its key goes to the users of the key; what has no usage stays with the owner of the charge.
    assert [
        (item.split("/", 2)[2], team, cost) for item, team, _, cost in lineage(ai_project, "source_name = 'openai'")
    ] == [
        ("codeinterpreter", "Checkout", Decimal("0.03")),
        ("credit", "Checkout", Decimal("-0.25")),
        ("gpt4o/key_a", "Search", Decimal("0.01025")),
        ("gpt4o/key_b", "Checkout", Decimal("0.0030625")),
        ("gpt4o/key_b", "Checkout", Decimal("0.0076275")),
        ("gptgone", "Checkout", Decimal("1E-10")),
        ("gptnext/key_b", "Checkout", Decimal("0.5")),
        ("websearchtoolcalls", "Checkout", Decimal("0.1")),
    ]


def test_parts_add_up_to_the_charges_in_every_mart(ai_project: Project) -> None:
    sums = "select source_name, sum(billed_cost), sum(effective_cost) from finops.{} group by 1 order by 1"
    expected = ai_project.rows(sums.format("cost_records"))
    for mart in ("allocation_lineage", "cost_allocations", "chargeback_reports"):
        assert ai_project.rows(sums.format(mart)) == expected
    assert (
        ai_project.rows(
            "select x_source_name, sum(billed_cost), sum(effective_cost) from finops.focus_cost_and_usage group by 1 order by 1"
        )
        == expected
    )


def test_split_shows_in_focus_and_in_the_explanation(ai_project: Project) -> None:
    assert ai_project.rows(
        "select x_team, allocated_method_id, allocated_method_details::text, sum(billed_cost)"
        " from finops.focus_cost_and_usage where x_source_name = 'aws' group by 1, 2, 3 order by 1"
    ) == [
        (team, "ai", '{"Elements": [{"AllocatedRatio": 0.5000000000}]}', Decimal("0.168"))
        for team in ("Checkout", "Search")
    ]
    with psycopg.connect(ai_project.url) as connection:
        (found,) = explanation_of(connection, "Search", date(2025, 3, 1), "billed_cost")
    (pool,) = found.pools
    assert pool.rule == "ai"
    assert ("aws, 000000000042, Usage, 2025-03-04, aws/000000000042/novalite, of Checkout", Decimal("0.168")) in [
        (origin.name, origin.cost) for origin in pool.origins
    ]


def test_usage_that_is_delivered_again_divides_its_month_anew(ai_project: Project) -> None:
    usage = bedrock_usage()
    deliver_usage(
        ai_project.url, ai_project.folder, "bedrock", [row | {"tags": {"team": "search"}} for row in usage[:3]]
    )
    ai_project.build()
    assert lineage(ai_project, "source_name = 'aws'") == [
        ("aws/000000000042/novalite", "Search", Decimal(1), Decimal("0.336"))
    ]
    without: dict[str, Any] = {**SECTIONS, "cost_allocation": {"rules": []}}
    ai_project.configure(**without)
    ai_project.build()
    assert lineage(ai_project, "true") == []


def test_unit_costs_have_no_quotient_of_nothing(ai_project: Project) -> None:
    columns = "cost_per_request, cost_per_1k_tokens, cache_hit_share, output_input_ratio, batch_share"
    found = {
        (kind, name): ratios
        for kind, name, *ratios in ai_project.rows(f"select unit_type, unit_name, {columns} from finops.ai_unit_costs")
    }
    # 0.020465 dollars for 13 requests and 7811 tokens.
    assert found["model", "gpt-4o"] == [
        Decimal("0.001574230769"), Decimal("0.002620023044"), Decimal("0.285266"), Decimal("0.114106"), Decimal("0.217642"),
    ]  # fmt: skip
    assert found["model", "gpt-next"] == [None, None, 0, Decimal("0.428571"), 0]
    assert found["model", "web_search_calls"] == [None] * 5
    # Anthropic does not count requests.
    assert found["provider", "anthropic"][0] is None
    assert ai_project.rows(
        "select unit_type, sum(token_count), sum(computed_cost) from finops.ai_unit_costs group by 1 order by 1"
    ) == [(kind, 17571, Decimal("0.37304")) for kind in ("all", "model", "product", "provider", "team")]


def test_cost_by_team_model_and_product_is_one_query(ai_project: Project) -> None:
    assert ai_project.rows(
        "select team, model, project, sum(computed_cost) from finops.ai_usage"
        " where not is_repeated and provider = 'openai' group by 1, 2, 3 order by 1, 2, 3"
    ) == [
        ("Checkout", "gpt-4o", "assistant", Decimal("0.010215")),
        ("Checkout", "gpt-next", "assistant", None),
        ("Checkout", None, "assistant", None),
        ("Search", "gpt-4o", "assistant", Decimal("0.01025")),
    ]
