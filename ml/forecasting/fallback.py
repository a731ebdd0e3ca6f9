"""Series that no model can learn from: new, short, sparse, constant and ended ones, each with a forecast and a reason."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.forecasting.bands import CERTAIN, LEVELS, Spread

_LOOKED_AT = 91
"""Values that tell whether a series is sparse, and what it then costs: thirteen weeks."""
_ABSURD = 10.0
_MOST_ABSURD = 3


@dataclass(frozen=True, eq=False)
class Fallback:
    """A forecast without a model: one value for each step of a season, beginning with the step after the history."""

    name: str
    reason: str
    values: np.ndarray
    spread: Spread

    def forecast(self, horizon: int) -> np.ndarray:
        return np.resize(self.values, horizon)


def fallback(values: np.ndarray, season: int) -> Fallback | None:
    """What stands in for a model where the history is of no use to one, else None."""
    length = len(values)
    if not values.any():
        return Fallback("zero", "nothing was charged yet", np.zeros(1), CERTAIN)
    quiet = length - 1 - int(np.flatnonzero(values)[-1])
    if quiet >= 2 * season and quiet > 2 * _longest_gap(values[: length - quiet]):
        return Fallback("zero", f"ended: nothing was charged in the last {quiet} steps", np.zeros(1), CERTAIN)
    if length < 2 * season:
        return Fallback("mean", f"new: {length} complete steps", *_mean(values[-season:], length))
    if values[-1] and np.ptp(values[-2 * season :]) <= 1e-9 * np.abs(values[-2 * season :]).max():
        return Fallback("last_value", f"constant for {2 * season} steps or more", values[-1:], CERTAIN)
    recent = values[-_LOOKED_AT:]
    if np.count_nonzero(recent) < len(recent) / 2:
        words = f"sparse: something was charged in {np.count_nonzero(recent)} of the last {len(recent)} steps"
        return Fallback("mean", words, *_mean(recent, len(recent)))
    return None


def short(values: np.ndarray, season: int) -> Fallback:
    """For a history that leaves no room for backtests: the mean of each step of the season."""
    means = np.array([values[place::season].mean() for place in range(season)])
    errors = values - np.resize(means, len(values))
    ahead = np.roll(means, -(len(values) % season))
    return Fallback(
        "seasonal_mean", f"short: {len(values)} complete steps", ahead, _spread(errors, len(values) - season)
    )


def tamed(values: np.ndarray, season: int) -> np.ndarray:
    """Values without the absurd: a day ten times as large as any other is a mistake or will not come again.

    It stands alone: its neighbours belong to it. What recurs, or stays, is no mistake. In its place comes what was a season before.
    """
    found = values.copy()
    for _ in range(min(_MOST_ABSURD, len(values) // 10)):
        at = int(np.argmax(np.abs(found)))
        others = np.delete(found, range(max(at - 1, 0), min(at + 2, len(found))))
        largest = np.abs(others).max(initial=0.0)
        if not 0.0 < _ABSURD * largest < abs(found[at]):
            break
        for near in range(max(at - 1, 0), min(at + 2, len(found))):
            if abs(found[near]) > largest:
                found[near] = found[near - season] if near >= season else np.median(others)
    return found


def _longest_gap(values: np.ndarray) -> int:
    """The most zeros in a row between two values that are none."""
    return int(np.diff(np.flatnonzero(values)).max(initial=1)) - 1


def _mean(values: np.ndarray, length: int) -> tuple[np.ndarray, Spread]:
    mean = values.mean()
    # One value says nothing about how much others differ from it: as much as it is large.
    errors = values - mean if len(values) > 1 else values
    return np.array([mean]), _spread(errors, max(length - 1, 1))


def _spread(errors: np.ndarray, freedom: int) -> Spread:
    """Errors that were independent, about a mean that is less certain the fewer they are, and may drift as far in as many steps."""
    from scipy.stats import t as student

    noise = float((errors**2).sum()) / freedom
    level = drift = noise / len(errors)
    deviations = {band: float(student.ppf((1 + band / 100) / 2, freedom)) for band in LEVELS}
    return Spread(noise, level, drift, 0.0, noise, deviations, deviations)
