"""How much to buy of one offer: the least expected cost, as far as the stated risk allows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_CEILING, Decimal

from ml.savings.commitments.curve import Curve, Layer, Slot
from ml.savings.commitments.outlook import Outlook, outlook
from ml.savings.commitments.usage import CommitmentSettings, Hours, Offer

SPEND_STEP = Decimal("0.001")
"""Providers sell savings plans in thousandths of a unit of money an hour."""
FALLS = (Decimal("0.1"), Decimal("0.2"), Decimal("0.3"))
_WEEK_HOURS = 7 * 24
_YEAR_HOURS = 365 * 24
_MONTH_HOURS = Decimal(_YEAR_HOURS) / 12


@dataclass(frozen=True)
class Open:
    """Usage of so many hours that an offer could take over. `taken`: what commitments that there are cover of the same products.

    When use falls, what is covered last falls away first: that is what is still on demand.
    """

    slot: Slot
    taken: Decimal = Decimal(0)

    def times(self, factor: Decimal) -> Slot:
        """What would be left on demand with so many times all use."""
        now = self.slot.on_demand
        if not now:
            return self.slot
        then = max(now + (factor - 1) * (now + self.taken), Decimal(0))
        return self.slot.scaled(then / now)


@dataclass(frozen=True)
class Regret:
    """What a commitment saves in a month where use has fallen by a share, and what it costs over the best one for that use."""

    fall: Decimal
    saving: Decimal
    regret: Decimal


@dataclass(frozen=True)
class Decision:
    """A commitment, in money an hour, and what it does. Amounts are those of an average month, shares those of the window."""

    offer: Offer
    committed: Decimal
    optimum: Decimal
    open: tuple[Open, ...]
    outlook: Outlook
    expected_saving: Decimal
    worst_saving: Decimal
    coverage_now: Decimal
    coverage_after: Decimal
    utilisation: Decimal
    break_even_month: int | None
    regrets: tuple[Regret, ...]
    curve: tuple[tuple[Decimal, Decimal], ...]

    @property
    def units(self) -> int | None:
        """How many hours of the product at a time, where it is a reservation."""
        return None if self.offer.unit_price is None else int(self.committed / self.offer.unit_price)


def open_usage(hours: Iterable[Hours], offer: Offer) -> list[Open]:
    """What an offer has a price for in each hour."""
    return [
        Open(
            Slot(one.count, tuple(Layer(offer.ratios[sku], cost) for sku, cost in one.uncovered.items() if sku in offer.ratios)),
            sum((cost for (_, sku), cost in one.covered.items() if sku in offer.ratios), Decimal(0)),
        )
        for one in hours
    ]  # fmt: skip


def decide(hours: Sequence[Hours], offer: Offer, settings: CommitmentSettings) -> Decision | None:
    """The commitment with the least expected cost; None where none is worth it at the stated risk."""
    return decide_open(open_usage(hours, offer), offer, settings)


def decide_open(usage: Sequence[Open], offer: Offer, settings: CommitmentSettings) -> Decision | None:
    # Where the term is not known, the risk is that of the longest that may be bought.
    term_hours = (offer.term_months or max(settings.terms_months)) * float(_MONTH_HOURS)
    seen, block_hours = levels(usage)
    unseen = float(settings.unseen_change_per_year) * (block_hours / _YEAR_HOURS) ** 0.5
    view = outlook(seen, term_hours / block_hours, float(settings.risk), unseen)
    expected = Curve(one.times(factor) for factor in view.expected for one in usage)
    worst = Curve(one.times(view.worst) for one in usage)
    now = Curve(one.slot for one in usage)
    step = offer.unit_price or SPEND_STEP
    limit = min(worst.break_even(), _within_coverage(usage, settings.maximum_coverage, now))
    committed = expected.optimum(step=step, limit=limit)
    if committed <= 0:
        return None
    month = _MONTH_HOURS / now.hours
    in_use = _sum(one.slot.hours * (one.slot.on_demand + one.taken) for one in usage)
    taken = _sum(one.slot.hours * one.taken for one in usage)
    covered = _sum(one.slot.hours * one.slot.covered(committed) for one in usage)
    used = now.hours * committed - _sum(one.slot.hours * _idle(one.slot, committed) for one in usage)
    optimum = now.optimum(step=step)
    decision = Decision(
        offer=offer,
        committed=committed,
        optimum=optimum,
        open=tuple(usage),
        outlook=view,
        expected_saving=expected.saving(committed) / len(view.expected) * month,
        worst_saving=worst.saving(committed) * month,
        coverage_now=taken / in_use if in_use else Decimal(0),
        coverage_after=(taken + covered) / in_use if in_use else Decimal(0),
        utilisation=used / (now.hours * committed),
        break_even_month=break_even_month(offer, committed * now.hours, covered),
        regrets=tuple(regret(usage, committed, fall, step) for fall in FALLS),
        curve=around(now, committed, step, month),
    )
    return decision if decision.expected_saving > 0 else None


def levels(usage: Sequence[Open]) -> tuple[list[float], int]:
    """Mean use of each whole week, the oldest first, and the hours of one; of days where there are less than four weeks."""
    total = sum(one.slot.hours for one in usage)
    length = _WEEK_HOURS if total >= 4 * _WEEK_HOURS else 24
    blocks: list[Decimal] = []
    filled, amount = 0, Decimal(0)
    # From the newest on, so that what does not fill a week is left out of the oldest.
    for one in reversed(usage):
        filled += one.slot.hours
        amount += one.slot.hours * (one.slot.on_demand + one.taken)
        if filled >= length:
            blocks.append(amount / filled)
            filled, amount = 0, Decimal(0)
    return [float(level) for level in reversed(blocks)], length


def break_even_month(offer: Offer, committed: Decimal, covered: Decimal) -> int | None:
    """The month after which all that is committed has been saved on demand: from then on it pays even if use ends."""
    if offer.term_months is None or not covered:
        return None
    return int((offer.term_months * committed / covered).to_integral_value(ROUND_CEILING))


def regret(usage: Sequence[Open], committed: Decimal, fall: Decimal, step: Decimal) -> Regret:
    curve = Curve(one.times(1 - fall) for one in usage)
    month = _MONTH_HOURS / curve.hours
    best = curve.cost(curve.optimum(step=step))
    return Regret(fall, curve.saving(committed) * month, (curve.cost(committed) - best) * month)


def around(curve: Curve, committed: Decimal, step: Decimal, month: Decimal) -> tuple[tuple[Decimal, Decimal], ...]:
    """Commitments around the one chosen, and what each costs in a month with all on demand."""
    shares = (
        Decimal(0),
        Decimal("0.5"),
        Decimal("0.8"),
        Decimal("0.9"),
        Decimal(1),
        Decimal("1.1"),
        Decimal("1.2"),
        Decimal("1.5"),
    )
    points = sorted({committed * share // step * step for share in shares})
    return tuple((point, curve.cost(point) * month) for point in points)


def left_over(hours: Hours, offer: Offer, committed: Decimal, commitment_id: str) -> Hours:
    """The hours once a commitment has taken its part: what it covers is no longer there for another."""
    left, uncovered, covered = committed, dict(hours.uncovered), dict(hours.covered)
    for sku in sorted((sku for sku in uncovered if sku in offer.ratios), key=lambda sku: (offer.ratios[sku], sku)):
        layer = Layer(offer.ratios[sku], uncovered[sku])
        part = Slot(1, (layer,)).covered(left)
        left = max(left - layer.committed, Decimal(0))
        uncovered[sku] -= part
        covered[commitment_id, sku] = covered.get((commitment_id, sku), Decimal(0)) + part
    return replace(hours, uncovered=uncovered, covered=covered)


def _within_coverage(usage: Sequence[Open], most: Decimal, curve: Curve) -> Decimal:
    """The largest breakpoint at which no more than a share of all use is covered."""
    points = curve.breakpoints
    if most >= 1:
        return points[-1]
    allowed = most * _sum(one.slot.hours * (one.slot.on_demand + one.taken) for one in usage)
    allowed -= _sum(one.slot.hours * one.taken for one in usage)
    low, high = 0, len(points) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if _sum(one.slot.hours * one.slot.covered(points[middle]) for one in usage) <= allowed:
            low = middle
        else:
            high = middle - 1
    return points[low]


def _idle(slot: Slot, committed: Decimal) -> Decimal:
    """What of an hour's commitment is not used."""
    return max(committed - _sum(layer.committed for layer in slot.layers), Decimal(0))


def _sum(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, Decimal(0))
