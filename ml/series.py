"""Daily series of money, as forecasts and anomalies take them: cleaned, without gaps, known by their content."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

PARTS = ("curve", "scheduled", "irregular")
"""What a day's cost is made of: usage that follows a curve, what has a schedule, and credits, refunds and corrections."""
_ONE_DAY = timedelta(days=1)


class SeriesError(ValueError):
    """A series that cannot be used: which, where, and what to do. It stops no other series."""


@dataclass(frozen=True, order=True)
class Key:
    """Which series: a value of a dimension, in a currency."""

    dimension: str
    value: str
    currency: str

    def __str__(self) -> str:
        return f"{self.dimension} {self.value!r} in {self.currency}"


@dataclass(frozen=True, eq=False)
class Series:
    """A value for each day from `first` on, the last being complete; not a number where a day is unknown.

    Unknown is a day that was not delivered in full. A day that was, and on which nothing was charged, is zero.
    """

    key: Key
    first: date
    curve: np.ndarray
    scheduled: np.ndarray
    irregular: np.ndarray
    digest: str
    """Of the content alone: the same days and amounts have the same digest, whatever the series is called."""

    def __len__(self) -> int:
        return len(self.curve)

    @property
    def last(self) -> date:
        return self.first + timedelta(days=len(self) - 1)

    @property
    def days(self) -> np.ndarray:
        """The days as datetime64[D]."""
        days: np.ndarray = np.datetime64(self.first, "D") + np.arange(len(self))
        return days

    @property
    def cost(self) -> np.ndarray:
        total: np.ndarray = self.curve + self.scheduled + self.irregular
        return total


def clean(key: Key, frame: pd.DataFrame, *, through: date | None = None, unknown: Collection[date] = ()) -> Series:
    """A series from rows of date, curve, scheduled, irregular and is_complete, in any order.

    Incomplete days at either end are cut off, and unknown between complete ones. A day without a row is zero, save
    where it is in `unknown` (the days on which something of the whole is missing). `through` is the last day that was
    delivered: a series whose rows end before has cost nothing since.
    """
    rows = _rows(key, frame)
    complete = [day for day, (_, is_complete) in rows.items() if is_complete]
    if not complete:
        raise SeriesError(f"{key}: no complete day. It is forecast once a day has been delivered in full.")
    first, last = min(complete), max(complete)
    if through is not None and through > last and not any(last < day <= through for day in rows):
        last = through
    days = [first + _ONE_DAY * number for number in range((last - first).days + 1)]
    missing = set(unknown)
    values = np.zeros((len(PARTS), len(days)))
    told = hashlib.sha256(first.isoformat().encode())
    for place, day in enumerate(days):
        amounts, is_complete = rows.get(day, ((Decimal(0),) * len(PARTS), day not in missing))
        values[:, place] = [float(amount) for amount in amounts] if is_complete else np.nan
        told.update(";".join(_text(amount) for amount in amounts).encode() if is_complete else b"?")
        told.update(b"\n")
    curve, scheduled, irregular = values
    return Series(key, first, curve, scheduled, irregular, told.hexdigest())


def _rows(key: Key, frame: pd.DataFrame) -> dict[date, tuple[tuple[Decimal, ...], bool]]:
    """The amounts of each day, and whether it is complete."""
    lacking = {"date", *PARTS, "is_complete"} - set(frame.columns)
    if lacking:
        raise SeriesError(f"{key}: no column {', '.join(sorted(lacking))}. A series has date, {', '.join(PARTS)}.")
    rows: dict[date, tuple[tuple[Decimal, ...], bool]] = {}
    for day, *amounts, is_complete in zip(*(frame[name] for name in ("date", *PARTS, "is_complete")), strict=True):
        at = day.date() if hasattr(day, "date") else day
        if at in rows:
            raise SeriesError(f"{key}: {at} is there twice. Add its rows up first: a series has one row a day.")
        found = tuple(_amount(key, at, amount) for amount in amounts)
        rows[at] = found, bool(is_complete)
    return rows


def _amount(key: Key, day: date, amount: object) -> Decimal:
    exact = amount if isinstance(amount, Decimal) else Decimal(str(amount)) if amount is not None else Decimal("nan")
    if not exact.is_finite():
        raise SeriesError(f"{key}: {amount} on {day} is not an amount. Leave the row out where nothing was charged.")
    return exact


def _text(amount: Decimal) -> str:
    """The shortest text of an amount: 1.50 is 1.5, and zero has no sign."""
    return f"{amount.normalize():f}" if amount else "0"
