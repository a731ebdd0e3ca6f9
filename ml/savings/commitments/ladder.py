"""Spreading a purchase over several dates, so that not all of it expires at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from ml.savings.commitments.curve import Curve
from ml.savings.commitments.decision import SPEND_STEP, Decision
from ml.savings.commitments.usage import CommitmentSettings


@dataclass(frozen=True)
class Purchase:
    """One step: what is added to the commitment on a day, when it ends, and what that part saves in a month."""

    day: date
    committed: Decimal
    ends: date | None
    monthly_saving: Decimal


def ladder(decision: Decision, first: date, settings: CommitmentSettings) -> tuple[Purchase, ...]:
    """Parts of one size in whole steps, the first one a little larger. The first covers what is used most, so it saves most.

    Between two of them there is time to see whether use holds: what has fallen is not bought.
    """
    step = decision.offer.unit_price or SPEND_STEP
    whole = int((decision.committed / step).to_integral_value())
    count = min(settings.purchases, whole)
    part = whole // count * step
    sizes = [decision.committed - part * (count - 1), *[part] * (count - 1)]
    curve = Curve(one.slot for one in decision.open)
    month = Decimal(365 * 24) / 12 / curve.hours
    found: list[Purchase] = []
    reached = Decimal(0)
    for number, size in enumerate(sizes):
        day = first + timedelta(days=settings.days_between_purchases * number)
        saving = (curve.saving(reached + size) - curve.saving(reached)) * month
        found.append(Purchase(day, size, months_later(day, decision.offer.term_months), saving))
        reached += size
    return tuple(found)


def months_later(day: date, months: int | None) -> date | None:
    """The same day so many months later, the last one of the month where it has none."""
    if months is None:
        return None
    count = day.year * 12 + day.month - 1 + months
    following = date((count + 1) // 12, (count + 1) % 12 + 1, 1)
    return min(following - timedelta(days=1), date(count // 12, count % 12 + 1, 1) + timedelta(days=day.day - 1))


def forgone(purchases: Sequence[Purchase], settings: CommitmentSettings) -> Decimal:
    """What waiting for the later parts costs, once."""
    days = settings.days_between_purchases
    return sum((one.monthly_saving * 12 / 365 * days * n for n, one in enumerate(purchases)), Decimal(0))
