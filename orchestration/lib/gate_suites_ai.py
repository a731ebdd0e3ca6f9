"""What must hold for the marts of AI usage and cost. They are empty where no source delivers any."""

from __future__ import annotations

from orchestration.lib.gate_checks import (
    CURRENCY,
    PERIOD_IS_A_MONTH,
    TEAM,
    Check,
    Suite,
    filled,
    no_rows,
    one_of,
    unique,
)

_REASONS = (
    "missing_price",
    "priority_tier",
    "web_search",
    "code_execution",
    "tool_call",
    "rounding",
    "discount",
    "usage_not_charged",
    "cost_without_usage",
    "unexplained",
)
_REASON_SUM = " + ".join(f"{reason}_cost" for reason in _REASONS)

_AI_USAGE = Suite(
    shown=("ai_usage_id", "source_name", "charge_date", "model"),
    checks=(
        unique("ai_usage_id"),
        *filled(
            "ai_usage_id", "source_name", "provider", "operation", "team", "owner_source", "record_count", "charge_date"
        ),
        TEAM,
        one_of("price_status", ["priced", "incomplete", "no price", "repeated"]),
        Check(
            "token_count is not negative",
            "ExpectColumnValuesToBeBetween",
            {"column": "token_count", "min_value": 0},
        ),
        no_rows(
            "usage that has no price, or is reported twice, has no cost, and priced usage has one",
            """
            select ai_usage_id, model, price_status, computed_cost from {batch}
            where (price_status in ('no price', 'repeated')) <> (computed_cost is null)
            """,
        ),
    ),
)

# That a provider charged something else than what was computed is a finding for people, no fault of the numbers: it may pass.
_AI_COST_RECONCILIATION = Suite(
    shown=("provider", "charge_date", "project_id", "billing_currency"),
    checks=(
        unique("provider", "charge_date", "project_id", "billing_currency"),
        *filled("provider", "charge_date", "status", "computed_cost", "charged_cost", "difference_cost"),
        CURRENCY,
        PERIOD_IS_A_MONTH,
        one_of("status", ["reconciled", "explained", "unexplained"]),
        no_rows(
            "the reasons add up to the difference",
            f"""
            select provider, charge_date, project_id, computed_cost, charged_cost, difference_cost from {{batch}}
            where difference_cost <> charged_cost - computed_cost or difference_cost <> {_REASON_SUM}
            """,  # noqa: S608
        ),
        no_rows(
            "what is computed is the cost of all usage that counts",
            """
            select provider, charge_date, computed_cost, usage_cost
            from (
                select provider, charge_date, sum(computed_cost) as computed_cost from {batch} as batch group by 1, 2
            ) as reconciled
            full join (
                select provider, charge_date, coalesce(sum(computed_cost), 0) as usage_cost
                from finops.ai_usage where not is_repeated group by 1, 2
            ) as used using (provider, charge_date)
            where coalesce(computed_cost, 0) <> coalesce(usage_cost, 0)
            """,
        ),
    ),
)

AI_SUITES = {"ai_usage": _AI_USAGE, "ai_cost_reconciliation": _AI_COST_RECONCILIATION}
