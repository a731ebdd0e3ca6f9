"""What moved in an incident, and by how much: drivers that add up to its impact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

LEVELS = ("service", "account", "resource", "usage_type", "tag", "team")
SHOWN = 5
"""Drivers of a level that are named; the others are one driver, `other`."""
OTHER = "other"
BEFORE_DAYS = 28
"""Days before an incident that its days are compared with."""
_PLACES = Decimal("1e-10")
_MOST, _TIMES_DEAREST = Decimal("0.5"), 2


@dataclass(frozen=True)
class Part:
    """What a resource cost for one kind of use, in the days of an incident and in the `BEFORE_DAYS` before. `is_new`: never seen before."""

    service: str
    account: str
    resource: str
    usage_type: str
    tag: str
    team: str
    actual: Decimal
    before: Decimal
    is_new: bool
    is_unused: bool = False
    """Whether it is what a commitment left unused: a matter of commitments, which begins where one is bought."""


@dataclass(frozen=True)
class Driver:
    """How much more (or less) a value of a level cost in an incident than before."""

    level: str
    value: str
    change: Decimal


def drivers(
    parts: Sequence[Part], days: int, impact: Decimal
) -> tuple[tuple[Driver, ...], dict[str, tuple[Driver, ...]]]:
    """What moved, the largest first, and the same for each level by itself. Each adds up to the impact exactly: the rest is `other`.

    What moved is told at the finest level that a single value of explains most of it, and a service by its account before that.
    """
    levels = {level: _of_level(level, parts, days, impact) for level in LEVELS}
    main = next((level for level in ("resource", "service", "account") if _explains(levels[level], impact)), "service")
    return levels[main], levels


def _explains(found: Sequence[Driver], impact: Decimal) -> bool:
    return bool(found) and found[0].value != OTHER and abs(found[0].change) * 2 >= abs(impact)


def _of_level(level: str, parts: Sequence[Part], days: int, impact: Decimal) -> tuple[Driver, ...]:
    changes: dict[str, Decimal] = defaultdict(Decimal)
    for part in parts:
        changes[getattr(part, level) or OTHER] += change(part, days)
    changes.pop(OTHER, None)
    # What moved by less than a hundredth explains nothing.
    clear = [(value, moved) for value, moved in changes.items() if moved and abs(moved) * 100 >= abs(impact)]
    named = sorted(clear, key=lambda item: (-abs(item[1]), item[0]))[:SHOWN]
    rest = impact - sum((moved for _, moved in named), Decimal(0))
    return (*(Driver(level, value, moved) for value, moved in named), *([Driver(level, OTHER, rest)] if rest else []))


def change(part: Part, days: int) -> Decimal:
    """What a part cost beyond what as many days before did."""
    return part.actual - (part.before * days / BEFORE_DAYS).quantize(_PLACES)


def is_growth(parts: Iterable[Part], days: int, least: Decimal, *, is_slow: bool = False) -> bool:
    """Whether a rise is new resources like those that are there: somebody put them to use, and they cost what such things cost.

    It is not where a new one costs more than twice the dearest of its service in its account, nor where what is left without the new ones
    would be told by itself, being `least` a day or more. A slow rise is growth too where no resource by itself makes most of it, and
    half of `least`: a leak has a place.
    """
    risen, new, most = Decimal(0), Decimal(0), Decimal(0)
    dearest: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    resources: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    before: dict[tuple[str, str, str], Decimal] = defaultdict(Decimal)
    fresh: set[tuple[str, str, str]] = set()
    unused: set[tuple[str, str, str]] = set()
    for part in parts:
        name = (part.account, part.service, part.resource)
        resources[name] += part.actual / days
        before[name] += part.before / BEFORE_DAYS
        fresh = fresh | {name} if part.is_new else fresh
        unused = unused | {name} if part.is_unused else unused
    for (account, service, _), cost in before.items():
        dearest[account, service] = max(dearest[account, service], cost)
    for name, cost in resources.items():
        moved = cost - before[name]
        risen += moved
        most = max(most, moved)
        if name in unused or (name in fresh and name[2] and cost <= _TIMES_DEAREST * dearest[name[:2]]):
            new += moved
    if is_slow and most < _MOST * max(risen, least):
        return True
    return risen > 0 and new >= _MOST * risen and risen - new < least
