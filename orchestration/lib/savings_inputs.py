"""From the marts to what is really paid for each resource."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, localcontext
from re import compile as pattern
from typing import Any, LiteralString

import psycopg
from psycopg.rows import namedtuple_row

from ml.savings.paid import Paid
from ml.savings.recommendation import Owner, Window

_LATE_DAYS = 7
"""A source whose newest day is longer ago than so many days is not waited for: it has ended."""
_NEWEST = """
select source_name, max(charge_date) as newest from finops.cost_records where resource_id is not null group by 1
"""
# One aggregate over the window. A discount that a provider gives on a service of an account, in lines without a resource, lowers what each
# of its uncommitted resources costs in proportion: commitments are charged apart, and their price is a discount already.
_COSTS: LiteralString = """
with lines as (
    select
        *,
        coalesce(commitment_discount_status = 'Used', false) as is_committed,
        resource_id is null as is_discount
    from finops.cost_records
    where
        charge_date between %(first)s and %(last)s
        and charge_category = 'Usage'
        and commitment_discount_status is distinct from 'Unused'
        and (resource_id is not null or (effective_cost < 0 and charge_class is null and commitment_discount_id is null))
),

days as (
    select
        source_name, resource_id, sub_account_id, region_id, sku_id, sku_meter, sku_price_details_id, billing_currency, charge_date,
        is_committed, is_discount,
        max(resource_name) as resource_name,
        max(resource_type) as resource_type,
        max(service_provider_name) as provider,
        max(service_name) as service_name,
        max(service_category) as service_category,
        max(pricing_category) as pricing_category,
        max(commitment_discount_id) as commitment_discount_id,
        max(consumed_unit) as consumed_unit,
        max(array[team, cost_center, project, environment]) as owner,
        sum(consumed_quantity) as consumed_quantity,
        sum(list_cost) as list_cost,
        sum(effective_cost) as effective_cost
    from lines
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11
),

rated as (
    select
        *,
        sum(effective_cost) filter (where is_discount) over service as discount,
        sum(effective_cost) filter (where not is_discount and not is_committed and effective_cost > 0) over service as discounted
    from days
    window service as (partition by source_name, sub_account_id, service_name, billing_currency, charge_date)
)

select
    *,
    round(
        case
            when is_committed or effective_cost <= 0 or coalesce(discounted, 0) = 0 then effective_cost
            else effective_cost * greatest(1 + coalesce(discount, 0) / discounted, 0)
        end, 10
    ) as paid_cost
from rated
where not is_discount
order by
    source_name, resource_id, sub_account_id, region_id, sku_id, sku_meter, sku_price_details_id, billing_currency, charge_date,
    is_committed
"""
_DETAILS = """
select price_details_id, price_details from intermediate.int_aws_price_details where price_details_id = any(%(ids)s)
union all
select map_id, map from raw.maps where map_id = any(%(ids)s)
"""
_TERMS = """
select contract_commitment_id, max(contract_commitment_period_end)
from finops.focus_contract_commitments
where contract_commitment_id = any(%(ids)s)
group by 1
"""
_INSTANCE_TYPE = pattern(
    r"(?:^|:)((?:(?:db|cache|ml|dms|kafka)\.)?[a-z][a-z0-9-]*\.(?:nano|micro|small|medium|large|\d*xlarge|metal[a-z0-9-]*)(?:\.search)?)$"
)


def resource_window(connection: psycopg.Connection[Any], lookback_days: int) -> Window | None:
    """The last days that every source has in full: the newest may still be filling. None where no resource is known."""
    newest = [row[1] for row in connection.execute(_NEWEST).fetchall()]
    if not newest:
        return None
    last = min(day for day in newest if day >= max(newest) - timedelta(days=_LATE_DAYS)) - timedelta(days=1)
    return Window(last - timedelta(days=lookback_days - 1), last)


def paid_costs(connection: psycopg.Connection[Any], window: Window) -> list[Paid]:
    """What each resource and SKU of the bills cost in the window, in the order of sources and ids."""
    values = {"first": window.first, "last": window.last}
    with connection.cursor(row_factory=namedtuple_row) as cursor:
        rows: list[Any] = list(cursor.execute(_COSTS, values))
    details = _texts(connection, _DETAILS, {row.sku_price_details_id for row in rows})
    terms = _texts(connection, _TERMS, {row.commitment_discount_id for row in rows if row.is_committed})
    groups: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
    for row in rows:
        groups[row[:8]].append(row)
    with localcontext(prec=60):
        return [_paid(days, window, details, terms) for days in groups.values()]


def _paid(days: list[Any], window: Window, details: Mapping[Any, Any], terms: Mapping[Any, Any]) -> Paid:
    newest = max(days, key=lambda day: (day.charge_date, not day.is_committed))
    daily: dict[date, Decimal] = defaultdict(Decimal)
    committed: dict[date, Decimal] = defaultdict(Decimal)
    for day in days:
        daily[day.charge_date] += day.paid_cost
        if day.is_committed:
            committed[day.charge_date] += day.paid_cost
    of_sku = details.get(newest.sku_price_details_id) or {}
    ends = [terms[day.commitment_discount_id] for day in days if terms.get(day.commitment_discount_id)]
    lists = [day.list_cost for day in days]
    return Paid(
        resource_id=newest.resource_id,
        resource_name=newest.resource_name,
        resource_type=newest.resource_type,
        provider=newest.provider or newest.source_name,
        sub_account_id=newest.sub_account_id,
        service_name=newest.service_name,
        service_category=newest.service_category,
        region_id=newest.region_id,
        sku_id=newest.sku_id,
        sku_meter=newest.sku_meter,
        instance_type=instance_type(of_sku, newest.sku_meter),
        pricing_category=newest.pricing_category,
        currency=newest.billing_currency,
        owner=Owner(*newest.owner),
        window=window,
        consumed_quantity=sum((day.consumed_quantity or Decimal(0) for day in days), Decimal(0)),
        consumed_unit=newest.consumed_unit,
        list_cost=None if None in lists else sum(lists, Decimal(0)),
        daily=dict(daily),
        daily_committed=dict(committed),
        committed_until=max(ends).date() if ends else None,
        price_details=of_sku,
    )


def instance_type(price_details: Mapping[str, Any], sku_meter: str | None) -> str | None:
    """The instance type that the provider tells, else the one that the meter of AWS ends with (`EUC1-BoxUsage:m5.large`)."""
    told = price_details.get("InstanceType")
    if isinstance(told, str) and told:
        return told
    found = _INSTANCE_TYPE.search(sku_meter or "")
    return found[1] if found else None


def _texts(connection: psycopg.Connection[Any], query: LiteralString, ids: set[Any]) -> dict[Any, Any]:
    return dict(connection.execute(query, {"ids": sorted(ids - {None})}).fetchall())
