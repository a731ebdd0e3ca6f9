"""Many series side by side, so that a day of all of them is worked on at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np

from ml.series import Key, Series


@dataclass(frozen=True, eq=False)
class Panel:
    """`values`: shape (series, days), the part of the costs that follows a curve; not a number before a series begins, where a day is not
    known and after the last complete day."""

    keys: tuple[Key, ...]
    first: date
    values: np.ndarray
    rates: Mapping[str, float] = field(default_factory=dict)
    """Currency -> its worth in any common currency."""

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


def panel_of(series: Sequence[Series]) -> Panel:
    """The series in the order of their keys."""
    ordered = sorted(series, key=lambda one: one.key)
    if not ordered:
        return Panel((), date(1970, 1, 1), np.zeros((0, 0)))
    first, last = min(one.first for one in ordered), max(one.last for one in ordered)
    values = np.full((len(ordered), (last - first).days + 1), np.nan)
    for row, one in enumerate(ordered):
        begin = (one.first - first).days
        values[row, begin : begin + len(one)] = one.curve
    return Panel(tuple(one.key for one in ordered), first, values)
