"""Models, backtests, the choice among them, bands, and what stands in where no model can learn."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from ml.forecasting import single
from ml.forecasting.backtest import Backtest, backtest, plan
from ml.forecasting.bands import CERTAIN, Spread, spread_of
from ml.forecasting.choice import choose
from ml.forecasting.fallback import fallback, short, tamed
from ml.forecasting.models import Fitted, History, seasonal_naive, yearly_ets
from ml.forecasting.prophet_model import prophet
from ml.forecasting.settings import Event
from ml.forecasting.single import Single, forecast_curve, known

FIRST = date(2024, 1, 1)
RANDOM = np.random.default_rng(7)
WEEK = np.array([10.0, 11.0, 12.0, 11.0, 10.0, 6.0, 5.0])


def history(values: np.ndarray, **more: object) -> History:
    return History(np.asarray(values, dtype=float), FIRST, **more)  # type: ignore[arg-type]


def test_seasonal_naive_is_the_last_season() -> None:
    values = np.arange(1.0, 11.0)
    assert seasonal_naive(history(values))(values, 9).tolist() == [4, 5, 6, 7, 8, 9, 10, 4, 5]
    assert seasonal_naive(history(values, season=1))(values, 2).tolist() == [10, 10]


def test_season_of_the_year_is_found_in_weeks_of_noise() -> None:
    weeks = np.arange(220)
    wave = 100 * np.exp(0.3 * np.sin(2 * np.pi * weeks * 7 / 365.25))
    values = wave * np.exp(RANDOM.normal(0, 0.01, len(weeks)))
    past, ahead = values[:194], wave[194:]
    found = yearly_ets(history(past, step=7, season=1))(past, len(ahead))
    assert np.abs(found - ahead).mean() / ahead.mean() < 0.03
    assert np.abs(past[-1] - ahead).mean() / ahead.mean() > 0.1


def test_backtests_see_nothing_of_the_future() -> None:
    values = np.resize(WEEK, 120) + RANDOM.normal(0, 1, 120)
    test = backtest(history(values), 14)
    other = values.copy()
    other[test.origins[0] :] += 1000.0
    changed = backtest(history(other), 14)
    for model, forecasts in test.forecasts.items():
        assert forecasts[0] == pytest.approx(changed.forecasts[model][0]), model


def test_origins_leave_room_for_what_is_forecast() -> None:
    origins, ahead = plan(history(np.ones(400)), 365)
    assert (origins[0], origins[-1], ahead, len(origins)) == (200, 372, 28, 20)
    assert plan(history(np.ones(15)), 28) == ((), 0)
    assert plan(history(np.ones(1000)), 28)[0][0] == 728


def _backtest(naive: float, ets: float) -> Backtest:
    """Errors of a size, half of them upwards, the median's being 1."""
    sign = np.resize([1.0, -1.0], (10, 4))
    return Backtest(
        tuple(range(10)),
        np.zeros((10, 4)),
        {"seasonal_naive": naive * sign, "auto_ets": ets * sign, "median": sign},
        1.0,
        {},
    )


@pytest.mark.parametrize(
    ("naive", "ets", "chosen"),
    [(1.5, 1.5, "median"), (1.5, 0.9, "median"), (1.5, 0.7, "auto_ets"), (0.5, 0.7, "seasonal_naive")],
)
def test_median_is_used_unless_a_model_is_clearly_better(naive: float, ets: float, chosen: str) -> None:
    assert choose(_backtest(naive, ets)) == chosen


def test_a_model_that_was_better_once_was_lucky() -> None:
    test = _backtest(1.0, 1.0)
    test.forecasts["auto_ets"][:] = 1.05
    test.forecasts["auto_ets"][3] = 0.0
    test.forecasts["median"][3] = 10.0
    assert choose(test) == "median"


@pytest.mark.parametrize(("band", "share"), [(80, 0.80), (95, 0.95)])
def test_bands_of_steps_and_sums_hold_as_much_as_they_say(band: int, share: float) -> None:
    # Noise of each step, and a level that wanders: windows of one long series, of which bands are learnt from a part.
    random = np.random.default_rng(3)
    steps, windows = 20, 4000
    errors = random.normal(0, 1, (windows, steps)) + np.cumsum(random.normal(0, 0.3, (windows, steps)), axis=1)
    spread = spread_of(errors[::2], windows / 2)
    new = errors[1::2]
    assert (np.abs(new) <= spread.widths(steps, band)).mean() == pytest.approx(share, abs=0.02)
    for first, last in ((1, 10), (11, 20), (1, 20)):
        sums = np.abs(new[:, first - 1 : last].sum(axis=1))
        assert (sums <= spread.width_of_sum(first, last, band)).mean() == pytest.approx(share, abs=0.02)


def test_what_errors_do_further_ahead_widens_bands_there_and_not_before() -> None:
    # The slope is misjudged by so little that ten steps hardly show it, and a hundred do.
    random = np.random.default_rng(5)
    errors = random.normal(0, 1, (400, 100)) + random.normal(0, 0.01, (400, 1)) * np.arange(1, 101)
    near, seen = spread_of(errors[:, :10], 100), spread_of(errors[:, :10], 100, errors)

    def held(spread: Spread, last: int) -> float:
        return float((np.abs(errors[:, :last].sum(axis=1)) <= spread.width_of_sum(1, last, 80)).mean())

    assert held(near, 10) == pytest.approx(0.8, abs=0.05)
    assert held(seen, 10) == pytest.approx(0.8, abs=0.05)
    assert held(near, 100) < 0.5
    assert held(seen, 100) > 0.65


