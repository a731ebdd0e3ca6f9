"""What the rules of cost allocation in a configuration file would take of the charges that are in the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from orchestration.lib.allocation_drivers import Quantity, read_driver
from orchestration.lib.config_models import AllocationRule, Config
from orchestration.lib.errors import FinopsError

# Each distinct kind of charge meets every rule once. The first that takes it is its rule, as in int_charge_owners.
_TAKEN = """
with rules as (
    select
        row_number() over (order by coalesce((value ->> 'step')::int, 1), position) as place,
        position - 1 as rule_index,
        value -> 'match' as match,
        coalesce((value ->> 'valid_from')::date, '0001-01-01') as valid_from,
        coalesce((value ->> 'valid_to')::date, '9999-12-31') as valid_to
    from jsonb_array_elements(%(rules)s) with ordinality as rules (value, position)
),

charges as (
    select
        row_number() over () as number,
        charge_category, service_name, sub_account_id, team, commitment_discount_status, billing_currency,
        billing_period, charge_date, sum(line_count) as line_count, sum(effective_cost) as cost
    from finops.daily_costs
    group by 2, 3, 4, 5, 6, 7, 8, 9
),

matched as (
    select charges.*, rules.rule_index, rank() over (partition by charges.number order by rules.place) as choice
    from charges
    left join rules
        on charges.charge_date >= rules.valid_from
        and charges.charge_date < rules.valid_to
        and (rules.match -> 'charge_categories' is null or rules.match -> 'charge_categories' ? charge_category)
        and (rules.match -> 'service_names' is null or rules.match -> 'service_names' ? service_name)
        and (rules.match -> 'sub_account_ids' is null or rules.match -> 'sub_account_ids' ? sub_account_id)
        and (rules.match -> 'teams' is null or rules.match -> 'teams' ? team)
        and (
            rules.match -> 'commitment_discount_status' is null
            or rules.match -> 'commitment_discount_status' ? commitment_discount_status
        )
),

firsts as (
    select number, rule_index as first_index from matched where choice = 1
)

select
    matched.rule_index,
    case when matched.rule_index is null then case when team = 'unallocated' then 'unallocated' else 'direct' end end,
    case when choice > 1 then first_index end,
    billing_currency,
    sum(line_count)::bigint,
    sum(cost),
    array_agg(distinct billing_period order by billing_period)
from matched
inner join firsts using (number)
group by 1, 2, 3, 4
order by 1, 2, 3, 4
"""


@dataclass(frozen=True)
class Taken:
    """Charges that a rule takes, or would take if an earlier one (`taken_by`) did not; of no rule: direct or unallocated."""

    rule: AllocationRule | None
    otherwise: str | None
    taken_by: AllocationRule | None
    currency: str
    lines: int
    cost: Decimal
    months: Sequence[date]


def taken_by_rules(connection: psycopg.Connection[Any], config: Config) -> list[Taken]:
    """What each rule takes of the delivered charges. Raises FinopsError where nothing has been built yet."""
    built = connection.execute("select to_regclass('finops.daily_costs') is not null").fetchone()
    if not built or not built[0]:
        raise FinopsError(
            "the warehouse has no charges yet: run `finops run` once, then check rules before further runs"
        )
    rules = config.cost_allocation.rules
    plain = [rule.model_dump(mode="json") for rule in rules]
    rows = connection.execute(_TAKEN, {"rules": Jsonb(plain)}).fetchall()
    return [
        Taken(
            None if index is None else rules[index],
            otherwise,
            None if first is None else rules[first],
            currency,
            lines,
            cost,
            months,
        )
        for index, otherwise, first, currency, lines, cost, months in rows
    ]


@dataclass(frozen=True)
class Gap:
    """A month in which a rule has charges to divide, and its driver nothing to divide by."""

    rule: AllocationRule
    month: date
    what: str


def driver_gaps(connection: psycopg.Connection[Any], config: Config, taken: Sequence[Taken]) -> list[Gap]:
    """Months whose driver is missing or zero. Raises FinopsError for a driver that cannot be used."""
    drivers = {driver.name: read_driver(connection, config, driver) for driver in config.cost_allocation.drivers}
    gaps = []
    for rule in config.cost_allocation.rules:
        if rule.driver is None:
            continue
        months = {month for item in taken if item.rule == rule and item.taken_by is None for month in item.months}
        sums = _by_month(drivers[rule.driver], rule)
        for month in sorted(months):
            if month not in sums:
                gaps.append(Gap(rule, month, "missing"))
            elif sums[month] == 0:
                gaps.append(Gap(rule, month, "zero"))
    return gaps


def _by_month(quantities: Sequence[Quantity], rule: AllocationRule) -> dict[date, Decimal]:
    sums: dict[date, Decimal] = {}
    for quantity in quantities:
        if rule.over and rule.over.teams and quantity.team not in rule.over.teams:
            continue
        month = quantity.valid_on.replace(day=1)
        sums[month] = sums.get(month, Decimal(0)) + quantity.quantity
    return sums
