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
        *filled("risk_reason", "confidence_reason", "evidence", "as_of", "run_id"),
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
            "one recommendation of an exclusive group counts, and its ranks go from 1 without a gap",
            """
            select exclusive_group, count(*) as rows, max(group_rank) as last_rank from {batch}
            group by exclusive_group
            having count(*) <> max(group_rank) or count(distinct group_rank) <> count(*) or min(group_rank) <> 1
                or count(*) filter (where is_counted) <> 1
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
