"""Why a team pays what it pays in a month: from the chargeback down to the charges that pools were made of."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from orchestration.lib.config_document import nearest
from orchestration.lib.errors import FinopsError


@dataclass(frozen=True)
class Amount:
    """A service, or a kind of charge, and what it cost."""

    name: str
    cost: Decimal


@dataclass(frozen=True)
class Origin:
    """The team's part of one origin of a pool: by which way, by which driver, which share."""

    name: str
    path: str
    driver: str
    share: Decimal
    cost: Decimal


@dataclass(frozen=True)
class PoolPart:
    """The team's part of the pool of a rule. `total`: of the pool; `made_of`: its charges, the largest first."""

    rule: str
    total: Decimal
    cost: Decimal
    origins: list[Origin]
    made_of: list[Amount]


@dataclass(frozen=True)
class Explanation:
    """What a team pays in one currency: own costs by service, and parts of pools. They add up to `total`.

    `other`: what of the chargeback is neither.
    """

    currency: str
    total: Decimal
    own: Decimal
    services: list[Amount]
    pools: list[PoolPart]

    @property
    def other(self) -> Decimal:
        return self.total - self.own - sum((pool.cost for pool in self.pools), Decimal(0))


_TOTALS = """
select billing_currency, coalesce(sum({basis}), 0)
from finops.chargeback_reports
where team = %(team)s and billing_period = %(month)s
group by 1
order by 1
"""

_SERVICES = """
select billing_currency, coalesce(service_name, 'no service'), coalesce(sum({basis}), 0)
from finops.daily_costs
where team = %(team)s and billing_period = %(month)s and cost_type <> 'shared'
group by 1, 2
order by 1, 3 desc, 2
"""

_ORIGINS = """
select
    billing_currency,
    allocation_rule,
    concat_ws(', ', source_name, coalesce(sub_account_id, billing_account_id), charge_category, charge_date, origin_item,
        'of ' || origin_team),
    allocation_path,
    last_method,
    last_measure,
    sum(driver),
    max(total_driver),
    sum(origin_share),
    coalesce(sum({basis}), 0)
from finops.allocation_lineage
where team = %(team)s and billing_period = %(month)s
group by 1, 2, 3, 4, 5, 6, origin_id
order by 1, 2, abs(coalesce(sum({basis}), 0)) desc, 3, 4, origin_id
"""

_POOLS = """
select
    billing_currency,
    allocation_rule,
    concat_ws(', ', coalesce(service_name, 'no service'), charge_category),
    coalesce(sum({basis}), 0)
from finops.daily_costs
where billing_period = %(month)s and cost_type = 'shared'
group by 1, 2, 3
order by 1, 2, abs(coalesce(sum({basis}), 0)) desc, 3
"""


def explanation_of(connection: psycopg.Connection[Any], team: str, month: date, basis: str) -> list[Explanation]:
    """One explanation for each currency. Raises FinopsError for a team that pays nothing in the month."""

    def ask(query: str) -> list[tuple[Any, ...]]:
        statement = sql.SQL(query).format(basis=sql.Identifier(basis))
        return connection.execute(statement, {"team": team, "month": month}).fetchall()

    _check_names(connection, team, month)
    services: dict[str, list[Amount]] = defaultdict(list)
    for currency, name, cost in ask(_SERVICES):
        services[currency].append(Amount(name, cost))
    made_of: dict[tuple[str, str], list[Amount]] = defaultdict(list)
    for currency, rule, name, cost in ask(_POOLS):
        made_of[currency, rule].append(Amount(name, cost))
    origins: dict[tuple[str, str], list[Origin]] = defaultdict(list)
    for currency, rule, name, path, method, measure, driver, total_driver, share, cost in ask(_ORIGINS):
        shown = _driver(method, measure, driver, total_driver)
        origins[currency, rule].append(Origin(name, path, shown, share, cost))
    return [
        Explanation(
            currency,
            total,
            sum((line.cost for line in services[currency]), Decimal(0)),
            services[currency],
            [
                PoolPart(
                    rule,
                    sum((charge.cost for charge in made_of[currency, rule]), Decimal(0)),
                    sum((part.cost for part in parts), Decimal(0)),
                    parts,
                    made_of[currency, rule],
                )
                for (of_currency, rule), parts in origins.items()
                if of_currency == currency
            ],
        )
        for currency, total in ask(_TOTALS)
    ]


def _driver(method: str, measure: str | None, driver: Decimal | None, total: Decimal | None) -> str:
    if driver is None or total is None:
        return f"{method}: nobody has any"
    return f"{method}{' by ' + measure if measure else ''}: {driver.normalize():,f} of {total.normalize():,f}"


def _check_names(connection: psycopg.Connection[Any], team: str, month: date) -> None:
    built = connection.execute("select to_regclass('finops.allocation_lineage') is not null").fetchone()
    if not built or not built[0]:
        raise FinopsError("there is no chargeback yet: run `finops run` first")
    rows = connection.execute(
        "select distinct team from finops.chargeback_reports where billing_period = %s order by 1", (month,)
    ).fetchall()
    teams = [name for (name,) in rows]
    if not teams:
        raise FinopsError(f"no charge belongs to {month:%Y-%m}. Take in its deliveries first: finops run")
    if team not in teams:
        raise FinopsError(f"{team!r} pays nothing in {month:%Y-%m}.{nearest(team, teams)} Teams: {', '.join(teams)}")
