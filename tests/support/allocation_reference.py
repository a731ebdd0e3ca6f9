"""Cost allocation once more, in plain Python and exact fractions: what the SQL is compared with."""

from __future__ import annotations

from calendar import monthrange
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from math import floor
from typing import Any

from orchestration.lib.config_models import AllocationRule

COSTS = ("billed_cost", "effective_cost", "contracted_cost", "list_cost")
BASES = ("share", *COSTS)
UNITS = 10**10
_ITEMS = {"commitment_users": "commitment_discount_id", "split": "resource_id"}
NOBODY = ("unallocated", None, None)
Owner = tuple[str, str | None, str | None]
Row = Mapping[str, Any]
Amounts = dict[str, Fraction | None]


@dataclass
class Pool:
    """Amounts that a rule divides: an origin, or what earlier steps gave a team of one."""

    origin: tuple[Any, ...]
    path: str
    rule: AllocationRule
    rest: Owner
    amounts: Amounts


@dataclass
class Reference:
    """An organisation with its rules, charges and drivers. `quantities`: of drivers, `splits`: of containers."""

    cost_centers: Mapping[str, str]
    rules: Sequence[AllocationRule]
    rows: Sequence[Row]
    quantities: Sequence[Row] = ()
    splits: Sequence[Row] = ()
    held: dict[tuple[Any, ...], Amounts] = field(default_factory=dict)

    def allocate(self) -> dict[tuple[Any, ...], Amounts]:
        """(origin, path, owner) -> its share of the origin and of each cost."""
        for step in sorted({rule.step for rule in self.rules}):
            passed_on, self.held = self._taken(step)
            pools = [*self._origins(step), *passed_on]
            base = list(self._borne(step))
            given: dict[tuple[Any, ...], Amounts] = {}
            for pool in pools:
                for owner, amounts in _divide(pool, self._drivers(pool, base)):
                    _add(given, (pool.origin, pool.path, owner), amounts)
            for key, amounts in given.items():
                _add(self.held, key, amounts)
        return self.held

    def _rule_of(self, row: Row) -> AllocationRule | None:
        return next((r for r in self.rules if r.name == row["allocation_rule"] and _holds(r, row["charge_date"])), None)

    def _origins(self, step: int) -> Iterator[Pool]:
        found: dict[tuple[Any, ...], Pool] = {}
        for row in self.rows:
            rule = self._rule_of(row)
            if row["cost_type"] != "shared" or rule is None or rule.step != step:
                continue
            keeps = _keeps_rest(rule)
            owner = _owner(row) if keeps else NOBODY
            origin = (
                row["source_name"],
                row["billing_period"],
                row["sub_account_id"],
                row["billing_currency"],
                row["charge_category"],
                rule.name,
                rule.valid_from,
                row["charge_date"] if rule.basis == "day" else None,
                row[_ITEMS[rule.method]] if rule.method in _ITEMS else None,
                owner if keeps else (None, None, None),
            )
            pool = found.setdefault(origin, Pool(origin, rule.name, rule, owner, {"share": Fraction(1)}))
            for cost in COSTS:
                pool.amounts[cost] = _plus(pool.amounts.get(cost), _fraction(row[cost]))
        yield from found.values()

    def _taken(self, step: int) -> tuple[list[Pool], dict[tuple[Any, ...], Amounts]]:
        """What of the held a step takes as pools, and what stays."""
        pools: dict[tuple[Any, ...], Pool] = {}
        stays: dict[tuple[Any, ...], Amounts] = {}
        for (origin, path, owner), amounts in self.held.items():
            rule = next((r for r in self.rules if r.step == step and _passes_on(r, origin, owner[0])), None)
            if rule is None:
                stays[origin, path, owner] = amounts
                continue
            keeps = _keeps_rest(rule)
            rest = (owner[0], self.cost_centers.get(owner[0]), None) if keeps else NOBODY
            further = f"{path} > {owner[0]} > {rule.name}"
            pool = pools.setdefault((origin, further), Pool(origin, further, rule, rest, {}))
            pool.amounts = {basis: _plus(pool.amounts.get(basis), amounts[basis]) for basis in BASES}
        return list(pools.values()), stays

    def _borne(self, step: int) -> Iterator[Row]:
        for row in self.rows:
            rule = self._rule_of(row) if row["cost_type"] == "shared" else None
            if row["team"] != "unallocated" and (row["cost_type"] == "direct" or (rule and rule.step > step)):
                yield row
        for (origin, _, owner), amounts in self.held.items():
            if owner[0] != "unallocated":
                yield {
                    "billing_period": origin[1],
                    "sub_account_id": origin[2],
                    "billing_currency": origin[3],
                    "charge_category": origin[4],
                    "charge_date": origin[7],
                    "team": owner[0],
                    "cost_center": owner[1],
                    "project": owner[2],
                    **amounts,
                }

    def _drivers(self, pool: Pool, base: Sequence[Row]) -> dict[Owner | None, Fraction]:
        rule, period, currency = pool.rule, pool.origin[1], pool.origin[3]
        day = pool.origin[7] if rule.basis == "day" else None
        here = [
            row
            for row in base
            if (row["billing_period"], row["billing_currency"]) == (period, currency)
            and (day is None or row["charge_date"] == day)
        ]
        drivers: dict[Owner | None, Fraction] = defaultdict(Fraction)
        if rule.method == "fixed":
            assert rule.shares is not None
            for team, share in rule.shares.items():
                drivers[self._of(team)] = Fraction(share)
            drivers[None] = Fraction(1) - sum(drivers.values(), Fraction(0))
        elif rule.method == "split" and " > " not in pool.path:
            for row in self.splits:
                of_pool = (row["parent_resource_id"], row["billing_period"], row["billing_currency"])
                if of_pool == (pool.origin[8], period, currency) and day in (None, row["charge_date"]):
                    drivers[None if row["team"] == "unallocated" else _owner(row)] += Fraction(row["split_cost"])
        elif rule.method == "metric":
            for row in self.quantities:
                if row["driver"] == rule.driver and _counts(row, period, day) and _in_scope(rule, row):
                    center = row["cost_center"] or self.cost_centers[row["team"]]
                    drivers[row["team"], center, row["project"]] += Fraction(row["quantity"])
        elif rule.method in ("proportional", "commitment_users"):
            users_of = pool.origin[8] if rule.method == "commitment_users" and " > " not in pool.path else None
            for row in here:
                used = row.get("commitment_discount_id") if row.get("commitment_discount_status") == "Used" else None
                if rule.method == "commitment_users" and (used is None or used != users_of):
                    continue
                if _in_scope(rule, row) and (
                    rule.consumed_unit is None or rule.consumed_unit == row.get("consumed_unit")
                ):
                    assert rule.measure is not None
                    drivers[_owner(row)] += _fraction(row.get(rule.measure)) or 0
        chosen = {owner: driver for owner, driver in drivers.items() if driver > 0}
        if not chosen and (rule.method == "even" or rule.fallback == "even"):
            listed = rule.over.teams if rule.over else None
            return {self._of(team): Fraction(1) for team in listed or {row["team"] for row in here}}
        return chosen

    def _of(self, team: str) -> Owner:
        return team, self.cost_centers[team], None


