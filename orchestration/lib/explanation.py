"""Why a team pays what it pays in a month: from the chargeback by service and by rule down to the charges behind it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal, localcontext
from typing import Any

import psycopg
from psycopg import sql

from orchestration.lib.config_document import nearest
from orchestration.lib.errors import FinopsError
from orchestration.lib.explanation_queries import CHARGES, MADE_OF, NAMES, ORIGINS, OWN, OWN_CHARGES, TOTALS

UNIT = Decimal("1e-10")
NOT_KNOWN = "charges that are not known any more"


@dataclass(frozen=True)
class Amount:
    """A service, or a single charge of one, what all teams pay for it, and the part of the team."""

    name: str
    total: Decimal
    cost: Decimal


@dataclass(frozen=True)
class Origin:
    """The team's part of one origin of a pool: by which way, by which driver, which share. `services` add up to it exactly."""

    origin_id: str
    name: str
    path: str
    driver: str
    share: Decimal
    cost: Decimal
    services: list[Amount]


@dataclass(frozen=True)
class PoolPart:
    """The team's part of the pool of a rule. `total`: of the pool; `services`: what it is made of, the largest first."""

    rule: str
    total: Decimal
    cost: Decimal
    origins: list[Origin]
    services: list[Amount]


@dataclass(frozen=True)
class Explanation:
    """What a team pays in one currency: own costs by service, and parts of pools. They add up to `total`.

    `other`: what of the chargeback is neither, adjustments of closed months.
    """

    currency: str
    total: Decimal
    own: dict[str, Decimal]
    pools: list[PoolPart]

    @property
    def other(self) -> Decimal:
        return self.total - _sum(self.own.values()) - _sum(pool.cost for pool in self.pools)

    @property
    def shared(self) -> dict[str, Decimal]:
        """Service -> the team's parts of its charges in all pools."""
        parts: dict[str, Decimal] = defaultdict(Decimal)
        for pool in self.pools:
            for service in pool.services:
                parts[service.name] += service.cost
        return dict(parts)

    @property
    def services(self) -> list[str]:
        """Every service that the team pays for, the dearest first."""
        costs: dict[str, Decimal] = defaultdict(Decimal)
        for name, cost in (*self.own.items(), *self.shared.items()):
            costs[name] += cost
        return sorted(costs, key=lambda name: (-costs[name], name))


@dataclass(frozen=True)
class ServiceCharges:
    """What the team's cost of one service consists of: charges of its own, and of pools with the team's part, by rule."""

    own: list[Amount]
    shared: dict[str, list[Amount]]


def explanation_of(connection: psycopg.Connection[Any], team: str, month: date, basis: str) -> list[Explanation]:
    """One explanation for each currency. Raises FinopsError for a team that pays nothing in the month."""

    def ask(query: str) -> list[tuple[Any, ...]]:
        return _ask(connection, query, team, month, basis)

    _check_names(connection, team, month)
    own: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for currency, name, cost in ask(OWN):
        own[currency][name] = cost
    made_of: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for origin_id, name, cost in ask(MADE_OF):
        made_of[origin_id][name] = cost
    origins: dict[tuple[str, str], list[Origin]] = defaultdict(list)
    for currency, rule, origin_id, name, path, method, measure, driver, total_driver, share, cost in ask(ORIGINS):
        services = divided(cost, share, made_of[origin_id])
        shown = _driver(method, measure, driver, total_driver)
        origins[currency, rule].append(Origin(origin_id, name, path, shown, share, cost, services))
    return [
        Explanation(
            currency,
            total,
            own[currency],
            [_pool(rule, parts) for (of_currency, rule), parts in origins.items() if of_currency == currency],
        )
        for currency, total in ask(TOTALS)
    ]


