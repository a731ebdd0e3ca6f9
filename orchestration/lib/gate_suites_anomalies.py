"""What must hold for the mart anomalies: each event once, and amounts that add up."""

from __future__ import annotations

from orchestration.lib.gate_checks import Suite, filled, no_rows, one_of, unique

ANOMALIES = Suite(
    for_closing=False,
    shown=("anomaly_id", "dimension", "dimension_value", "started_on"),
    checks=(
        unique("anomaly_id"),
        *filled(
            "anomaly_id", "dimension", "dimension_value", "billing_currency", "drivers", "breakdown", "method", "run_id"
        ),
        one_of("severity", ["low", "medium", "high", "critical"]),
        one_of("state", ["open", "closed"]),
        one_of("granularity", ["day", "hour"]),
        no_rows(
            "the impact is what was paid beyond what was expected, and more than nothing",
            """
            select anomaly_id, expected_cost, actual_cost, impact_cost from {batch}
            where impact_cost <> actual_cost - expected_cost or impact_cost <= 0
            """,
        ),
        no_rows(
            "the drivers add up to the impact",
            """
            select anomaly_id, impact_cost, drivers from {batch}
            where impact_cost <> (select coalesce(sum((driver ->> 'change')::numeric), 0) from jsonb_array_elements(drivers) as driver)
            """,
        ),
        no_rows(
            "the drivers of each level add up to the impact",
            """
            select anomaly_id, level.key, impact_cost from {batch} as batch
            cross join lateral jsonb_each(breakdown) as level
            where impact_cost <> (select coalesce(sum((driver ->> 'change')::numeric), 0) from jsonb_array_elements(level.value) as driver)
            """,
        ),
        no_rows(
            "the days add up to the incident, and none is missing",
            """
            select batch.anomaly_id, impact_cost, days.impact, days.count from {batch} as batch
            left join (
                select anomaly_id, sum(impact_cost) as impact, count(*) as count, min(charge_date) as first, max(charge_date) as last
                from finops.anomaly_days group by 1
            ) as days on batch.anomaly_id = days.anomaly_id
            where impact_cost is distinct from days.impact or started_on is distinct from days.first
                or last_seen_on is distinct from days.last or last_seen_on - started_on + 1 is distinct from days.count
            """,
        ),
        no_rows(
            "days are in order, and what is over has an end",
            """
            select anomaly_id, started_on, noticed_on, ended_on, state from {batch}
            where noticed_on < started_on or last_seen_on < started_on or (ended_on is null) <> (state = 'open')
                or ended_on <> last_seen_on
            """,
        ),
    ),
)