def _divide(pool: Pool, drivers: Mapping[Owner | None, Fraction]) -> Iterator[tuple[Owner, Amounts]]:
    shares = sorted(drivers.items(), key=lambda item: _order(item[0])) or [(None, Fraction(1))]
    total = sum(driver for _, driver in shares)
    parts: list[Amounts] = [{} for _ in shares]
    for basis, amount in pool.amounts.items():
        for position, part in enumerate(_parts(amount, [driver for _, driver in shares], total)):
            parts[position][basis] = part
    for (owner, _), amounts in zip(shares, parts, strict=True):
        yield owner or pool.rest, amounts


def _parts(amount: Fraction | None, drivers: Sequence[Fraction], total: Fraction | int) -> list[Fraction | None]:
    if amount is None:
        return [None] * len(drivers)
    units = floor(abs(amount) * UNITS)
    exact = [units * driver / total for driver in drivers]
    whole = [floor(part) for part in exact]
    ranked = sorted(range(len(drivers)), key=lambda index: (whole[index] - exact[index], index))
    for index in ranked[: units - sum(whole)]:
        whole[index] += 1
    parts = [Fraction(part, UNITS) for part in whole]
    parts[ranked[0]] += abs(amount) - Fraction(units, UNITS)
    return [part if amount > 0 else -part for part in parts]


def _keeps_rest(rule: AllocationRule) -> bool:
    return rule.method == "split" or (rule.shares is not None and sum(rule.shares.values()) < 1)


def _holds(rule: AllocationRule, day: date) -> bool:
    return (rule.valid_from or date.min) <= day < (rule.valid_to or date.max)


def _passes_on(rule: AllocationRule, origin: tuple[Any, ...], team: str) -> bool:
    match, month = rule.match, origin[1]
    day = origin[7] or month.replace(day=monthrange(month.year, month.month)[1])
    return (
        team in (match.teams or ())
        and not match.service_names
        and not match.commitment_discount_status
        and _allows(match.charge_categories, origin[4])
        and _allows(match.sub_account_ids, origin[2])
        and _holds(rule, day)
    )


def _in_scope(rule: AllocationRule, row: Row) -> bool:
    over = rule.over
    return over is None or (
        _allows(over.teams, row["team"])
        and _allows(over.service_names, row.get("service_name"))
        and _allows(over.sub_account_ids, row.get("sub_account_id"))
        and _allows(over.charge_categories, row.get("charge_category"))
    )


def _allows(values: Collection[str] | None, value: str | None) -> bool:
    return values is None or value in values


def _counts(row: Row, period: date, day: date | None) -> bool:
    if day is None:
        return bool(row["valid_on"].replace(day=1) == period)
    return bool(row["valid_on"] == (day.replace(day=1) if row["is_monthly"] else day))


def _owner(row: Row) -> Owner:
    return row["team"], row["cost_center"], row["project"]


def _order(owner: Owner | None) -> tuple[Any, ...]:
    """Bytewise, what is missing last."""
    return tuple((text is None, (text or "").encode()) for text in owner or (None, None, None))


def _fraction(value: Decimal | Fraction | None) -> Fraction | None:
    return None if value is None else Fraction(value)


def _plus(left: Fraction | None, right: Fraction | None) -> Fraction | None:
    return left if right is None else right if left is None else left + right


def _add(held: dict[tuple[Any, ...], Amounts], key: tuple[Any, ...], amounts: Amounts) -> None:
    before = held.get(key, {})
    held[key] = {basis: _plus(before.get(basis), amounts[basis]) for basis in BASES}