def charges_of(
    connection: psycopg.Connection[Any], team: str, month: date, basis: str, found: Explanation, service: str
) -> ServiceCharges:
    """The charges behind the team's cost of a service, by resource or description. They add up to it exactly."""
    arguments = {"service": service, "currency": found.currency}
    own = [Amount(name, cost, cost) for name, cost in _ask(connection, OWN_CHARGES, team, month, basis, arguments)]
    charges: dict[str, dict[str, Decimal]] = defaultdict(dict)
    for origin_id, name, cost in _ask(connection, CHARGES, team, month, basis, arguments):
        charges[origin_id][name] = cost
    shared = {}
    for pool in found.pools:
        parts = [
            part
            for origin in pool.origins
            for of_service in origin.services
            if of_service.name == service
            for part in divided(of_service.cost, origin.share, charges[origin.origin_id])
        ]
        if parts:
            shared[pool.rule] = _added_up(parts)
    return ServiceCharges(own, shared)


def divided(part: Decimal, share: Decimal, costs: Mapping[str, Decimal]) -> list[Amount]:
    """A part of a cost by what the cost is made of, exactly: cut to ten decimals, units left over to the largest remainders."""
    if not costs:
        return [Amount(NOT_KNOWN, part, part)]
    with localcontext(prec=100):
        whole = sum(costs.values(), Decimal(0))
        ratio = part / whole if whole else share
        exact = {name: cost * ratio for name, cost in costs.items()}
        parts = {name: value.quantize(UNIT, ROUND_FLOOR) for name, value in exact.items()}
        left = part - sum(parts.values(), Decimal(0))
        for name in sorted(exact, key=lambda name: (parts[name] - exact[name], name)):
            if left < UNIT:
                break
            parts[name] += UNIT
            left -= UNIT
        # What is finer than a unit, or more than one for each: costs that cancel each other out.
        parts[max(costs, key=lambda name: (abs(costs[name]), name))] += left
    return [Amount(name, costs[name], cost) for name, cost in parts.items()]


def _pool(rule: str, origins: list[Origin]) -> PoolPart:
    # An origin that reaches the team by several ways is made of its charges once.
    once = {origin.origin_id: origin for origin in origins}.values()
    totals = {amount.name: amount.total for amount in _added_up([a for origin in once for a in origin.services])}
    services = [
        Amount(amount.name, totals[amount.name], amount.cost)
        for amount in _added_up([a for origin in origins for a in origin.services])
    ]
    return PoolPart(rule, _sum(totals.values()), _sum(origin.cost for origin in origins), origins, services)


def _added_up(amounts: Sequence[Amount]) -> list[Amount]:
    """By name, the largest first."""
    totals: dict[str, Decimal] = defaultdict(Decimal)
    costs: dict[str, Decimal] = defaultdict(Decimal)
    for amount in amounts:
        totals[amount.name] += amount.total
        costs[amount.name] += amount.cost
    return sorted(
        (Amount(name, totals[name], costs[name]) for name in totals),
        key=lambda amount: (-abs(amount.total), amount.name),
    )


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))


def _ask(
    connection: psycopg.Connection[Any],
    query: str,
    team: str,
    month: date,
    basis: str,
    arguments: Mapping[str, str] | None = None,
) -> list[tuple[Any, ...]]:
    statement = sql.SQL(query).format(basis=sql.Identifier(basis))
    return connection.execute(statement, {"team": team, "month": month, **(arguments or {})}).fetchall()


def _driver(method: str, measure: str | None, driver: Decimal | None, total: Decimal | None) -> str:
    if driver is None or total is None:
        return f"{method}: nobody has any"
    if method == "even":
        return f"even: one of {total:,f}" if total == total.to_integral_value() and driver == 1 else "even"
    return f"{method}{' by ' + measure if measure else ''}: {_short(driver)} of {_short(total)}"


def _short(number: Decimal) -> str:
    """At most four decimals: a driver explains a share, which is shown whole."""
    return f"{round(number, 4).normalize():,f}"


def _check_names(connection: psycopg.Connection[Any], team: str, month: date) -> None:
    built = connection.execute("select to_regclass('finops.allocation_lineage') is not null").fetchone()
    if not built or not built[0]:
        raise FinopsError("there is no chargeback yet: run `finops run` first")
    teams = [name for (name,) in connection.execute(NAMES, {"month": month}).fetchall()]
    if not teams:
        raise FinopsError(f"no charge belongs to {month:%Y-%m}. Take in its deliveries first: finops run")
    if team not in teams:
        raise FinopsError(f"{team!r} pays nothing in {month:%Y-%m}.{nearest(team, teams)} Teams: {', '.join(teams)}")
