"""What the marts have to tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from orchestration.lib.alerts.alert import Alert, Figure
from orchestration.lib.alerts.from_anomalies import capital, from_anomalies, subject
from orchestration.lib.alerts.from_budgets import from_budgets
from orchestration.lib.alerts.from_recommendations import from_recommendations
from orchestration.lib.alerts.resolving import resolving
from orchestration.lib.alerts.store import known_ids

_SHOWN_BEFORE, _SHOWN_AFTER = timedelta(days=28), timedelta(days=7)

_SERIES = """
with asked as (
    select
        *,
        started_on - %(before)s as first_day,
        last_seen_on + %(after)s as last_day
    from finops.anomalies
    where anomaly_id = any(%(ids)s)
),

-- The view aggregates: looked into once for each incident, it would take as long each time.
daily as materialized (
    select *
    from intermediate.int_daily_series
    where charge_date between (select min(first_day) from asked) and (select max(last_day) from asked)
)

select
    asked.anomaly_id,
    series.charge_date,
    series.curve_cost
from asked
inner join daily as series
    on
        series.dimension = asked.dimension
        and series.dimension_value = asked.dimension_value
        and series.billing_currency = asked.billing_currency
        and series.charge_date between asked.first_day and asked.last_day
        and series.is_complete

union all

select
    asked.anomaly_id,
    costs.charge_date,
    sum(costs.curve_cost)
from asked
inner join intermediate.int_series_costs as costs
    on
        asked.dimension = 'account_service'
        and concat(coalesce(costs.sub_account_id, 'unknown'), ' / ', coalesce(costs.service_name, 'unknown')) = asked.dimension_value
        and costs.billing_currency = asked.billing_currency
        and costs.charge_date between asked.first_day and asked.last_day
inner join daily as accounts
    on
        accounts.dimension = 'account'
        and accounts.dimension_value = coalesce(costs.sub_account_id, 'unknown')
        and accounts.billing_currency = costs.billing_currency
        and accounts.charge_date = costs.charge_date
        and accounts.is_complete
group by asked.anomaly_id, costs.charge_date
"""
_DAYS = "select anomaly_id, charge_date, expected_cost, actual_cost from finops.anomaly_days where anomaly_id = any(%(ids)s)"


def collect(connection: psycopg.Connection[Any], link: str | None) -> list[Alert]:
    """Alerts of every mart that is there. Those that were told before are among them, and told from new ones by their ids."""
    newest = _newest(connection)
    if newest is None:
        return []
    found: list[Alert] = []
    if _is_there(connection, "anomalies"):
        rows = _rows(connection, "anomalies")
        known = known_ids(connection)
        told = {alert.alert_id for alert in from_anomalies(rows, newest, known, {}, link)}
        new = [row for row in rows if f"anomaly:{row['anomaly_id']}:{row['severity']}" in told]
        found += from_anomalies(new, newest, known, _figures(connection, new), link)
        found += resolving(connection, rows)
    found += from_budgets(_rows(connection, "budget_events"), _delivered_to(connection) or newest, link)
    found += from_recommendations(_rows(connection, "recommendations"), link)
    return found


def _newest(connection: psycopg.Connection[Any]) -> date | None:
    """The last day with costs: what is recent follows from it, so that the same marts say the same whenever they are asked."""
    if not _is_there(connection, "daily_costs"):
        return None
    ((newest,),) = connection.execute("select max(charge_date) from finops.daily_costs").fetchall()
    return newest  # type: ignore[no-any-return]


def _delivered_to(connection: psycopg.Connection[Any]) -> date | None:
    """The last day that is complete: a fee can be dated to the end of a month that has begun, and ages no budget by that."""
    if not _is_there(connection, "forecasts"):
        return None
    ((day,),) = connection.execute("select max(trained_to) from finops.forecasts").fetchall()
    return day  # type: ignore[no-any-return]


def _rows(connection: psycopg.Connection[Any], mart: str) -> list[dict[str, Any]]:
    if not _is_there(connection, mart):
        return []
    query = sql.SQL("select * from finops.{}").format(sql.Identifier(mart))
    return connection.cursor(row_factory=dict_row).execute(query).fetchall()


def _is_there(connection: psycopg.Connection[Any], mart: str) -> bool:
    return connection.execute("select to_regclass(%s) is not null", [f"finops.{mart}"]).fetchone() == (True,)


def _figures(connection: psycopg.Connection[Any], rows: Sequence[Mapping[str, Any]]) -> dict[str, Figure]:
    """Anomaly id -> its series of some weeks, with what was expected on its own days."""
    wanted = {"ids": [row["anomaly_id"] for row in rows], "before": _SHOWN_BEFORE.days, "after": _SHOWN_AFTER.days}
    actual: dict[str, dict[date, Decimal]] = defaultdict(dict)
    expected: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for anomaly_id, day, cost in connection.execute(_SERIES, wanted):
        actual[anomaly_id][day] = cost
    for anomaly_id, day, meant, was in connection.execute(_DAYS, wanted):
        expected[anomaly_id][day], actual[anomaly_id][day] = meant, was
    return {row["anomaly_id"]: _figure(row, actual[row["anomaly_id"]], expected[row["anomaly_id"]]) for row in rows}


def _figure(row: Mapping[str, Any], actual: Mapping[date, Decimal], expected: Mapping[date, Decimal]) -> Figure:
    days = tuple(sorted(actual))
    return Figure(
        title=capital(subject(row["dimension"], row["dimension_value"])),
        dates=days,
        actual=tuple(actual[day] for day in days),
        expected=tuple(expected.get(day) for day in days),
        currency=row["billing_currency"],
        marked=tuple(sorted(expected)),
    )
