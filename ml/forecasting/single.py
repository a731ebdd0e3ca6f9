"""The forecast of one series on its own, before the parts are made to add up: what a cache keeps of it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np

from ml.forecasting.backtest import MEDIAN, PROPHET, Backtest, backtest, moved, plan, reason
from ml.forecasting.bands import LEVELS, Spread
from ml.forecasting.choice import Score, choose, scores, spread_of_chosen
from ml.forecasting.fallback import fallback, short, tamed
from ml.forecasting.models import History, Model, median_of, seasonal_naive
from ml.forecasting.prophet_model import prophet
from ml.forecasting.schedule import scheduled_forecast
from ml.forecasting.settings import ForecastSettings
from ml.series import Series

MODEL_VERSION = "forecast-2"
"""Changes whenever the same series and settings would give another forecast."""
_WEEK = 7
_FEWEST_ORIGINS = 5


@dataclass(frozen=True)
class Single:
    """A forecast from the day after a series ends, in floats: money is made of it once all parts are there."""

    model: str
    reason: str
    curve: tuple[float, ...]
    scheduled: tuple[float, ...]
    spread: Spread
    scores: tuple[Score, ...]

    def to_json(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_json(cls, text: bytes) -> Single:
        kept = json.loads(text)
        widths = {name: {band: kept["spread"][name][str(band)] for band in LEVELS} for name in ("steps", "sums")}
        return cls(
            kept["model"],
            kept["reason"],
            tuple(kept["curve"]),
            tuple(kept["scheduled"]),
            Spread(**(kept["spread"] | widths)),
            tuple(Score(**one) for one in kept["scores"]),
        )


def forecast_single(series: Series, settings: ForecastSettings, horizon_end: date) -> Single:
    """The forecast of a daily series to a day."""
    horizon = max((horizon_end - series.last).days, 0)
    events = settings.events_of(series.key.dimension, series.key.value)
    usage = known(series.curve, _WEEK)
    history = History(usage, series.first, season=_WEEK, events=events)
    curve = forecast_curve(history, horizon, with_prophet=settings.use_prophet)
    scheduled = scheduled_forecast(series.first, np.nan_to_num(series.scheduled), usage, np.asarray(curve.curve))
    return Single(curve.model, curve.reason, curve.curve, tuple(scheduled.tolist()), curve.spread, curve.scores)


def forecast_curve(history: History, horizon: int, *, with_prophet: bool = True) -> Single:
    """The forecast of values at any step, without a schedule."""
    stand_in = fallback(history.values, history.season)
    history = History(
        tamed(history.values, history.season), history.first, history.step, history.season, history.events
    )
    if stand_in is None and len(plan(history, horizon)[0]) < _FEWEST_ORIGINS:
        stand_in = short(history.values, history.season)
    if stand_in is not None:
        score = Score(stand_in.name, None, None, None, None, 0, True, stand_in.reason)
        ahead = _like(stand_in.forecast(horizon), history.values)
        return Single(stand_in.name, stand_in.reason, ahead, (0.0,) * horizon, stand_in.spread, (score,))
    test = backtest(history, horizon, prophet if with_prophet else None)
    chosen = choose(test)
    values, word = _from_the_end(history, horizon, chosen, test)
    spread = spread_of_chosen(test, chosen)
    words = "; ".join([*word, *(f"{model} failed: {why}" for model, why in test.failed.items())])
    return Single(chosen, words, _like(values, history.values), (0.0,) * horizon, spread, tuple(scores(test, chosen)))


def last_resort(series: Series, horizon_end: date, error: Exception) -> Single:
    """For a series on which the forecast itself fails: as it was a week ago, in the band of a short history."""
    horizon = (horizon_end - series.last).days
    stand_in = short(known(series.curve, _WEEK), min(_WEEK, len(series)))
    why = f"failed: {reason(error)}"
    score = Score(stand_in.name, None, None, None, None, 0, True, why)
    return Single(stand_in.name, why, tuple(stand_in.forecast(horizon)), (0.0,) * horizon, stand_in.spread, (score,))


def known(values: np.ndarray, season: int) -> np.ndarray:
    """Values without gaps: an unknown one is taken to be as it was a season before, or next."""
    found = values.copy()
    for at in np.flatnonzero(np.isnan(found)):
        found[at] = found[at - season] if at >= season else np.nan
    for at in np.flatnonzero(np.isnan(found))[::-1]:
        found[at] = found[at + season] if at + season < len(found) else np.nan
    return np.asarray(np.nan_to_num(found, nan=float(np.nanmedian(found))))


def _from_the_end(history: History, horizon: int, chosen: str, test: Backtest) -> tuple[np.ndarray, list[str]]:
    """The forecast of the chosen model. One that fails now, though it did not before, gives way to the next simpler."""
    said: list[str] = []
    fitted: dict[str, np.ndarray] = {}
    for name, model in _asked(history, chosen, test).items():
        try:
            fitted[name] = model(history)(history.values, horizon)
        except Exception as error:  # noqa: BLE001 -- whatever ails a model, the series has a forecast
            said.append(f"{name} failed: {reason(error)}")
    if chosen in fitted:
        return fitted[chosen], said
    if fitted:
        return median_of(list(fitted.values())), said
    return seasonal_naive(history)(history.values, horizon), said


def _asked(history: History, chosen: str, test: Backtest) -> dict[str, Model]:
    models = moved(history)
    if chosen == MEDIAN:
        return {name: model for name, model in models.items() if name in test.forecasts}
    return {chosen: prophet if chosen == PROPHET else models[chosen]}


def _like(values: np.ndarray, history: np.ndarray) -> tuple[float, ...]:
    """Not negative where the history never was."""
    kept = np.maximum(values, 0.0) if history.min() >= 0.0 else values
    return tuple(kept.tolist())
