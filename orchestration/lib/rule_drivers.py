"""What there is to divide the pools of rules by, before a run: months in which a rule would have a pool, and nobody to share it."""

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
from orchestration.lib.rule_check import LISTS, MATCHES, RULES_AND_CHARGES, Taken, allowed, has_charges

# Own costs that no pool has taken when the step begins, by owner, as in drivers_of_step. What earlier steps give for good
# is known after a run only: a month with a pool of an earlier step is left out for the rules of later steps.
_OVER = allowed("(keys.value -> 'over')", "taken", [name for name in LISTS if name != "commitment_discount_status"])
_LACKING = f"""
with {RULES_AND_CHARGES},

taken as materialized (
    select charges.*, firsts.rule_index, firsts.step
    from charges
    left join lateral (
        select rules.rule_index, rules.step from rules
        where {MATCHES}
        order by rules.place
        limit 1
    ) as firsts on true
),

keys as materialized (
    select distinct
        rules.rule_index, rules.step, rules.value, taken.billing_period, taken.billing_currency,
        case when rules.value ->> 'basis' = 'day' then taken.charge_date end as charge_date,
        case when rules.value ->> 'method' = 'commitment_users' then coalesce(taken.commitment_discount_id, '') end as item
    from taken
    inner join rules using (rule_index)
    where rules.value ->> 'method' in ('proportional', 'commitment_users', 'even')
),

owned as materialized (
    select keys.rule_index, keys.billing_period, keys.billing_currency, keys.charge_date, keys.item
    from keys
    inner join taken
        on
            keys.billing_period = taken.billing_period
            and keys.billing_currency = taken.billing_currency
            and (keys.charge_date is null or keys.charge_date = taken.charge_date)
            and (
                keys.item is null
                or (keys.item = taken.commitment_discount_id and taken.commitment_discount_status = 'Used')
            )
            and (keys.value ->> 'consumed_unit' is null or keys.value ->> 'consumed_unit' = taken.consumed_unit)
            and {_OVER}
    where taken.team <> 'unallocated' and (taken.step is null or taken.step > keys.step)
    group by 1, 2, 3, 4, 5, keys.value, taken.team, taken.cost_center, taken.project
    having
        keys.value ->> 'method' = 'even'
        or sum(
            case keys.value ->> 'measure'
                when 'billed_cost' then taken.billed_cost
                when 'contracted_cost' then taken.contracted_cost
                when 'list_cost' then taken.list_cost
                when 'consumed_quantity' then taken.consumed_quantity
                else taken.effective_cost
            end
        ) > 0
)

select keys.rule_index, keys.billing_period
from keys
where
    not (keys.value ->> 'method' = 'even' and coalesce(keys.value #> '{{over,teams}}', 'null') <> 'null')
    and not exists (
        select from taken
        where
            taken.billing_period = keys.billing_period
            and taken.billing_currency = keys.billing_currency
            and taken.step < keys.step
    )
    and not exists (
        select from owned
        where
            owned.rule_index = keys.rule_index
            and owned.billing_period = keys.billing_period
            and owned.billing_currency = keys.billing_currency
            and owned.charge_date is not distinct from keys.charge_date
            and owned.item is not distinct from keys.item
    )
group by 1, 2
order by 1, 2
"""  # noqa: S608


@dataclass(frozen=True)
class Gap:
    """A month in which a rule has charges to divide, and nothing to divide them, or a part of them, by."""

    rule: AllocationRule
    month: date
    what: str


def driver_gaps(connection: psycopg.Connection[Any], config: Config, taken: Sequence[Taken]) -> list[Gap]:
    """Months whose driver file is missing or zero. Raises FinopsError for a driver that cannot be used."""
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


def owner_gaps(connection: psycopg.Connection[Any], config: Config, taken: Sequence[Taken]) -> list[Gap]:
    """Months in which nobody has what a rule divides by: no costs, quantities, users of a commitment or containers."""
    if not has_charges(connection):
        return []
    rules = config.cost_allocation.rules
    plain = [rule.model_dump(mode="json") for rule in rules]
    lacking = connection.execute(_LACKING, {"rules": Jsonb(plain)}).fetchall()
    return [Gap(rules[index], month, "nobody") for index, month in lacking] + _without_splits(connection, config, taken)


def _without_splits(connection: psycopg.Connection[Any], config: Config, taken: Sequence[Taken]) -> list[Gap]:
    rules = [rule for rule in config.cost_allocation.rules if rule.method == "split"]
    if not rules:
        return []
    rows = connection.execute("select distinct billing_period from intermediate.int_container_splits").fetchall()
    split = {month for (month,) in rows}
    return [
        Gap(rule, month, "nobody")
        for rule in rules
        for month in sorted(
            {month for item in taken if item.rule == rule and item.taken_by is None for month in item.months} - split
        )
    ]


def _by_month(quantities: Sequence[Quantity], rule: AllocationRule) -> dict[date, Decimal]:
    sums: dict[date, Decimal] = {}
    for quantity in quantities:
        if rule.over and rule.over.teams and quantity.team not in rule.over.teams:
            continue
        month = quantity.valid_on.replace(day=1)
        sums[month] = sums.get(month, Decimal(0)) + quantity.quantity
    return sums
