"""Fees of a day of the month: what comes on the same day again is none of an incident."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from ml.anomalies import views

_MONTHS, _AROUND = 2, 7
_CLEAR_ONCE, _CLEAR_TWICE = 6.0, 3.0
"""How many usual moves beyond the days around it a fee has to be: the same twice is a habit sooner than once."""


def fees(values: np.ndarray, dates: list[date]) -> np.ndarray:
    """What each day costs because of the day of the month that it is, from the last months alone, shape (series, days)."""
    found = np.zeros_like(values)
    places = {day: number for number, day in enumerate(dates)}
    for number, day in enumerate(dates):
        seen = [_excess(values, places[former], number) for former in _same_day(day) if former in places]
        if seen:
            clear = _CLEAR_TWICE if len(seen) == _MONTHS else _CLEAR_ONCE
            is_fee = np.all([excess > np.maximum(clear * noise, 1e-9) for excess, noise in seen], axis=0)
            found[:, number] = np.where(is_fee, np.mean([excess for excess, _ in seen], axis=0), 0.0)
    return found


def _same_day(day: date) -> list[date]:
    """The same day of the months before; none where a month is too short."""
    found, first = [], day.replace(day=1)
    for _ in range(_MONTHS):
        first = (first - timedelta(days=1)).replace(day=1)
        same = first + timedelta(days=day.day - 1)
        if same.month != first.month:
            break
        found.append(same)
    return found


def _excess(values: np.ndarray, at: int, now: int) -> tuple[np.ndarray, np.ndarray]:
    """How far a day is above the days around it, and how far these usually are; of days before `now` alone."""
    around = np.r_[max(0, at - _AROUND) : at, at + 1 : min(at + _AROUND + 1, now)]
    middle = views.median_of(values[:, around], axis=1)
    return values[:, at] - middle, views.median_of(np.abs(values[:, around] - middle[:, None]), axis=1)
