"""What must hold for the ways by which shared costs came to their owners."""

from __future__ import annotations

from typing import get_args

from orchestration.lib.config_models import AllocationMethod
from orchestration.lib.gate_checks import (
    CHARGE_CATEGORIES,
    COST_BASES,
    CURRENCY,
    TEAM,
    Check,
    Suite,
    filled,
    no_rows,
    one_of,
)

_POOL = "source_name, billing_period, billing_account_id, sub_account_id, billing_currency, charge_category, allocation_rule"
_SUMS = ", ".join(f"coalesce(sum({basis}), 0) as {basis}" for basis in COST_BASES)
_BY_SIDE = ", ".join(f"string_agg({basis}::text, ', ' order by side) as {basis}" for basis in COST_BASES)

# Of a pool there are seven keys, some of them null: grouped together, which counts null as null, rather than joined. A cost
# that no row knows adds up to 0 on every side.
ALLOCATION_LINEAGE = Suite(
    shown=("allocation_lineage_id", "allocation_path", "billing_period", "team"),
    checks=(
        *filled("allocation_lineage_id", "origin_id", "source_name", "billing_period", "billing_currency"),
        *filled("allocation_rule", "allocation_path", "team", "origin_share", "billed_cost", "effective_cost"),
        TEAM,
        CURRENCY,
        one_of("charge_category", CHARGE_CATEGORIES),
        one_of("allocation_method", list(get_args(AllocationMethod))),
        Check(
            "origin_share is between 0 and 1",
            "ExpectColumnValuesToBeBetween",
            {"column": "origin_share", "min_value": 0, "max_value": 1},
        ),
        no_rows(
            "the shares of an origin add up to 1",
            """
            select origin_id, sum(origin_share) as shares from {batch}
            group by origin_id
            having sum(origin_share) <> 1
            """,
        ),
        no_rows(
            "each pool is divided to the last digit, as in daily_costs and in cost_allocations",
            f"""
            select {_POOL}, {_BY_SIDE}
            from (
                select 1 as side, {_POOL}, {_SUMS} from finops.daily_costs where cost_type = 'shared' group by {_POOL}
                union all
                select 2 as side, {_POOL}, {_SUMS} from {{batch}} group by {_POOL}
                union all
                select 3 as side, {_POOL}, {_SUMS} from finops.cost_allocations group by {_POOL}
            ) as sides
            group by {_POOL}
            having count(*) <> 3 or {" or ".join(f"min({basis}) <> max({basis})" for basis in COST_BASES)}
            """,  # noqa: S608
        ),
    ),
)
