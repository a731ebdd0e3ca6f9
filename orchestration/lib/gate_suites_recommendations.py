"""What must hold for the mart recommendations: no euro twice, and none that is not paid."""

from __future__ import annotations

from orchestration.lib.gate_checks import Suite, filled, no_rows, one_of, unique

_LEVELS = ["low", "medium", "high"]

RECOMMENDATIONS = Suite(
    for_closing=False,
    shown=("recommendation_id", "kind", "exclusive_group"),
    checks=(
        unique("recommendation_id"),
        *filled("recommendation_id", "kind", "provider", "current", "proposed", "change", "reason", "exclusive_group"),
        *filled("risk_reason", "confidence_reason", "evidence", "as_of", "run_id", "currency", "origin", "state"),
        *(one_of(column, _LEVELS) for column in ("effort", "risk", "confidence")),
        no_rows(
            "the band holds the saving, and the saving is at most the cost",
            """
            select recommendation_id, monthly_cost, monthly_saving_low, monthly_saving, monthly_saving_high from {batch}
            where not (
                0 <= monthly_saving_low and monthly_saving_low <= monthly_saving and monthly_saving <= monthly_saving_high
                and monthly_saving_high <= monthly_cost and one_off_cost >= 0
            )
            """,
        ),
        no_rows(
            "one recommendation of an exclusive group counts at most, as its first, and its ranks go from 1 without a gap",
            """
            select exclusive_group, count(*) as rows, max(group_rank) as last_rank from {batch}
            group by exclusive_group
            having count(*) <> max(group_rank) or count(distinct group_rank) <> count(*) or min(group_rank) <> 1
                or count(*) filter (where is_counted and group_rank > 1) > 0
            """,
        ),
        no_rows(
            "what counts is a saving of ours that is open, and no more than the saving",
            """
            select recommendation_id, origin, state, counted_saving, monthly_saving from {batch}
            where is_counted and (
                counted_saving is null or not (0 <= counted_saving and counted_saving <= monthly_saving)
                or origin <> 'finops' or state not in ('open', 'accepted')
            )
            """,
        ),
        no_rows(
            "of what counts only a commitment acts on a resource that another acts on",
            """
            select resource ->> 'resource_id' as resource_id, count(*) as rows
            from {batch} as batch cross join jsonb_array_elements(acts_on) as resource
            where is_counted and kind <> 'commitment'
            group by 1
            having count(*) > 1
            """,
        ),
        no_rows(
            "all that counts on the same resources saves no more than they cost",
            # Each is at most what it acts on; a commitment is besides no more than what others leave, of all its resources together.
            """
            with resources as (
                select
                    batch.recommendation_id, batch.kind, resource ->> 'resource_id' as resource_id,
                    cast(resource ->> 'monthly_cost' as numeric) as cost,
                    batch.counted_saving
                from {batch} as batch cross join jsonb_array_elements(batch.acts_on) as resource
                where batch.is_counted
            ),
            costs as (select resource_id, max(cost) as cost from resources group by 1),
            alone as (
                select recommendation_id, max(counted_saving) as saving, sum(costs.cost) as cost
                from resources inner join costs using (resource_id) group by 1
            )
            select recommendation_id, saving, cost from alone where saving > cost
            union all
            select 'all', sum(saving), (select sum(cost) from costs) from alone
            having sum(saving) > (select sum(cost) from costs)
            """,
        ),
        no_rows(
            "all that counts on what is billed saves no more than is billed",
            """
            with counted as (
                select currency, min(window_start) as first_day, max(as_of) as last_day, sum(counted_saving) as saving from {batch} as batch
                where is_counted and (jsonb_array_length(acts_on) > 0 or kind = 'commitment')
                group by currency
            )
            select currency, saving, cost
            from counted cross join lateral (
                select coalesce(sum(effective_cost), 0) / (last_day - first_day + 1) * 365 / 12 as cost
                from finops.daily_costs
                where billing_currency = currency and charge_date between first_day and last_day and effective_cost > 0
            ) as paid
            where saving > cost
            """,
        ),
        no_rows(
            "all are of one run, and ranked from 1 without a gap",
            """
            select count(*) as rows, max(overall_rank) as last_rank, count(distinct run_id) as runs from {batch}
            having count(*) > 0 and (
                count(*) <> max(overall_rank) or count(distinct overall_rank) <> count(*) or count(distinct run_id) > 1
            )
            """,
        ),
    ),
)
