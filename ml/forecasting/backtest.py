"""Rolling-origin backtests: what each model would have forecast from days in the past, and how far off it would have been."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ml.forecasting.models import TWO_YEARS, History, Model, auto_ets, auto_theta, median_of, seasonal_naive, yearly_ets

NAIVE, ETS, THETA, YEARLY = "seasonal_naive", "auto_ets", "auto_theta", "yearly_ets"
MEDIAN, PROPHET = "median", "prophet"
_MOVED: Mapping[str, Model] = {NAIVE: seasonal_naive, ETS: auto_ets, THETA: auto_theta}
ORIGINS = 20
LONGEST_TEST = 28
"""Steps that are forecast from each origin, at most: a month of days. Further ahead there would be too few origins to tell models apart."""
_REACH = 3
"""Of a history this part is forecast at once, to see how errors grow further ahead."""
_FOLDS_OF_PROPHET = 3


@dataclass(frozen=True, eq=False)
class Backtest:
    """Actual values and forecasts of each model, a row an origin, a column a step ahead."""

    origins: tuple[int, ...]
    actual: np.ndarray
    forecasts: Mapping[str, np.ndarray]
    """By model; not a number at origins where a model was not asked."""
    scale: float
    """The mean absolute error of the seasonal naive within the first origin's history: what MASE is in units of."""
    failed: Mapping[str, str]
    """Models that gave no forecast, and why."""
    far: Mapping[str, np.ndarray] = field(default_factory=dict)
    """Errors of the same models further ahead, from those origins alone that have so much behind them; where more is asked for."""

    def errors(self, model: str) -> np.ndarray:
        found: np.ndarray = self.actual - self.forecasts[model]
        return found

    def asked(self, model: str) -> np.ndarray:
        """Origins at which a model was asked."""
        found: np.ndarray = np.isfinite(self.forecasts[model]).all(axis=1)
        return found

    @property
    def windows(self) -> float:
        """How many windows as long as those forecast would lie side by side from the first origin on."""
        return 1.0 + (self.origins[-1] - self.origins[0]) / float(self.actual.shape[1])

    def wape(self, model: str) -> float:
        """Absolute errors by absolute actual values, over all origins."""
        asked = self.asked(model)
        return _ratio(np.abs(self.errors(model)[asked]).sum(), np.abs(self.actual[asked]).sum())

    def mase(self, model: str) -> float:
        return _ratio(float(np.abs(self.errors(model)[self.asked(model)]).mean()), self.scale)


def backtest(history: History, horizon: int, prophet: Model | None = None) -> Backtest:
    """A backtest of all models on a history that is long enough to `plan` one."""
    origins, ahead = plan(history, horizon)
    values = history.values
    actual = np.stack([values[origin : origin + ahead] for origin in origins])
    forecasts: dict[str, np.ndarray] = {}
    further: dict[str, np.ndarray] = {}
    reach = min(horizon, len(values) // _REACH)
    early = [origin for origin in origins if origin + reach <= len(values)] if reach > ahead else []
    failed: dict[str, str] = {}
    for name, model in moved(history.until(origins[0])).items():
        try:
            fitted = model(history.until(origins[0]))
            found = [fitted(values[:origin], reach if origin in early else ahead) for origin in origins]
            forecasts[name] = np.stack([one[:ahead] for one in found])
            if early:
                further[name] = np.stack(found[: len(early)])
        except Exception as error:  # noqa: BLE001 -- whatever ails one model, the others go on, and the reason is told
            failed[name] = reason(error)
    forecasts[MEDIAN] = median_of(list(forecasts.values()))
    if prophet is not None:
        try:
            forecasts[PROPHET] = _prophet(history, origins, actual, forecasts[MEDIAN], prophet)
        except Exception as error:  # noqa: BLE001 -- as above
            failed[PROPHET] = reason(error)
    far = {}
    if early and further:
        came = np.stack([values[origin : origin + reach] for origin in early])
        further[MEDIAN] = median_of(list(further.values()))
        far = {name: came - forecast for name, forecast in further.items()}
    scale = _naive_error(values[: origins[0]], history.season)
    return Backtest(origins, actual, forecasts, scale, failed, far)


def moved(history: History) -> Mapping[str, Model]:
    """Models for a history that are fitted once, at the first origin, and moved to the others."""
    return {**_MOVED, YEARLY: yearly_ets} if len(history.values) * history.step >= TWO_YEARS else _MOVED


def plan(history: History, horizon: int) -> tuple[tuple[int, ...], int]:
    """Where a history is forecast from, and how many steps ahead. No origins: it is too short."""
    length, season = len(history.values), history.season
    two_years = -(-TWO_YEARS // history.step)
    ahead = min(horizon, LONGEST_TEST, length // 5)
    first, last = max(length // 2, 2 * season + 2, 8), length - ahead
    # A season of the year takes two years to show: where there are more, they come first.
    if first < two_years <= last - 2 * ahead:
        first = two_years
    if ahead < 1 or first > last:
        return (), 0
    return tuple(sorted({round(at) for at in np.linspace(first, last, min(ORIGINS, last - first + 1))})), ahead


def _prophet(
    history: History, origins: Sequence[int], actual: np.ndarray, rival: np.ndarray, prophet: Model
) -> np.ndarray:
    """Prophet at a few origins, for it is fitted anew at each; at the last one alone where it is behind there."""
    found = np.full(actual.shape, np.nan)
    folds = np.unique(np.linspace(0, len(origins) - 1, _FOLDS_OF_PROPHET).round().astype(int))[::-1]
    for place in folds:
        origin = origins[place]
        found[place] = prophet(history.until(origin))(history.values[:origin], actual.shape[1])
        if np.abs(found[place] - actual[place]).sum() > np.abs(rival[place] - actual[place]).sum():
            break
    return found


def _naive_error(values: np.ndarray, season: int) -> float:
    return float(np.abs(values[season:] - values[:-season]).mean())


def _ratio(part: float, whole: float) -> float:
    return float(part / whole) if whole > 0 else 0.0 if part == 0 else float("inf")


def reason(error: Exception) -> str:
    """The first line of what a model says that failed."""
    words = str(error).strip().splitlines()
    return f"{type(error).__name__}: {words[0][:120]}" if words else type(error).__name__
