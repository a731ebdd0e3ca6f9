"""What holds all recommendations together: which of them count, so that no euro is saved twice and none that is not paid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Literal

from ml.savings.independent_set import best_set
from ml.savings.recommendation import Recommendation, ranked

State = Literal["open", "accepted", "dismissed", "done", "verified", "closed"]
Pot = tuple[str, str]
"""What at most one recommendation may save on: an exclusive group, or a resource."""

_DIGITS = 10
_UNIT = Decimal("0.0000000001")


@dataclass(frozen=True)
class Portfolio:
    """All recommendations, ranked. `totals`: what those that count save in a month, by currency; `bounds`: what no other set exceeds."""

    recommendations: tuple[Recommendation, ...]
    totals: Mapping[str, Decimal]
    bounds: Mapping[str, Decimal]


def portfolio(
    candidates: Sequence[Recommendation],
    commitments: Callable[[Sequence[Recommendation]], Iterable[Recommendation]],
    states: Mapping[str, State] | None = None,
) -> Portfolio:
    """The set with the largest saving in which none excludes another; commitments for what it leaves of the usage.

    `commitments`: asked with what was chosen of the others. `states`: of those that somebody decided on, by id. What is accepted
    comes first. What is dismissed never counts. What is done or verified saves already: neither it nor what excludes it counts,
    for both rest on days before the change. What a provider says is shown, and never counts. What saves from a later day on does
    not count yet. A guess, that is low confidence, never takes the place of what is known.
    """
    states = states or {}
    others = [one for one in candidates if one.is_ours and not one.is_commitment]
    shown = [one for one in candidates if not one.is_ours]
    chosen, bounds = _choose(others, states)
    bought = [one for one in commitments(chosen) if one.is_commitment]
    chosen_bought, more = _choose(bought, states)
    for currency, bound in more.items():
        bounds[currency] += bound
    counted = _counted([*chosen, *chosen_bought])
    found = {one.recommendation_id: one for one in (*others, *bought, *shown)}.values()
    totals: dict[str, Decimal] = defaultdict(Decimal)
    for one in found:
        totals[one.currency] += counted.get(one.recommendation_id, Decimal(0))
    return Portfolio(ranked(found, counted), dict(totals), dict(bounds))


def pots(one: Recommendation) -> frozenset[Pot]:
    """What it takes from."""
    return frozenset({("group", one.exclusive_group), *(("resource", resource) for resource, _ in one.acts_on)})


def _choose(
    candidates: Sequence[Recommendation], states: Mapping[str, State]
) -> tuple[list[Recommendation], dict[str, Decimal]]:
    """The set that counts, in an order of its own, and the bound of each currency."""
    taken: set[Pot] = set()
    for one in candidates:
        if states.get(one.recommendation_id) in ("done", "verified"):
            taken |= pots(one)
    chosen: list[Recommendation] = []
    bounds: dict[str, Decimal] = defaultdict(Decimal)
    # What saves from a later day on, such as the end of a commitment, is said, and is not in the total of today.
    left = {
        one.recommendation_id: one
        for one in candidates
        if states.get(one.recommendation_id) != "dismissed" and one.effective_from is None
    }
    for accepted, known, currency in _tiers(left.values()):
        tier = {
            key: one
            for key, one in left.items()
            if (not accepted or states.get(key) == "accepted")
            and (not known or one.confidence != "low")
            and one.currency == currency
            and not pots(one) & taken
        }
        best = best_set(
            {key: int(one.estimate.saving.scaleb(_DIGITS)) for key, one in tier.items()},
            {key: pots(one) for key, one in tier.items()},
        )
        bounds[currency] += Decimal(best.bound).scaleb(-_DIGITS)
        chosen += [tier[key] for key in sorted(best.chosen)]
        for key in best.chosen:
            taken |= pots(tier[key])
    return chosen, bounds


def _tiers(candidates: Iterable[Recommendation]) -> Iterable[tuple[bool, bool, str]]:
    """What is decided on one after the other: what is accepted, what is known, the rest; currencies do not compare."""
    currencies = sorted({one.currency for one in candidates})
    return [
        (accepted, known, currency)
        for accepted, known in ((True, False), (False, True), (False, False))
        for currency in currencies
    ]


def _counted(chosen: Sequence[Recommendation]) -> dict[str, Decimal]:
    """What each counts, by id: its saving, as far as what it acts on still costs so much after those before it.

    Where none has a resource in common with another this is the saving itself. A commitment has: it is worked out for what is left
    of the cost, and should it have been worked out for more, the rest is not counted.
    """
    room: dict[Pot, Decimal] = {}
    for one in chosen:
        for pot, cost in _costs(one):
            room[pot] = max(room.get(pot, Decimal(0)), cost)
    counted = {}
    with localcontext(prec=60):
        for one in chosen:
            own = [pot for pot, _ in _costs(one)]
            left = sum((room[pot] for pot in own), Decimal(0))
            saved = min(one.estimate.saving, one.estimate.cost, left.quantize(_UNIT, ROUND_DOWN))
            counted[one.recommendation_id] = saved
            for pot in own:
                room[pot] -= saved * room[pot] / left if left else Decimal(0)
    return counted


def _costs(one: Recommendation) -> list[tuple[Pot, Decimal]]:
    """What it takes from, with what that costs in a month. Advice that names no resource takes from its group."""
    if not one.acts_on:
        return [(("group", one.exclusive_group), one.estimate.cost)]
    return [(("resource", resource), cost) for resource, cost in dict(one.acts_on).items()]
