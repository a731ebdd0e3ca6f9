"""An incident of two days by hand, and the statements that break each rule of its gate."""

from __future__ import annotations

from typing import Any

import psycopg

_MADE = """
drop table if exists finops.anomalies, finops.anomaly_days;
create table finops.anomaly_days as
select 'a' as anomaly_id, 10.00 as expected_cost, 110.05 as actual_cost, 100.05 as impact_cost, day as charge_date
from (values (date '2026-10-02'), (date '2026-10-03')) as days (day);
create table finops.anomalies as
select
    'a' as anomaly_id, 'team' as dimension, 'Search' as dimension_value, 'USD' as billing_currency, 'day' as granularity,
    date '2026-10-02' as started_on, date '2026-10-03' as noticed_on, date '2026-10-03' as ended_on, date '2026-10-03' as last_seen_on,
    'closed' as state, 'high' as severity, 'combined' as method, 20.00 as expected_cost, 220.10 as actual_cost, 200.10 as impact_cost,
    '[{"level": "resource", "value": "i-1", "change": "200.10"}]'::jsonb as drivers,
    '{"resource": [{"level": "resource", "value": "i-1", "change": "200.10"}]}'::jsonb as breakdown, 'r' as run_id;
"""


def make_anomaly_marts(connection: psycopg.Connection[Any]) -> None:
    """Make them, in place of empty ones."""
    connection.execute(_MADE)


_SET = "update finops.anomalies set {}"
BROKEN = [
    ("anomalies", "insert into finops.anomalies select * from finops.anomalies", "anomaly_id is unique", "a"),
    ("anomalies", _SET.format("severity = 'grave'"), "severity is one of low, medium, high, critical", "grave"),
    ("anomalies", _SET.format("state = 'gone'"), "state is one of open, closed", "gone"),
    ("anomalies", _SET.format("granularity = 'week'"), "granularity is one of day, hour", "week"),
    ("anomalies", _SET.format("actual_cost = actual_cost + 0.01"),
     "the impact is what was paid beyond what was expected, and more than nothing", "220.11"),
    ("anomalies", _SET.format("""drivers = '[{"change": "200.09"}]'"""), "the drivers add up to the impact", "200.09"),
    ("anomalies", _SET.format("""breakdown = '{"team": []}'"""), "the drivers of each level add up to the impact", "team"),
    ("anomalies", "delete from finops.anomaly_days where charge_date = '2026-10-03'",
     "the days add up to the incident, and none is missing", "100.05"),
    ("anomalies", _SET.format("state = 'open'"), "days are in order, and what is over has an end", "open"),
]  # fmt: skip
EMPTY = {
    "anomalies": [
        *("anomaly_id", "dimension", "dimension_value", "billing_currency", "drivers", "breakdown", "method", "run_id"),
    ],
}
