"""Forecasts of all series to a day: cleaned, forecast each on its own, reconciled, and made money of."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from ml.forecasting.choice import Score
from ml.forecasting.money import DayForecast, PeriodForecast, day_rows, period_rows, units_of
from ml.forecasting.settings import ForecastSettings
from ml.forecasting.single import MODEL_VERSION, Single
from ml.forecasting.workers import Progress, forecast_all
from ml.series import Key, Series, SeriesError, clean

if TYPE_CHECKING:
    import pandas as pd

TOTAL = "total"


class Cache(Protocol):
    """Where the forecast of a series is kept by its content."""

    def get(self, digest: str) -> bytes | None: ...
    def put(self, digest: str, content: bytes) -> None: ...


class Trained(NamedTuple):
    """What a forecast rests on."""

    model: str
    reason: str
    trained_to: date
    series_digest: str


@dataclass(frozen=True)
class Forecasts:
    """Rows of all series that could be forecast, and why the others could not."""

    days: tuple[DayForecast, ...]
    periods: tuple[PeriodForecast, ...]
    scores: tuple[tuple[Key, Score], ...]
    trained: Mapping[Key, Trained]
    refused: Mapping[Key, str]
    computed: int
    """Series that were not in the cache."""
    model_version: str = MODEL_VERSION


def forecast(
    series: Mapping[Key, pd.DataFrame],
    settings: ForecastSettings,
    horizon_end: date,
    *,
    cache: Cache | None = None,
    workers: int = 1,
    progress: Progress | None = None,
) -> Forecasts:
    """Forecasts to `horizon_end` of series with the columns date, curve, scheduled, irregular (Decimal) and is_complete.

    All series of a currency are forecast from the day after the last complete one of its total, so that their parts add up
    on every day. A series that cannot be used is refused with its reason, and the others go on.
    """
    usable, refused = _cleaned(series)
    usable = {key: one for key, one in usable.items() if one.last < horizon_end}
    digests = {key: _digest(one, settings, horizon_end) for key, one in usable.items()}
    singles: dict[Key, Single] = {}
    for key, digest in digests.items():
        kept = cache.get(digest) if cache is not None else None
        if kept is not None:
            singles[key] = Single.from_json(kept)
    pending = {key: one for key, one in usable.items() if key not in singles}
    for key, single, lasting in forecast_all(pending, settings, horizon_end, workers, progress):
        singles[key] = single
        if cache is not None and lasting:
            cache.put(digests[key], single.to_json())
    keys = sorted(usable)
    days: list[DayForecast] = []
    periods: list[PeriodForecast] = []
    for currency in sorted({key.currency for key in keys}):
        of_currency = {key: usable[key] for key in keys if key.currency == currency}
        units = units_of(of_currency, singles, horizon_end)
        for key, one in of_currency.items():
            days += day_rows(key, one, singles[key], units[key])
            periods += period_rows(key, one, singles[key], units[key], series[key], horizon_end)
    return Forecasts(
        tuple(days),
        tuple(periods),
        tuple((key, score) for key in keys for score in singles[key].scores),
        {key: Trained(singles[key].model, singles[key].reason, usable[key].last, usable[key].digest) for key in keys},
        refused,
        len(pending),
    )


def _cleaned(series: Mapping[Key, pd.DataFrame]) -> tuple[dict[Key, Series], dict[Key, str]]:
    usable: dict[Key, Series] = {}
    refused: dict[Key, str] = {}
    wholes: dict[str, tuple[date, set[date]]] = {}
    # Totals first: they say up to which day, and on which days, something is missing.
    for key in sorted(series, key=lambda key: (key.dimension != TOTAL, key)):
        frame = series[key]
        through, unknown = wholes.get(key.currency, (None, set()))
        try:
            if through is not None and "date" in frame:
                frame = frame[[_day(value) <= through for value in frame["date"]]]
            usable[key] = clean(key, frame, through=through, unknown=unknown)
        except SeriesError as error:
            refused[key] = str(error)
            continue
        if key.dimension == TOTAL:
            wholes[key.currency] = usable[key].last, _unknown(usable[key], frame["date"])
    return usable, refused


def _unknown(total: Series, delivered: Iterable[object]) -> set[date]:
    """Days on which the whole is not known, or on which nothing at all was delivered."""
    there = {_day(value) for value in delivered}
    days = [total.first + timedelta(days=number) for number in range(len(total))]
    return {day for day, cost in zip(days, total.curve, strict=True) if np.isnan(cost) or day not in there}


def _day(value: object) -> date:
    return value.date() if hasattr(value, "date") else value  # type: ignore[return-value]


def _digest(series: Series, settings: ForecastSettings, horizon_end: date) -> str:
    said = settings.digest_of(series.key.dimension, series.key.value)
    return hashlib.sha256(f"{MODEL_VERSION} {series.digest} {said} {horizon_end}".encode()).hexdigest()
