"""What is looked into: daily series, the cells of the bill that they add up, rates, and what moved in an incident."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from ml.anomalies.drivers import BEFORE_DAYS, Part
from ml.anomalies.feedback import Feedback
from ml.anomalies.incident import Incident
from ml.anomalies.panel import Day
from ml.series import Key

BETWEEN = " / "
"""Between the account and the service of the value of an account_service."""
# A resource is new in an incident where it was not there this many days before, or before what crept in began.
_NEW_DAYS, _CREEPING_DAYS = 3, 28
_LOOKED_AT = 35

_SERIES = """
with own as (
    select
        coalesce(sub_account_id, 'unknown') as account,
        coalesce(sub_account_id, 'unknown') || %(between)s || coalesce(service_name, 'unknown') as account_service,
        billing_currency, charge_date, sum(curve_cost) as curve_cost
    from intermediate.int_series_costs
    where billing_currency is not null
    group by 1, 2, 3, 4
),

days as (
    select dimension, dimension_value, billing_currency, charge_date, curve_cost, is_complete
    from intermediate.int_daily_series
    where billing_currency is not null
    union all
    select 'account_service', own.account_service, own.billing_currency, own.charge_date, own.curve_cost, accounts.is_complete
    from own
    inner join intermediate.int_daily_series as accounts
        on accounts.dimension = 'account' and accounts.dimension_value = own.account
            and accounts.billing_currency = own.billing_currency and accounts.charge_date = own.charge_date
)

select dimension, dimension_value, billing_currency,
    array_agg(charge_date order by charge_date), array_agg(curve_cost order by charge_date), array_agg(is_complete order by charge_date)
from days
group by 1, 2, 3
"""

_CELLS = """
select distinct
    billing_currency, provider, coalesce(sub_account_id, 'unknown'), coalesce(service_name, 'unknown'), team, cost_center, project, ai_model
from intermediate.int_series_costs
where billing_currency is not null
"""

_RATES = """
select distinct on (billing_currency) billing_currency, exchange_rate
from intermediate.int_exchange_rates
where exchange_rate > 0
order by billing_currency, charge_date desc
"""

# Shared costs come to teams by rules: what moved is looked for in the charges that are theirs.
_PARTS = """
with incidents as (
    select *
    from unnest(%(number)s::int[], %(dimension)s::text[], %(value)s::text[], %(currency)s::text[], %(first)s::date[], %(last)s::date[])
        as incident (number, dimension, value, currency, first_day, last_day)
),

charges as (
    select incidents.*, records.*, coalesce({basis}, 0) as cost
    from incidents
    inner join finops.cost_records as records
        on records.billing_currency = incidents.currency
            and records.charge_date between incidents.first_day - {looked_at} and incidents.last_day
            and case incidents.dimension
                when 'provider' then coalesce(records.service_provider_name, records.invoice_issuer_name, 'unknown')
                when 'account' then coalesce(records.sub_account_id, 'unknown')
                when 'service' then coalesce(records.service_name, 'unknown')
                when 'account_service' then coalesce(records.sub_account_id, 'unknown') || %(between)s || coalesce(records.service_name, 'unknown')
                when 'team' then records.team
                when 'cost_center' then coalesce(records.cost_center, 'unallocated')
                when 'project' then coalesce(records.project, 'unallocated')
                else incidents.value
            end = incidents.value
    where records.charge_category = 'Usage' and records.charge_class is distinct from 'Correction'
        and (records.commitment_discount_status is not null or coalesce(records.charge_frequency, '') not in ('Recurring', 'One-Time'))
)

select
    number, service_name, sub_account_id, resource_id, sku_meter,
    (select string_agg(key || '=' || value, ', ' order by key) from jsonb_each_text(tags)) as tag,
    team,
    coalesce(sum(cost) filter (where charge_date >= first_day), 0) as actual,
    coalesce(sum(cost) filter (where charge_date < first_day and charge_date >= first_day - {before}), 0) as before,
    min(charge_date) filter (where cost > 0) - min(first_day) as seen_after
from charges
group by 1, 2, 3, 4, 5, 6, 7
"""


def read_series(connection: psycopg.Connection[Any]) -> dict[Key, list[Day]]:
    """Each series with its days; `account_service` beside the dimensions of the daily series."""
    found = {}
    for dimension, value, currency, days, costs, complete in connection.execute(_SERIES, {"between": BETWEEN}):
        found[Key(dimension, value, currency)] = list(zip(days, costs, complete, strict=True))
    return found


def read_cells(connection: psycopg.Connection[Any]) -> dict[Key, set[int]]:
    """Series -> the combinations of account, service and owner that it adds up."""
    cells: dict[Key, set[int]] = defaultdict(set)
    for number, row in enumerate(connection.execute(_CELLS).fetchall()):
        currency, provider, account, service, team, center, project, model = row
        values = {
            "total": "all",
            "provider": provider or "unknown",
            "account": account,
            "service": service,
            "account_service": account + BETWEEN + service,
            "team": team,
            "cost_center": center or "unallocated",
            "project": project or "unallocated",
            "ai_model": model,
        }
        for dimension, value in values.items():
            if value is not None:
                cells[Key(dimension, value, currency)].add(number)
    return dict(cells)


def read_rates(connection: psycopg.Connection[Any]) -> dict[str, float]:
    """The newest rate of each currency to the reporting currency; nothing without one."""
    return {currency: float(rate) for currency, rate in connection.execute(_RATES)}


def read_feedback(connection: psycopg.Connection[Any]) -> list[Feedback]:
    """What people said, in the order in which they did."""
    rows = connection.execute(
        "select verdict, anomaly_id, dimension, dimension_value, first_date, last_date from ml.anomaly_feedback order by feedback_id"
    )
    return [Feedback(*row) for row in rows]


def read_parts(
    connection: psycopg.Connection[Any],
    incidents: Sequence[Incident],
    slow: Sequence[bool],
    basis: str,
    last: Mapping[str, date],
) -> list[list[Part]]:
    """What each resource cost in each of the incidents and in the days before. `last`: incident id -> its last day to look at."""
    query = sql.SQL(_PARTS).format(
        basis=sql.Identifier("records", basis), before=sql.Literal(BEFORE_DAYS), looked_at=sql.Literal(_LOOKED_AT)
    )
    found: list[list[Part]] = [[] for _ in incidents]
    given = {
        "number": list(range(len(incidents))),
        "dimension": [one.key.dimension for one in incidents],
        "value": [one.key.value for one in incidents],
        "currency": [one.key.currency for one in incidents],
        "first": [one.started_on for one in incidents],
        "last": [last.get(one.incident_id, one.last_seen_on) for one in incidents],
        "between": BETWEEN,
    }
    for number, service, account, resource, meter, tag, team, actual, before, seen_after in connection.execute(
        query, given
    ):
        is_new = seen_after is not None and seen_after >= -(_CREEPING_DAYS if slow[number] else _NEW_DAYS)
        found[number].append(
            Part(
                service or "unknown", account or "unknown", resource or "", meter or "", tag or "", team or "",
                Decimal(actual), Decimal(before), is_new,
            )
        )  # fmt: skip
    return found


def days_of(incident: Incident) -> list[date]:
    """Its days."""
    return [incident.started_on + timedelta(days=number) for number in range(len(incident.actual))]
