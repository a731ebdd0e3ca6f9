"""What must hold for the charges of a month before they leave as FOCUS."""

from __future__ import annotations

from orchestration.lib.gate_checks import (
    CHARGE_CATEGORIES,
    COST_BASES,
    COST_TYPES,
    CURRENCY,
    HAS_ROWS,
    Check,
    Suite,
    filled,
    no_rows,
    one_of,
)

_KEYS = "x_source_name, x_billing_period, billing_account_id, sub_account_id, billing_currency"
_SUMS = ", ".join(f"coalesce(sum({basis}), 0) as {basis}" for basis in COST_BASES)
_BY_SIDE = ", ".join(f"string_agg({basis}::text, ', ' order by side) as {basis}" for basis in COST_BASES)
_RATIOS = "sum(cast(allocated_method_details -> 'Elements' -> 0 ->> 'AllocatedRatio' as numeric))"

FOCUS_COST_AND_USAGE = Suite(
    period="x_billing_period",
    at_the_door=True,
    shown=("x_cost_record_id", "x_source_name", "x_billing_period", "x_team"),
    checks=(
        HAS_ROWS,
        *filled("x_cost_record_id", "x_source_name", "x_team", "x_cost_type", "charge_category", "billing_currency"),
        *filled("billing_period_start", "billing_period_end", "charge_period_end", "billed_cost", "effective_cost"),
        CURRENCY,
        one_of("charge_category", CHARGE_CATEGORIES),
        one_of("x_cost_type", COST_TYPES),
        Check(
            "charge_class is Correction or empty",
            "ExpectColumnValuesToBeInSet",
            {"column": "charge_class", "value_set": ["Correction"]},
        ),
        no_rows(
            "the ratios of the parts of a charge add up to 1",
            f"""
            select x_cost_record_id, {_RATIOS} as ratios from {{batch}}
            where {{delivered}} and x_allocation_rule is not null
            group by x_cost_record_id
            having {_RATIOS} is distinct from 1
            """,  # noqa: S608
        ),
        no_rows(
            "each source, month, account and currency has the costs of cost_records to the last digit",
            f"""
            select {_KEYS}, {_BY_SIDE}
            from (
                select 1 as side, {_KEYS}, {_SUMS} from {{batch}} where {{delivered}} group by {_KEYS}
                union all
                select 2 as side, {_KEYS}, {_SUMS}
                from (
                    select *, source_name as x_source_name, billing_period as x_billing_period from finops.cost_records
                ) as records
                where {{delivered}}
                group by {_KEYS}
            ) as sides
            group by {_KEYS}
            having count(*) <> 2 or {" or ".join(f"min({basis}) <> max({basis})" for basis in COST_BASES)}
            """,  # noqa: S608
        ),
    ),
)