def test_backtest_looks_further_ahead_from_the_origins_that_can() -> None:
    days = np.arange(300.0)
    test = backtest(history(100 + days + np.random.default_rng(2).normal(0, 1, 300)), 365)
    assert test.actual.shape[1] == 28
    assert set(test.far) == set(test.forecasts)
    assert {far.shape for far in test.far.values()} == {(sum(origin <= 200 for origin in test.origins), 100)}
    # The first steps are those of the short test, of the same origins.
    first = len(test.far["median"])
    assert np.array_equal(test.far["median"][:, :28], test.errors("median")[:first])
    assert backtest(history(100 + days), 28).far == {}


def test_few_errors_make_wider_bands() -> None:
    errors = np.random.default_rng(1).normal(0, 1, (20, 10))
    assert spread_of(errors, 3).widths(1, 95)[0] > spread_of(errors, 30).widths(1, 95)[0]
    assert spread_of(np.zeros((5, 3)), 2) == CERTAIN


ZEROS = np.zeros(40)


@pytest.mark.parametrize(
    ("values", "model", "expected", "words"),
    [
        (np.array([5.0]), "mean", 5.0, "new: 1 complete steps"),
        (np.array([4.0, 6.0, 5.0]), "mean", 5.0, "new: 3 complete steps"),
        (np.full(60, 3.0), "last_value", 3.0, "constant"),
        (ZEROS, "zero", 0.0, "nothing was charged yet"),
        (np.concatenate([np.full(60, 3.0), ZEROS]), "zero", 0.0, "ended: nothing was charged in the last 40"),
        (np.resize([9.0, 0, 0, 0, 0], 100), "mean", 9 * 18 / 91, "sparse"),
        (np.resize(WEEK, 21), "seasonal_mean", 10.0, "short: 21 complete steps"),
    ],
)
def test_what_no_model_can_learn_has_a_forecast_and_a_reason(
    values: np.ndarray, model: str, expected: float, words: str
) -> None:
    found = forecast_curve(history(values), 5)
    assert found.model == model
    assert found.curve[0] == pytest.approx(expected, rel=0.03)
    assert words in found.reason
    assert [(score.model, score.is_chosen, score.folds) for score in found.scores] == [(model, True, 0)]


def test_what_recurs_is_not_ended_and_weeks_go_on_at_their_day() -> None:
    monthly = np.zeros(100)
    monthly[[4, 34, 64]] = 5.0
    assert fallback(monthly, 7).name == "mean"  # type: ignore[union-attr]
    assert short(np.resize(WEEK, 17), 7).forecast(4) == pytest.approx([11.0, 10.0, 6.0, 5.0])


def test_one_absurd_value_is_no_lesson() -> None:
    values = np.resize(WEEK, 120) + RANDOM.normal(0, 0.5, 120)
    absurd = values.copy()
    absurd[110] = 1e12
    assert np.delete(tamed(absurd, 7), 110).tolist() == np.delete(values, 110).tolist()
    found = forecast_curve(history(absurd), 14, with_prophet=False)
    assert max(found.curve) < 15.0
    assert found.spread.widths(14, 95).max() < 15.0
    batch = np.where(np.arange(120) % 30 == 0, 1000.0, 1.0)
    assert tamed(batch, 7).tolist() == batch.tolist()


def test_gap_is_as_it_was_a_week_before() -> None:
    values = np.resize(WEEK, 28)
    for gap in ([10, 11], [17, 24], [0], range(7, 14)):
        with_gap = values.copy()
        with_gap[list(gap)] = np.nan
        assert known(with_gap, 7).tolist() == values.tolist()


def test_negative_history_may_go_on_below_zero() -> None:
    assert forecast_curve(history(np.full(20, -3.0)), 3).curve == (-3.0, -3.0, -3.0)


def test_a_failing_model_is_told_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def diverging(history: History) -> Fitted:
        raise RuntimeError("Optimization terminated abnormally\nand more")

    monkeypatch.setattr(single, "prophet", diverging)
    values = np.resize(WEEK, 60) + RANDOM.normal(0, 0.5, 60)
    found = forecast_curve(history(values), 5)
    assert found.reason == "prophet failed: RuntimeError: Optimization terminated abnormally"
    assert found.scores[-1].reason == "failed: RuntimeError: Optimization terminated abnormally"
    assert found.model != "prophet"


def test_kept_forecast_is_the_forecast() -> None:
    found = forecast_curve(history(np.resize(WEEK, 20)), 30)
    assert Single.from_json(found.to_json()) == found


def test_prophet_knows_starts_of_months_holidays_and_events() -> None:
    values = np.resize(WEEK, 200) + RANDOM.normal(0, 0.1, 200)
    starts = [number for number in range(260) if history(values).day(number).day == 1]
    values[[number for number in starts if number < 200]] += 30.0
    sale = (Event("sale", date(2024, 2, 20), date(2024, 2, 22)), Event("sale", date(2024, 8, 5), date(2024, 8, 7)))
    values[50:53] += 50.0
    migration = Event("migration", date(2024, 6, 1), date(2024, 6, 1), lasts=True)
    values[152:] += 20.0
    given = history(values, events=(*sale, migration))
    found = prophet(given)(values, 60)
    at = {given.day(200 + number): value for number, value in enumerate(found)}
    usual = WEEK + 20.0
    assert at[date(2024, 8, 1)] == pytest.approx(usual[3] + 30.0, abs=4.0)
    assert at[date(2024, 8, 6)] == pytest.approx(usual[1] + 50.0, abs=6.0)
    assert at[date(2024, 8, 13)] == pytest.approx(usual[1], abs=3.0)
