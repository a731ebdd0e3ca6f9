"""From the daily series to the tables of forecasts."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg
from psycopg import sql

from ml.series import Key
from orchestration.lib.config_models import Config
from orchestration.lib.forecasts.daily_series import last_days, read_series
from orchestration.lib.forecasts.tables import CACHE, FORECASTS, PERIODS, SCORES
from orchestration.lib.ml_tables import digest_of_rows, replace_rows
from orchestration.lib.progress import watcher

if TYPE_CHECKING:
    from ml.forecasting import Forecasts, ForecastSettings

_SHARE_DIGITS = Decimal("0.000001")
_SCOPE_DIMENSIONS = {"service_name": "service"}


@dataclass(frozen=True)
class Outcome:
    """What a run of forecasts did. `computed`: series that were not forecast before with this content."""

    series: int
    computed: int
    refused: tuple[str, ...]
    trained_to: date | None
    run_id: str


class KeptForecasts:
    """The cache of a run: what earlier runs kept, and what this one uses, which is all that is kept."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._former: dict[str, bytes] = dict(
            connection.execute(sql.SQL("select digest, result from {}").format(CACHE.identifier)).fetchall()
        )
        self.used: dict[str, bytes] = {}

    def get(self, digest: str) -> bytes | None:
        if digest in self._former:
            self.used[digest] = self._former[digest]
        return self._former.get(digest)

    def put(self, digest: str, content: bytes) -> None:
        self.used[digest] = content


def forecast_costs(connection: psycopg.Connection[Any], config: Config) -> Outcome:
    """Forecast every series to the end of the year, and put the rows in place of the former ones in one transaction.

    Without a complete day there is nothing to forecast from, and the tables become empty.
    """
    from ml.forecasting import forecast

    chosen = config.forecasts
    scopes = (budget.scope for budget in config.budgets)
    always = {(_SCOPE_DIMENSIONS.get(kind, kind), name) for kind, name in scopes}
    always |= {(event.dimension, event.value) for event in chosen.events if event.dimension and event.value}
    series = read_series(connection, chosen.minimum_share, always)
    days = last_days(series)
    if not days:
        replace_rows(connection, {FORECASTS: [], PERIODS: [], SCORES: [], CACHE: []})
        return Outcome(0, 0, (), None, digest_of_rows())
    first = min(min(frame["date"]) for frame in series.values())
    end = chosen.horizon_end or date((max(days) + timedelta(days=1)).year, 12, 31)
    cache = KeptForecasts(connection)
    found = forecast(
        series,
        settings_of(config, range(first.year, end.year + 1)),
        end,
        cache=cache,
        workers=chosen.workers or min(os.cpu_count() or 1, 4),
        progress=_show,
    )
    run_id = _store(connection, found, cache)
    return Outcome(len(found.trained), found.computed, tuple(found.refused.values()), max(days), run_id)


def settings_of(config: Config, years: range) -> ForecastSettings:
    """The settings as forecasts take them, with the holidays of these years."""
    from ml.forecasting import Event, ForecastSettings
    from orchestration.lib.forecasts.holidays import holidays_of

    events = tuple(
        Event(event.name, event.first, event.last or event.first, event.lasts, event.dimension, event.value)
        for event in config.forecasts.events
    )
    return ForecastSettings(holidays=holidays_of(config, years), events=events)


def _store(connection: psycopg.Connection[Any], found: Forecasts, cache: KeptForecasts) -> str:
    trained = found.trained
    days = [
        (
            *_names(key),
            *amounts,
            trained[key].model,
            trained[key].trained_to,
            found.model_version,
            trained[key].series_digest,
        )
        for key, *amounts in found.days
    ]
    periods = [(*_names(key), *amounts, trained[key].trained_to) for key, *amounts in found.periods]
    scores = [
        (
            *_names(key),
            score.model,
            *map(_share, (score.wape, score.mase, score.coverage_80, score.coverage_95)),
            score.folds,
            score.is_chosen,
            score.reason or (trained[key].reason if score.is_chosen else ""),
        )
        for key, score in found.scores
    ]
    run_id = digest_of_rows(days, periods, scores)
    replace_rows(
        connection,
        {
            FORECASTS: _with(days, run_id),
            PERIODS: _with(periods, run_id),
            SCORES: _with(scores, run_id),
            CACHE: sorted(cache.used.items()),
        },
    )
    return run_id


def _names(key: Key) -> tuple[str, ...]:
    return tuple(getattr(key, field.name) for field in fields(key))


def _share(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(value).quantize(_SHARE_DIGITS)


def _with(rows: Iterable[tuple[Any, ...]], run_id: str) -> list[tuple[Any, ...]]:
    return [(*row, run_id) for row in rows]


def _show(done: int, count: int) -> None:
    if done == count or done % 25 == 0:
        watcher().note(f"{done} of {count} series")
