"""Forecasts of all series: sums, bands, schedules, bad input, cache and workers."""

from __future__ import annotations

from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from ml.forecasting import Forecasts, ForecastSettings, forecast
from ml.series import Key

FIRST, END = date(2025, 1, 1), date(2025, 12, 31)
DAYS = 196
TOTAL = Key("total", "all", "USD")
FEE = Decimal("30.25")
# Without Prophet, which has tests of its own: it takes most of the time and would change nothing here.
SETTINGS = ForecastSettings(use_prophet=False)


class Kept(dict[str, bytes]):
    """A cache in memory."""

    def put(self, digest: str, content: bytes) -> None:
        self[digest] = content


def frame(curve: np.ndarray, fee: Decimal = Decimal(0)) -> pd.DataFrame:
    days = [FIRST + timedelta(days=number) for number in range(len(curve))]
    return pd.DataFrame(
        {
            "date": days,
            "curve": [Decimal(f"{cost:.6f}") for cost in curve],
            "scheduled": [fee if day.day == 1 else Decimal(0) for day in days],
            "irregular": [Decimal(-7) if day.day == 15 else Decimal(0) for day in days],
            "is_complete": True,
        }
    )


def added(frames: list[pd.DataFrame]) -> pd.DataFrame:
    whole = frames[0].copy()
    for one in frames[1:]:
        for part in ("curve", "scheduled", "irregular"):
            whole[part] += one[part]
    return whole


def weekly(level: float, seed: int) -> np.ndarray:
    week = np.resize([1.0, 1.1, 1.2, 1.1, 1.0, 0.6, 0.5], DAYS)
    noise = np.random.default_rng(seed).normal(1.0, 0.03, DAYS)
    found: np.ndarray = level * week * noise
    return found


@pytest.fixture(scope="module")
def series() -> dict[Key, pd.DataFrame]:
    """Three services of two teams; the last is of both."""
    first, second, small = frame(weekly(100, 1), FEE), frame(weekly(40, 2)), frame(weekly(0.001, 3))
    services = {Key("service", name, "USD"): one for name, one in zip("abc", (first, second, small), strict=True)}
    teams = {Key("team", "x", "USD"): added([first, small]), Key("team", "y", "USD"): second}
    return {TOTAL: added([first, second, small]), **services, **teams}


@pytest.fixture(scope="module")
def cache() -> Kept:
    return Kept()


@pytest.fixture(scope="module")
def found(series: dict[Key, pd.DataFrame], cache: Kept) -> Forecasts:
    return forecast(series, SETTINGS, END, cache=cache)


def test_parts_add_up_to_the_total_of_each_day_exactly(found: Forecasts) -> None:
    for column in ("mean", "scheduled_mean"):
        sums: dict[tuple[str, date], Decimal] = defaultdict(Decimal)
        for row in found.days:
            sums[row.key.dimension, row.forecast_date] += getattr(row, column)
        days = {day for _, day in sums}
        assert len(days) == (END - FIRST).days + 1 - DAYS
        for day in days:
            assert sums["total", day] == sums["service", day] == sums["team", day]


def test_bands_hold_the_mean_and_each_other_and_nothing_is_negative(found: Forecasts) -> None:
    for row in found.days:
        assert Decimal(0) <= row.lower_95 <= row.lower_80 <= row.mean <= row.upper_80 <= row.upper_95
    for period in found.periods:
        assert period.lower_95 <= period.lower_80 <= period.total_cost <= period.upper_80 <= period.upper_95


def test_periods_are_what_was_paid_and_the_days_to_come(found: Forecasts, series: dict[Key, pd.DataFrame]) -> None:
    trained_to = FIRST + timedelta(days=DAYS - 1)
    assert {(row.period_kind, row.period_end) for row in found.periods} == {
        *(("month", end) for end in (date(2025, 7, 31), date(2025, 8, 31), date(2025, 9, 30), date(2025, 10, 31))),
        ("month", date(2025, 11, 30)),
        ("month", END),
        ("quarter", date(2025, 9, 30)),
        ("quarter", END),
        ("year", END),
    }
    for row in found.periods:
        days = [
            day for day in found.days if day.key == row.key and row.period_start <= day.forecast_date <= row.period_end
        ]
        assert row.forecast_cost == sum(day.mean for day in days)
        rows = series[row.key]
        paid = rows[(rows["date"] >= row.period_start) & (rows["date"] <= trained_to)]
        actual = sum(paid["curve"] + paid["scheduled"] + paid["irregular"], Decimal(0))
        assert (row.actual_cost, row.total_cost) == (actual, actual + row.forecast_cost)


