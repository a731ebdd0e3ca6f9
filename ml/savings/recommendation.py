"""What every kind of saving gives: one recommendation, with what it saves, what speaks for it, and what it excludes."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import ROUND_DOWN, Decimal, localcontext
from functools import cached_property
from typing import Any, Literal

Level = Literal["low", "medium", "high"]
_LEVELS: tuple[Level, ...] = ("low", "medium", "high")

MODEL_VERSION = "savings-2"
"""Changes whenever the same inputs would give other rows."""
OURS = "finops"
_UNIT = Decimal("0.0000000001")
_WEEK = 7


@dataclass(frozen=True)
class Window:
    """The days that a recommendation rests on, both included."""

    first: date
    last: date

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    @property
    def block_days(self) -> int:
        """What a band is made of: weeks, or days where there are not two weeks."""
        return _WEEK if self.days >= 2 * _WEEK else 1

    def blocks(self) -> list[date]:
        """The first days of the whole blocks that end with the last day, the oldest first."""
        count = self.days // self.block_days
        return [self.last - timedelta(days=self.block_days * number - 1) for number in range(count, 0, -1)]

    def monthly(self, amount: Decimal, days: int) -> Decimal:
        """An amount of so many days as that of an average month, cut to ten decimals."""
        with localcontext(prec=60):
            return (amount * 365 / 12 / days).quantize(_UNIT, ROUND_DOWN)


@dataclass(frozen=True)
class Estimate:
    """What is saved in a month of what is paid in it: 0 <= low <= saving <= high <= cost."""

    cost: Decimal
    saving: Decimal
    low: Decimal
    high: Decimal
    series: tuple[tuple[date, Decimal, Decimal], ...]
    """First day, cost and saving of each block of the window."""


def estimate(
    window: Window,
    cost: Mapping[date, Decimal],
    saving: Mapping[date, Decimal],
    *,
    least: Decimal = Decimal(1),
) -> Estimate:
    """An estimate from what each day cost and would have saved.

    The band is that of the weakest and the strongest week, its lower end times the share that
    holds at `least`. It never leaves what is paid: who spends 10 cannot save 11 in a strong week.
    """
    series = []
    for first in window.blocks():
        days = [first + timedelta(days=number) for number in range(window.block_days)]
        series.append((first, _sum(cost, days), _sum(saving, days)))
    paid = window.monthly(_sum(cost, cost), window.days)
    saved = min(max(window.monthly(_sum(saving, saving), window.days), Decimal(0)), paid)
    savings = [window.monthly(one, window.block_days) for *_, one in series]
    low = max(min(min(savings) * least, saved * least), Decimal(0)).quantize(_UNIT, ROUND_DOWN)
    high = min(max(max(savings), saved), paid).quantize(_UNIT, ROUND_DOWN)
    return Estimate(paid, saved, low, high, tuple(series))


def _sum(amounts: Mapping[date, Decimal], days: Iterable[date]) -> Decimal:
    with localcontext(prec=60):
        return sum((amounts.get(day, Decimal(0)) for day in days), Decimal(0))


@dataclass(frozen=True)
class Owner:
    """Who can act on it, by allocation, as of the last day."""

    team: str | None = None
    cost_center: str | None = None
    project: str | None = None
    environment: str | None = None


@dataclass(frozen=True)
class Recommendation:
    """One thing that could be changed.

    `exclusive_group`: what it acts on; recommendations of one group act on the same money, so that one of them counts at most.
    `change`: what to do, in words; nothing is ever executed. `evidence`: JSON values, amounts as texts. `command`: a command or a
    Terraform change that would do it, as text. `acts_on`: ids of resources with what each costs in a month, at the effective rate:
    advice on the same resource excludes each other. `effective_from`: when the saving begins, where that is not at once, such as
    after a commitment has ended. `window`: the days it rests on, where they are not those of the whole list. `origin`: finops, or
    the provider's own service that says so. The ranks and `counted_saving`, its part of a total in which no euro is twice, are
    given by `ranked`.
    """

    kind: str
    provider: str
    resource_type: str
    resource_id: str | None
    sub_account_id: str | None
    owner: Owner
    current: str
    proposed: str
    change: str
    reason: str
    estimate: Estimate
    effort: Level
    risk: Level
    risk_reason: str
    confidence: Level
    confidence_reason: str
    evidence: Mapping[str, Any]
    exclusive_group: str
    one_off_cost: Decimal = Decimal(0)
    region_id: str | None = None
    command: str | None = None
    acts_on: tuple[tuple[str, Decimal], ...] = ()
    effective_from: date | None = None
    currency: str = "USD"
    window: Window | None = None
    group_rank: int = 0
    overall_rank: int = 0
    counted_saving: Decimal | None = None
    origin: str = OURS

    @cached_property
    def recommendation_id(self) -> str:
        """The same for the same advice on the same thing, whatever it saves today."""
        parts = [self.kind, self.exclusive_group, self.proposed]
        return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()[:32]

    @property
    def counts(self) -> bool:
        """Whether its saving is in the total."""
        return self.counted_saving is not None

    @property
    def is_ours(self) -> bool:
        """Whether it was worked out here, and is not another's that is shown beside."""
        return self.origin == OURS

    @property
    def is_commitment(self) -> bool:
        """Whether it changes what usage costs and not the usage, so that it is worked out for what others leave of it."""
        return self.kind.startswith("commitment")


def worthwhile(found: Iterable[Recommendation], minimum: Decimal) -> list[Recommendation]:
    """Each once, without those that save less than `minimum`. Those that cost nothing are kept, as they are not about money."""
    once = {one.recommendation_id: one for one in found}.values()
    return [one for one in once if one.estimate.saving >= minimum or not one.estimate.cost]


def ranked(found: Iterable[Recommendation], counted: Mapping[str, Decimal]) -> tuple[Recommendation, ...]:
    """Recommendations with their ranks, and what each counts by its id: in their group, and over all with those that count first.

    In a group what counts comes first, and then what is sure before what would be nice: by confidence, then by the lower end of the
    band. Over all by the lower end of the band too, but what is no more than a guess comes last, however much it would be.
    """
    groups: dict[str, list[Recommendation]] = defaultdict(list)
    for one in found:
        groups[one.exclusive_group].append(one)
    in_groups = [
        (rank, one)
        for group in groups.values()
        for rank, one in enumerate(
            sorted(group, key=lambda one: (one.recommendation_id not in counted, _order(one))), start=1
        )
    ]
    in_order = sorted(
        in_groups,
        key=lambda ranked: (
            ranked[1].recommendation_id not in counted,
            ranked[1].confidence == "low",
            *_order(ranked[1])[1:],
        ),
    )
    return tuple(
        replace(one, group_rank=rank, overall_rank=overall, counted_saving=counted.get(one.recommendation_id))
        for overall, (rank, one) in enumerate(in_order, start=1)
    )


def _order(one: Recommendation) -> tuple[int, Decimal, Decimal, str]:
    return -_LEVELS.index(one.confidence), -one.estimate.low, -one.estimate.saving, one.recommendation_id


def lower(level: Level, window: Window) -> Level:
    """A confidence as far as the days allow: what rests on less than two weeks is one level less sure."""
    return _LEVELS[max(_LEVELS.index(level) - (window.days < 2 * _WEEK), 0)]
