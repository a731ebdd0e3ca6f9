"""Many series side by side, so that a day of all of them is worked on at once."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np

from ml.series import Key

Day = tuple[date, Decimal, bool]
"""A day of a series: what of its cost follows a curve, and whether the day was delivered in full."""


@dataclass(frozen=True, eq=False)
class Panel:
    """`values`: shape (series, days), costs that follow a curve; not a number where a day is not known."""

    keys: tuple[Key, ...]
    first: date
    values: np.ndarray
    rates: Mapping[str, float] = field(default_factory=dict)
    """Currency -> its worth in any common currency."""
    refused: Mapping[Key, str] = field(default_factory=dict)
    """Series that cannot be used, and why. They stop no other."""

    @property
    def days(self) -> np.ndarray:
        """The days as datetime64[D]."""
        days: np.ndarray = np.datetime64(self.first, "D") + np.arange(self.values.shape[1])
        return days

    def scale(self) -> np.ndarray:
        """What all that is paid comes to in the currency of each series, by day; not a number where no total says it."""
        totals = [(key.currency, self.values[row]) for row, key in enumerate(self.keys) if key.dimension == "total"]
        nothing = np.full(self.values.shape[1], np.nan)
        scales: dict[str, np.ndarray] = {}
        for currency in {key.currency for key in self.keys}:
            # Without a rate, amounts of another currency are not known in this one.
            known = [
                values * (1.0 if other == currency else self.rates[other] / self.rates[currency])
                for other, values in totals
                if other == currency or (other in self.rates and currency in self.rates)
            ]
            scales[currency] = np.nansum(known, axis=0) if known else nothing
        return np.array([scales[key.currency] for key in self.keys]).reshape(self.values.shape)


def panel_of(series: Mapping[Key, Sequence[Day]], rates: Mapping[str, float] | None = None) -> Panel:
    """The series in the order of their keys.

    A day without a row cost nothing, where the total of the currency has the day in full; else it is not known. So what is new has cost nothing
    before, and a day that nobody delivered is no fall. Without a total, days between a series' own first and last are zero.
    """
    refused = {key: reason for key, rows in series.items() if (reason := _wrong(rows))}
    kept = sorted(key for key, rows in series.items() if rows and key not in refused)
    if not kept:
        return Panel((), date(1970, 1, 1), np.zeros((0, 0)), rates or {}, refused)
    first = min(day for key in kept for day, _, _ in series[key])
    length = (max(day for key in kept for day, _, _ in series[key]) - first).days + 1
    delivered: dict[str, np.ndarray] = {}
    for key in kept:
        if key.dimension == "total":
            whole = np.zeros(length, bool)
            whole[[(day - first).days for day, _, complete in series[key] if complete]] = True
            delivered[key.currency] = whole
    values = np.full((len(kept), length), np.nan)
    for row, key in enumerate(kept):
        places = [(day - first).days for day, _, _ in series[key]]
        if key.currency in delivered:
            values[row, delivered[key.currency]] = 0.0
        else:
            values[row, min(places) : max(places) + 1] = 0.0
        values[row, places] = [float(cost) if complete else np.nan for _, cost, complete in series[key]]
    return Panel(tuple(kept), first, values, rates or {}, refused)


def _wrong(rows: Sequence[Day]) -> str | None:
    days = [day for day, _, _ in rows]
    if len(set(days)) < len(days):
        twice = next(day for number, day in enumerate(sorted(days)) if sorted(days)[number - 1] == day)
        return f"{twice} is there twice. Add its rows up first: a series has one row a day."
    bad = next((day for day, cost, _ in rows if not math.isfinite(cost)), None)
    return f"what {bad} cost is not an amount. Leave the row out where nothing was charged." if bad else None