def test_forecast_is_the_known_week_and_fees_come_on_their_day(found: Forecasts) -> None:
    weekday = {
        date(2025, 8, day): cost for day, cost in zip(range(6, 13), (100, 110, 120, 110, 100, 60, 50), strict=True)
    }
    rows = {row.forecast_date: row for row in found.days if row.key == Key("service", "a", "USD")}
    for day, cost in weekday.items():
        assert float(rows[day].mean) == pytest.approx(cost, rel=0.05)
    fees = {day: row.scheduled_mean for day, row in rows.items() if row.scheduled_mean}
    assert fees == {date(2025, month, 1): FEE for month in range(8, 13)}


def test_band_of_a_month_is_narrower_than_the_sum_of_its_days_bands(found: Forecasts) -> None:
    key = Key("service", "a", "USD")
    month = next(row for row in found.periods if row.key == key and row.period_end == date(2025, 8, 31))
    days = [row for row in found.days if row.key == key and row.forecast_date.month == 8]
    assert month.upper_80 - month.lower_80 < sum(row.upper_80 - row.lower_80 for row in days) / 2


def test_same_bytes_for_any_number_of_workers_and_order(series: dict[Key, pd.DataFrame]) -> None:
    some = {key: rows[-80:] for key, rows in series.items() if key.value in "all b"}
    many = {
        **some,
        **{Key("account", str(number), "EUR"): frame(weekly(number + 1, number)[:20]) for number in range(18)},
    }
    alone = forecast(many, SETTINGS, END)
    assert forecast(dict(reversed(many.items())), SETTINGS, END, workers=2) == alone
    assert alone.trained[Key("service", "b", "USD")].model in {"median", "auto_ets", "auto_theta", "seasonal_naive"}


def test_unchanged_series_cost_nothing(series: dict[Key, pd.DataFrame], found: Forecasts, cache: Kept) -> None:
    assert found.computed == len(series)
    again = forecast(series, SETTINGS, END, cache=cache)
    assert (again.computed, again.days, again.periods, again.scores) == (0, found.days, found.periods, found.scores)
    changed = {**series, Key("service", "c", "USD"): frame(weekly(0.001, 3)[:20])}
    assert forecast(changed, SETTINGS, END, cache=cache).computed == 1
    # Nor does it cost anything to be called otherwise; another setting or horizon is another forecast.
    renamed = {Key("service", "other", "USD"): series[Key("service", "b", "USD")]}
    assert forecast(renamed, SETTINGS, END, cache=cache).computed == 0


def test_a_bad_series_is_refused_and_stops_no_other(
    series: dict[Key, pd.DataFrame], found: Forecasts, cache: Kept
) -> None:
    twice = pd.concat([series[TOTAL], series[TOTAL][:1]])
    bad = {Key("ai_model", "m", "USD"): twice, Key("account", "1", "EUR"): series[TOTAL][:0]}
    other = forecast({**series, **bad}, SETTINGS, END, cache=cache)
    assert other.days == found.days
    assert "2025-01-01 is there twice" in other.refused[Key("ai_model", "m", "USD")]
    assert set(other.refused) == set(bad)


def test_incomplete_days_never_train(series: dict[Key, pd.DataFrame], found: Forecasts, cache: Kept) -> None:
    late = frame(np.full(DAYS + 1, 1e9))[-1:].assign(is_complete=False)
    waiting = {key: pd.concat([rows, late]) for key, rows in series.items()}
    other = forecast(waiting, SETTINGS, END, cache=cache)
    assert (other.computed, other.days, other.periods) == (0, found.days, found.periods)


def test_progress_is_told(series: dict[Key, pd.DataFrame]) -> None:
    told: list[tuple[int, int]] = []
    forecast({TOTAL: series[TOTAL][:20]}, SETTINGS, END, progress=lambda done, count: told.append((done, count)))
    assert told == [(1, 1)]
