"""What to change first: the recommendations that count, what is no more than a guess last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reports.queries import Row

SHOWN = 10

# One row per recommendation that counts and saves something, as of a day of the month.
RECOMMENDATIONS = """
select
    resource_id, current, proposed, change, reason, team, currency, monthly_cost, counted_saving, monthly_saving_low,
    monthly_saving_high, one_off_cost, effort, risk, risk_reason, confidence, confidence_reason, as_of
from finops.recommendations
where is_counted and counted_saving > 0 and date_trunc('month', as_of) = %(period)s
order by overall_rank
"""

# One row per kind of saving and currency: what was promised of changes that are done, and what the bill says came of it.
CALIBRATION = """
select kind, currency, changes, changes_in_band, predicted_monthly_saving, realised_monthly_saving
from finops.savings_calibration
order by currency, kind
"""


@dataclass(frozen=True)
class CalibrationLine:
    """Changes of a kind that are done and on the bill for two weeks."""

    kind: str
    currency: str
    changes: int
    in_band: int
    promised: Decimal
    realised: Decimal


@dataclass(frozen=True)
class SavingLine:
    """A recommendation in words, and what it would save in a month. `resource`: empty where the words name it already."""

    change: str
    resource: str
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
class SavingTotal:
    """What all that count would save in a currency. `others`: how many are not shown, and what they save."""

    currency: str
    saving: Decimal
    low: Decimal
    high: Decimal
    others: int
    other_saving: Decimal


@dataclass(frozen=True)
class Savings:
    """The first recommendations, and what all of them together would save; `as_of`: None without any."""

    lines: tuple[SavingLine, ...] = ()
    totals: tuple[SavingTotal, ...] = ()
    kept: tuple[CalibrationLine, ...] = ()
    as_of: date | None = None


def savings_of(rows: Sequence[Row], calibration: Sequence[Row] = ()) -> Savings:
    """The recommendations of a month. Currencies are not added up."""
    if not rows:
        return Savings()
    currencies = sorted({row["currency"] for row in rows})
    return Savings(
        lines=tuple(_line(row) for row in rows[:SHOWN]),
        totals=tuple(_total(currency, rows) for currency in currencies),
        kept=tuple(_kept(row) for row in calibration),
        as_of=max(row["as_of"] for row in rows),
    )


def _kept(row: Row) -> CalibrationLine:
    return CalibrationLine(
        kind=row["kind"].replace("_", " "),
        currency=row["currency"],
        changes=row["changes"],
        in_band=row["changes_in_band"],
        promised=row["predicted_monthly_saving"],
        realised=row["realised_monthly_saving"],
    )


def _total(currency: str, rows: Sequence[Row]) -> SavingTotal:
    own = [row for row in rows if row["currency"] == currency]
    others = [row for row in rows[SHOWN:] if row["currency"] == currency]
    return SavingTotal(
        currency=currency,
        saving=_sum(own),
        low=sum((min(row["monthly_saving_low"], row["counted_saving"]) for row in own), Decimal(0)),
        high=_sum(own, "monthly_saving_high"),
        others=len(others),
        other_saving=_sum(others),
    )


def _line(row: Row) -> SavingLine:
    resource = row["resource_id"] or ""
    named = resource in f"{row['change']} {row['current']}"
    return SavingLine(
        change=row["change"],
        resource="" if named else resource,
        current=row["current"],
        reason=row["reason"],
        team=row["team"] or "",
        currency=row["currency"],
        cost=row["monthly_cost"],
        saving=row["counted_saving"],
        low=min(row["monthly_saving_low"], row["counted_saving"]),
        high=row["monthly_saving_high"],
        one_off=row["one_off_cost"],
        effort=row["effort"],
        risk=row["risk"],
        risk_reason=row["risk_reason"],
        confidence=row["confidence"],
        confidence_reason=row["confidence_reason"],
    )


def _sum(rows: Sequence[Row], column: str = "counted_saving") -> Decimal:
    return sum((row[column] for row in rows), Decimal(0))
