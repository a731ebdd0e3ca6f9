"""What a day is expected to cost, from the days before it: two ways, each for all series at once."""

from __future__ import annotations

import numpy as np

WEEKS = 8
"""How many weeks the shape of a week and the trend are read from."""
HISTORY = 7 * WEEKS
_TINY = 1e-12


def trend(history: np.ndarray, shape: np.ndarray) -> np.ndarray:
    """Robust growth a day, shape (series,). `shape`: weekday factors, the first of the day after the history."""
    recent = last_days(history, HISTORY)
    weekly = median_of((recent / np.tile(shape, WEEKS)).reshape(len(recent), WEEKS, 7), axis=2)
    slope = slope_of(weekly)
    # A trend that is not clear of the noise of the weeks is none.
    noise = median_of(np.abs(np.diff(weekly, axis=1) - slope[:, None]), axis=1)
    found: np.ndarray = np.sign(slope) * np.maximum(np.abs(slope) - 0.5 * np.nan_to_num(noise), 0.0) / 7.0
    return found


class Smoothing:
    """One-step forecasts by exponential smoothing with a damped trend, learnt day by day; of three paces the one that has erred least."""

    _PACES = np.array([0.1, 0.3, 0.6])
    _DAMPING, _TREND, _MEMORY = 0.9, 0.1, 0.95

    def __init__(self, series: int) -> None:
        self._level = np.full((series, 3), np.nan)
        self._trend = np.zeros((series, 3))
        self._error = np.zeros((series, 3))

    def ahead(self) -> np.ndarray:
        """What the next day costs where weekdays are alike, shape (series,)."""
        best = np.argmin(self._error, axis=1)[:, None]
        found: np.ndarray = np.take_along_axis(self._level + self._DAMPING * self._trend, best, axis=1)[:, 0]
        return found

    def learn(self, values: np.ndarray, room: np.ndarray) -> None:
        """Take in a day, weekdays levelled; what is not known changes nothing, and what is farther off than `room` counts as that."""
        now = values[:, None]
        known, fresh = ~np.isnan(now), np.isnan(self._level)
        ahead = self._level + self._DAMPING * self._trend
        miss = np.where(known & ~fresh, np.clip(now - ahead, -room[:, None], room[:, None]), 0.0)
        self._error = np.where(known & ~fresh, self._MEMORY * self._error + np.abs(miss), self._error)
        self._trend = np.where(known, self._DAMPING * self._trend + self._TREND * self._PACES * miss, self._trend)
        self._level = np.where(fresh, now, np.where(known, ahead + self._PACES * miss, self._level))

    def restart(self, rows: np.ndarray, level: np.ndarray) -> None:
        """Go on from a new level."""
        self._level[rows], self._trend[rows] = level[:, None], 0.0


def weekday_shape(recent: np.ndarray) -> np.ndarray:
    """How many times the mean of its week each weekday costs, shape (series, 7); the first is the weekday that comes next.

    A median over the weeks. 1 where it is not clear of the noise, and where a week has no positive mean.
    """
    weeks = recent.reshape(len(recent), -1, 7)
    mean = mean_of(weeks, axis=2)[:, :, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        ratio = np.where(mean > _TINY, weeks / mean, np.nan)
    shape = median_of(ratio, axis=1)
    noise = 1.4826 * median_of(np.abs(ratio - shape[:, None, :]), axis=1)
    count = np.sum(~np.isnan(ratio), axis=1)
    doubt = noise / np.sqrt(np.maximum(count, 1)) + np.where(count < 3, np.inf, 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        trust = np.clip(1.0 - (doubt / np.abs(shape - 1.0)) ** 2, 0.0, 1.0)
    shape = np.where(trust > 0, 1.0 + trust * (shape - 1.0), 1.0)
    bounded: np.ndarray = np.clip(np.nan_to_num(shape, nan=1.0), 0.25, 4.0)
    return bounded


def last_days(history: np.ndarray, days: int) -> np.ndarray:
    """The last days, not a number before the first."""
    missing = days - history.shape[1]
    if missing <= 0:
        return history[:, -days:]
    return np.concatenate([np.full((len(history), missing), np.nan), history], axis=1)


def slope_of(points: np.ndarray) -> np.ndarray:
    """The median slope between all pairs of points (Theil, Sen); 0 where there are less than three points."""
    one, other = np.triu_indices(points.shape[1], 1)
    slopes = (points[:, other] - points[:, one]) / (other - one)
    enough = np.sum(~np.isnan(points), axis=1) >= 3
    return np.where(enough, np.nan_to_num(median_of(slopes, axis=1)), 0.0)


def median_of(values: np.ndarray, axis: int) -> np.ndarray:
    """The median of what is known: NaN sorts last, which is much faster than nanmedian."""
    ordered = np.sort(values, axis=axis)
    count = np.sum(~np.isnan(values), axis=axis, keepdims=True)
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0), axis=axis)
    high = np.take_along_axis(ordered, np.minimum(count // 2, values.shape[axis] - 1), axis=axis)
    found: np.ndarray = np.squeeze(np.where(count > 0, (low + high) / 2.0, np.nan), axis=axis)
    return found


def mean_of(values: np.ndarray, axis: int) -> np.ndarray:
    count = np.sum(~np.isnan(values), axis=axis)
    found: np.ndarray = np.where(count > 0, np.nansum(values, axis=axis) / np.maximum(count, 1), np.nan)
    return found
