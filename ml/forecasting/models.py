"""The models that compete for a series, behind one interface: fitted once, then moved along the series.

A fitted model forecasts from the end of whatever values it is given. Those may go on after the values that it was fitted on: its
parameters stay, its state is what the values lead to. Twenty origins of a backtest so cost little more than one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Protocol

import numpy as np

from ml.forecasting.settings import Event

_LONGEST = 1_000
"""Values that exponential smoothing learns from: it forgets what is older, and its cost grows with the length."""
_LONGEST_SEASON = 24
"""What exponential smoothing can hold as a state for each step of the season."""
_WEEK, _YEAR = 7, 365.25
TWO_YEARS = 104 * _WEEK
"""Days before a season of the year can be told from a trend."""
_WAVES = 6
"""Harmonics of the year: details of a month or two."""
_HALF_LIFE = 4.0
"""Years after which a season of the year counts half."""


@dataclass(frozen=True, eq=False)
class History:
    """What a model may know: values without gaps, the first on the day `first`, `step` days apart."""

    values: np.ndarray
    first: date
    step: int = 1
    season: int = 7
    """Steps after which the series is expected to be as it was; 1: it has no such season."""
    events: tuple[Event, ...] = ()

    def until(self, length: int) -> History:
        return replace(self, values=self.values[:length])

    def day(self, index: int) -> date:
        return self.first + timedelta(days=self.step * index)


Fitted = Callable[[np.ndarray, int], np.ndarray]
"""Values so far and a horizon to the forecast of so many values after them."""


class Model(Protocol):
    """A way to forecast. Raises whatever it likes where it cannot: it then has no part in the series."""

    def __call__(self, history: History) -> Fitted: ...


def seasonal_naive(history: History) -> Fitted:
    """As it was a season ago."""
    season = history.season

    def forecast(values: np.ndarray, horizon: int) -> np.ndarray:
        return np.resize(values[-season:], horizon)

    return forecast


def auto_ets(history: History) -> Fitted:
    """Exponential smoothing; errors, trend and season as the corrected Akaike criterion has it."""
    from statsforecast.models import AutoETS

    season = history.season if history.season <= _LONGEST_SEASON else 1
    return _moved(AutoETS(season_length=season), history.values)


def auto_theta(history: History) -> Fitted:
    """The best of four theta models, which are drift and smoothing in one, on the seasonally adjusted series."""
    from statsforecast.models import AutoTheta

    return _moved(AutoTheta(season_length=history.season), history.values)


def yearly_ets(history: History) -> Fitted:
    """Exponential smoothing on values without their season of the year, which no state of it could hold, and that season again."""
    log = bool(history.values.min() > 0.0)
    season = _season_of_the_year(history, log=log)
    fitted = auto_ets(replace(history, values=_without(history.values, season(0, len(history.values)), log=log)))

    def forecast(values: np.ndarray, horizon: int) -> np.ndarray:
        ahead = fitted(_without(values, season(0, len(values)), log=log), horizon)
        return _without(ahead, -season(len(values), horizon), log=log)

    return forecast


def _without(values: np.ndarray, season: np.ndarray, *, log: bool) -> np.ndarray:
    return np.asarray(values * np.exp(-season) if log else values - season)


def _season_of_the_year(history: History, *, log: bool) -> Callable[[int, int], np.ndarray]:
    """A smooth season of the year, as a function of the first step and the number of steps; of logarithms, where these can be had.

    Changes from week to week are explained by those of sines and cosines: changes, as the level wanders, and weeks, as the day of the
    week is no matter of the year. What is long ago counts less.
    """
    week = max(_WEEK // history.step, 1)
    weeks = len(history.values) // week
    first = len(history.values) - weeks * week
    means = history.values[first:].reshape(weeks, week).mean(axis=1)
    level = np.log(means) if log else means
    middles = first + week * np.arange(weeks) + (week - 1) / 2

    def waves(steps: np.ndarray) -> np.ndarray:
        angles = 2 * np.pi * np.outer(steps * history.step / _YEAR, np.arange(1, _WAVES + 1))
        return np.hstack([np.sin(angles), np.cos(angles)])

    changes = np.diff(level)
    weights = 0.5 ** (np.arange(weeks - 1)[::-1] * _WEEK / (_HALF_LIFE * _YEAR))[:, None]
    design = np.diff(waves(middles), axis=0) * weights
    factors = np.linalg.lstsq(design, (changes - changes.mean()) * weights[:, 0], rcond=None)[0]
    return lambda start, count: np.asarray(waves(np.arange(start, start + count)) @ factors)


class _Movable(Protocol):
    def fit(self, y: np.ndarray) -> _Movable: ...
    def forward(self, *, y: np.ndarray, h: int) -> dict[str, np.ndarray]: ...


def _moved(model: _Movable, values: np.ndarray) -> Fitted:
    """A model of statsforecast, in units of the series: its optimiser has absolute tolerances."""
    unit = float(np.mean(np.abs(values[-_LONGEST:]))) or 1.0
    model.fit(values[-_LONGEST:] / unit)

    def forecast(values: np.ndarray, horizon: int) -> np.ndarray:
        found: np.ndarray = model.forward(y=values[-_LONGEST:] / unit, h=horizon)["mean"] * unit
        if not np.all(np.isfinite(found)):
            raise ArithmeticError("the forecast is not finite")
        return found

    return forecast


def median_of(forecasts: list[np.ndarray]) -> np.ndarray:
    """Of several forecasts the one in the middle, value by value."""
    found: np.ndarray = np.median(np.stack(forecasts), axis=0)
    return found
