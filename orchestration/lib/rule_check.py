"""What the rules of cost allocation in a configuration file would take of the charges that are in the warehouse."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from orchestration.lib.config_models import AllocationRule, Config

# Rules in the order in which they take charges, and charges by all that rules look at.
RULES_AND_CHARGES = """
rules as (
    select
        row_number() over (order by coalesce((value ->> 'step')::int, 1), position) as place,
        position - 1 as rule_index,
        coalesce((value ->> 'step')::int, 1) as step,
        value,
        value -> 'match' as match,
        coalesce((value ->> 'valid_from')::date, '0001-01-01') as valid_from,
        coalesce((value ->> 'valid_to')::date, '9999-12-31') as valid_to
    from jsonb_array_elements(%(rules)s) with ordinality as rules (value, position)
),

bounds as (
    select valid_from as bound from rules union select valid_to from rules union select date '0001-01-01'
),

-- Days between two changes of rules are alike, unless a rule divides each day by itself: a thirtieth of the rows.
days as (
    select
        charge_date,
        case
            when (select bool_or(value ->> 'basis' = 'day') from rules) then charge_date
            else (select max(bound) from bounds where bound <= charge_date)
        end as rule_date
    from (select distinct charge_date from finops.daily_costs) as dates
),

charges as materialized (
    select
        row_number() over () as number,
        charge_category, service_name, sub_account_id, team, cost_center, project, commitment_discount_id,
        commitment_discount_status, consumed_unit, billing_currency, billing_period, rule_date as charge_date,
        sum(line_count) as line_count, sum(consumed_quantity) as consumed_quantity, sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost, sum(contracted_cost) as contracted_cost, sum(list_cost) as list_cost
    from finops.daily_costs
    inner join days using (charge_date)
    group by 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13
)
"""
LISTS = {
    "charge_categories": "charge_category",
    "service_names": "service_name",
    "sub_account_ids": "sub_account_id",
    "teams": "team",
    "commitment_discount_status": "commitment_discount_status",
}
"""List of a rule's match -> the column of charges that it is about. A list that is not given allows everything."""


def allowed(lists: str, charges: str, names: Sequence[str]) -> str:
    """SQL that holds for a charge which every list allows."""
    return " and ".join(
        f"(coalesce({lists} -> '{name}', 'null') = 'null' or {lists} -> '{name}' ? {charges}.{LISTS[name]})"
        for name in names
    )


MATCHES = f"""
charges.charge_date >= rules.valid_from
and charges.charge_date < rules.valid_to
and {allowed("rules.match", "charges", list(LISTS))}
"""

# Each distinct kind of charge meets every rule once. The first that takes it is its rule, as in int_charge_owners.
_TAKEN = f"""
with {RULES_AND_CHARGES},

matched as (
    select charges.*, rules.rule_index, rank() over (partition by charges.number order by rules.place) as choice
    from charges
    left join rules
        on {MATCHES}
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
    sum(effective_cost),
    array_agg(distinct billing_period order by billing_period)
from matched
inner join firsts using (number)
group by 1, 2, 3, 4
order by 1, 2, 3, 4
"""  # noqa: S608


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
    """What each rule takes of the delivered charges: nothing where nothing has been built yet."""
    if not has_charges(connection):
        return []
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


def has_charges(connection: psycopg.Connection[Any]) -> bool:
    """Whether a run has built charges that rules can be held against."""
    if connection.execute("select to_regclass('finops.daily_costs')").fetchone() == (None,):
        return False
    return connection.execute("select exists (select from finops.daily_costs)").fetchone() == (True,)


def loaded_months(connection: psycopg.Connection[Any]) -> list[date]:
    """The billing months that deliveries were taken in for, built or not."""
    if connection.execute("select to_regclass('raw.scopes')").fetchone() == (None,):
        return []
    rows = connection.execute(
        "select distinct billing_period from raw.scopes where delivery_id is not null order by 1"
    ).fetchall()
    return [month for (month,) in rows]


@dataclass(frozen=True)
class Overlap:
    """A rule, and an earlier one that takes first what both match: all of it (`is_whole`), or what they have in common."""

    rule: AllocationRule
    earlier: AllocationRule
    is_whole: bool


def overlaps(config: Config) -> list[Overlap]:
    """Pairs of rules that match the same charges on some day, as far as the rules themselves tell."""
    found = []
    ordered = sorted(config.cost_allocation.rules, key=lambda rule: rule.step)
    for place, rule in enumerate(ordered):
        for earlier in ordered[:place]:
            pairs = [(getattr(earlier.match, name), getattr(rule.match, name)) for name in LISTS]
            if not rule.overlaps(earlier) or any(a and b and not set(a) & set(b) for a, b in pairs):
                continue
            is_whole = all(not a or (b and set(b) <= set(a)) for a, b in pairs) and _spans(earlier, rule)
            found.append(Overlap(rule, earlier, is_whole))
    return found


def _spans(earlier: AllocationRule, rule: AllocationRule) -> bool:
    """Whether a rule holds on every day of another."""
    begins = earlier.valid_from is None or (rule.valid_from is not None and earlier.valid_from <= rule.valid_from)
    return begins and (earlier.valid_to is None or (rule.valid_to is not None and rule.valid_to <= earlier.valid_to))
