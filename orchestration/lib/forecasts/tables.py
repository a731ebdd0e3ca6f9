"""The tables of forecasts: days, periods, scores of the models, and what is kept of series that did not change."""

from __future__ import annotations

from typing import Any

import psycopg

from orchestration.lib.ml_tables import Table, ensure_tables

_SERIES = (
    ("dimension", "text not null", "What the series is of: total, provider, team, cost_center and so on."),
    ("dimension_value", "text not null", "Name of it; all for the total, other for the values too small to be alone."),
    ("billing_currency", "text not null", "Currency of the amounts."),
)
_TRAINED_TO = ("trained_to", "date not null", "Last complete day that the forecast rests on.")
_RUN_ID = ("run_id", "text not null", "Digest of all forecasts of the run: the same inputs have the same id.")
_BANDS = tuple(
    (f"{end}_{band}", "numeric not null", f"{end.capitalize()} end of the band that holds {{}} {band} times of 100.")
    for band in (80, 95)
    for end in ("lower", "upper")
)


def _bands(what: str) -> tuple[tuple[str, str, str], ...]:
    return tuple((name, kind, meaning.format(what)) for name, kind, meaning in _BANDS)


FORECASTS = Table(
    "forecasts",
    "What each day to come will cost. One row per series and day. Written by the asset ml/forecasts.",
    (
        *_SERIES,
        ("forecast_date", "date not null", "The day."),
        ("mean", "numeric not null", "What is expected; the values of a dimension add up to the total exactly."),
        *_bands("the cost of the day"),
        ("scheduled_mean", "numeric not null", "Part of mean that has a schedule: purchases, fees and taxes."),
        ("model", "text not null", "Model that was chosen for the series, or the fallback that it has."),
        _TRAINED_TO,
        ("model_version", "text not null", "Version of the way it is worked out."),
        ("series_digest", "text not null", "Digest of the series that it rests on."),
        _RUN_ID,
    ),
)
PERIODS = Table(
    "forecast_periods",
    "What the month, quarter and year will have cost at their end. One row per series and period. "
    "Written by the asset ml/forecasts.",
    (
        *_SERIES,
        ("period_kind", "text not null", "month, quarter or year."),
        ("period_start", "date not null", "First day."),
        ("period_end", "date not null", "Last day."),
        ("actual_cost", "numeric not null", "What the days up to trained_to have cost."),
        ("forecast_cost", "numeric not null", "What the days after it are expected to cost."),
        ("total_cost", "numeric not null", "actual_cost and forecast_cost together."),
        *_bands("total_cost"),
        _TRAINED_TO,
        _RUN_ID,
    ),
)
SCORES = Table(
    "forecast_scores",
    "How well models foretold days that are known by now. One row per series and model. Written by the asset ml/forecasts.",
    (
        *_SERIES,
        ("model", "text not null", "The model, or the fallback of a series that is too short to compare models on."),
        ("wape", "numeric", "Sum of absolute errors over the sum of absolute costs; null where nothing was compared."),
        ("mase", "numeric", "Mean absolute error over that of the same weekday of the week before."),
        ("coverage_80", "numeric", "Share of days inside the band of 80 %."),
        ("coverage_95", "numeric", "Share of days inside the band of 95 %."),
        ("folds", "integer not null", "How many times the model foretold days that it had not seen."),
        ("is_chosen", "boolean not null", "Is it the model that is used."),
        ("reason", "text not null", "Why it is used, or is not."),
        _RUN_ID,
    ),
)
CACHE = Table(
    "forecast_cache",
    "What was found for a series of a certain content. One row per digest; those that no series has any more are dropped.",
    (
        ("digest", "text primary key", "Digest of the series, its settings, horizon and model version."),
        ("result", "bytea not null", "What was found."),
    ),
)
TABLES = (FORECASTS, PERIODS, SCORES, CACHE)


def ensure_forecasts(connection: psycopg.Connection[Any]) -> None:
    """Create the tables where they are missing, so that the views on them can be made before they are filled."""
    ensure_tables(connection, TABLES)
