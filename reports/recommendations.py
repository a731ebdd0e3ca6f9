"""What to change first: the recommendations that count, what is no more than a guess last."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reports.queries import Row

SHOWN = 10

# One row per recommendation that counts and saves something, as of a day of the month.
RECOMMENDATIONS = """
select
    current, proposed, change, reason, team, currency, monthly_cost, monthly_saving, monthly_saving_low, monthly_saving_high,
    one_off_cost, effort, risk, risk_reason, confidence, confidence_reason, as_of
from finops.recommendations
where is_counted and monthly_saving > 0 and date_trunc('month', as_of) = %(period)s
order by overall_rank
"""


@dataclass(frozen=True)
class SavingLine:
    """A recommendation in words, and what it would save in a month."""

    change: str
    current: str
    reason: str
    team: str
    currency: str
    cost: Decimal
    saving: Decimal
    low: Decimal
    high: Decimal
    one_off: Decimal
    effort: str
    risk: str
    risk_reason: str
    confidence: str
    confidence_reason: str


@dataclass(frozen=True)
class Savings:
    """The first recommendations, how many others there are, and what all of them together would save; `as_of`: None without any."""

    lines: tuple[SavingLine, ...] = ()
    others: int = 0
    other_saving: Decimal = Decimal(0)
    total: Decimal = Decimal(0)
    currency: str = ""
    as_of: date | None = None


def savings_of(rows: Sequence[Row]) -> Savings:
    """The recommendations of a month; all are in one currency, that of the prices."""
    if not rows:
        return Savings()
    lines = tuple(_line(row) for row in rows[:SHOWN])
    return Savings(
        lines=lines,
        others=len(rows) - len(lines),
        other_saving=_sum(rows[SHOWN:]),
        total=_sum(rows),
        currency=rows[0]["currency"],
        as_of=rows[0]["as_of"],
    )


def _line(row: Row) -> SavingLine:
    return SavingLine(
        change=row["change"],
        current=row["current"],
        reason=row["reason"],
        team=row["team"] or "",
        currency=row["currency"],
        cost=row["monthly_cost"],
        saving=row["monthly_saving"],
        low=row["monthly_saving_low"],
        high=row["monthly_saving_high"],
        one_off=row["one_off_cost"],
        effort=row["effort"],
        risk=row["risk"],
        risk_reason=row["risk_reason"],
        confidence=row["confidence"],
        confidence_reason=row["confidence_reason"],
    )


def _sum(rows: Iterable[Row]) -> Decimal:
    return sum((row["monthly_saving"] for row in rows), Decimal(0))
