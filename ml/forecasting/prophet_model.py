"""Prophet as one of the models: trend with changepoints, seasons that the history shows twice, starts of months, holidays and events."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.forecasting.models import Fitted, History
from ml.forecasting.settings import Event

if TYPE_CHECKING:
    import pandas as pd

_WEEK, _YEAR = 7, 365.25
_MONTH_STARTS = 3
"""Months whose first day has to be in the history before its effect is estimated."""


def prophet(history: History) -> Fitted:
    """A Prophet that was fitted on the history. It has no state that could be moved: it forecasts from there only."""
    import pandas as pd
    from prophet import Prophet

    length, days = len(history.values), _days(history, 0, len(history.values))
    span = length * history.step
    unit = float(np.mean(np.abs(history.values))) or 1.0
    passing = [one for one in history.events if not one.lasts]
    model = Prophet(
        yearly_seasonality=span >= 2 * _YEAR,
        weekly_seasonality=history.step == 1 and span >= 2 * _WEEK,
        daily_seasonality=False,
        holidays=_holidays(passing, history.step),
        uncertainty_samples=0,
    )
    # What goes wrong is an exception; the rest is of no use to anybody here.
    logging.getLogger("cmdstanpy").disabled = True
    month_starts = history.step == 1 and sum(day.day == 1 for day in days) >= _MONTH_STARTS
    if month_starts:
        model.add_regressor("month_start", standardize=False)
    steps = [one for one in history.events if one.lasts and days[0] < one.first <= days[-1]]
    for one in steps:
        model.add_regressor(_column(one), standardize=False)

    def frame(first: int, count: int) -> pd.DataFrame:
        found = _days(history, first, count)
        columns: dict[str, Any] = {"ds": pd.to_datetime(found)}
        if month_starts:
            columns["month_start"] = [float(day.day == 1) for day in found]
        columns |= {_column(one): [float(day >= one.first) for day in found] for one in steps}
        return pd.DataFrame(columns)

    model.fit(frame(0, length).assign(y=history.values / unit))

    def forecast(values: np.ndarray, horizon: int) -> np.ndarray:
        if len(values) != length:
            raise ValueError("Prophet forecasts from the end of what it was fitted on")
        found = model.predict(frame(length, horizon))["yhat"].to_numpy(dtype=float) * unit
        if not np.all(np.isfinite(found)):
            raise ArithmeticError("the forecast is not finite")
        return np.asarray(found)

    return forecast


def _days(history: History, first: int, count: int) -> list[Any]:
    return [history.day(index) for index in range(first, first + count)]


def _column(event: Event) -> str:
    return f"since {event.name} {event.first}"


def _holidays(events: list[Event], step: int) -> pd.DataFrame | None:
    """Each day of each event by its name, so that what happened on former ones is expected of the next."""
    import pandas as pd

    if step != 1 or not events:
        return None
    rows = {
        (one.name, one.first + timedelta(days=number))
        for one in events
        for number in range((one.last - one.first).days + 1)
    }
    return pd.DataFrame(sorted(rows), columns=["holiday", "ds"]).assign(ds=lambda frame: pd.to_datetime(frame["ds"]))
