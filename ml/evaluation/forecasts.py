"""Forecasts on published series, beside the models that others would take: M4 Weekly, and daily series of the docs of (Neural)Prophet."""

from __future__ import annotations

import csv
import gzip
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from ml.forecasting.backtest import LONGEST_TEST
from ml.forecasting.bands import LEVELS
from ml.forecasting.models import History, auto_ets, auto_theta, seasonal_naive
from ml.forecasting.single import forecast_curve

OURS = "`ml/forecasting`"
DAILY = "daily"
EVERY = 6
"""Of M4 Weekly one series in so many, in the order of the file: a run takes minutes."""
CUTS = 12
"""Days of each daily series from which it is forecast, evenly spread over its second half."""
_WEEK = 7
# The series of M4 have no dates; a year begins where they begin.
_NO_DATE = date(2000, 1, 3)
_FEWEST_DAYS = 0.8
SECTION = """
## Forecasts

Each series is forecast from its own history: {weekly} of the 359 series of M4 Weekly (one in {every}, in the file's order) the
13 weeks of their test set; {series} daily series {days} days each from {cuts} days in their second half. Hourly ones are added up to
days; one without a value on more than a fifth of its days is left out. WAPE and MASE are means over the {weekly} and the {daily}
forecasts; MASE is in units of the seasonal naive's error within the history (M4: of the naive's). Coverage is the share of actual values
within the bands named 80 and 95 %; "of sums" the share of the forecasts whose sum of all steps is within its band. Forecasts of one
series are right and wrong together: by what differs between series, shares of the daily ones have a standard error of up to {error} points.

| data | model | WAPE | MASE | 80 % | 95 % | 80 % of sums | 95 % of sums |
|---|---|---|---|---|---|---|---|
{rows}

Chosen by `ml/forecasting`: {chosen}. None of its settings is that of a series or a data set. Plain Prophet is Prophet with its defaults.
"""


@dataclass(frozen=True, eq=False)
class Case:
    """A series to forecast, and what came."""

    data: str
    series: str
    history: History
    actual: np.ndarray


@dataclass(frozen=True)
class Result:
    """How good a forecast was: WAPE, MASE, and the share of values within each band, where the model has bands."""

    data: str
    series: str
    model: str
    chosen: str
    wape: float
    mase: float
    coverage: tuple[float, ...]


def section(data: Path) -> str:
    """The part of the page on accuracy."""
    folder = data / "forecast"
    weekly = list(m4_weekly(folder / "m4"))[::EVERY]
    daily = [case for name, first, values in daily_series(folder) for case in cuts(name, first, values)]
    results = evaluate([*weekly, *daily])
    ours = [one for one in results if one.model == OURS]
    chosen = sorted({one.chosen for one in ours})
    return SECTION.format(
        weekly=len(weekly),
        every=EVERY,
        daily=len(daily),
        days=LONGEST_TEST,
        series=len({case.series for case in daily}),
        cuts=CUTS,
        error=f"{100 * _standard_error([one for one in ours if one.data == DAILY]):.0f}",
        rows="\n".join(_row(*names, found) for names, found in _grouped(results).items()),
        chosen=", ".join(f"{name} {sum(one.chosen == name for one in ours)} times" for name in chosen),
    )


def evaluate(cases: Sequence[Case]) -> list[Result]:
    """All models on all cases, on all cores; the same figures on any number of them."""
    with ProcessPoolExecutor(os.cpu_count(), mp_context=get_context("spawn")) as pool:
        return [result for results in pool.map(evaluated, cases) for result in results]


def evaluated(case: Case) -> list[Result]:
    """All models on a case."""
    horizon, history = len(case.actual), case.history
    found = forecast_curve(history, horizon)
    errors = case.actual - np.array(found.curve)
    coverage = [
        *(float((np.abs(errors) <= found.spread.widths(horizon, band)).mean()) for band in LEVELS),
        *(float(abs(errors.sum()) <= found.spread.width_of_sum(1, horizon, band)) for band in LEVELS),
    ]
    results = [result(case, OURS, np.array(found.curve), found.model, tuple(coverage))]
    for name, model in (("seasonal naive", seasonal_naive), ("AutoETS", auto_ets), ("AutoTheta", auto_theta)):
        results.append(result(case, name, model(history)(history.values, horizon)))
    return [*results, result(case, "plain Prophet", plain_prophet(history, horizon))]


def result(case: Case, model: str, forecast: np.ndarray, chosen: str = "", coverage: tuple[float, ...] = ()) -> Result:
    error, values, season = np.abs(case.actual - forecast), case.history.values, case.history.season
    scale = np.abs(values[season:] - values[:-season]).mean()
    return Result(
        case.data,
        case.series,
        model,
        chosen,
        float(error.sum() / np.abs(case.actual).sum()),
        float(error.mean() / scale),
        coverage,
    )


def plain_prophet(history: History, horizon: int) -> np.ndarray:
    """Prophet as it comes."""
    import logging

    import pandas as pd
    from prophet import Prophet

    logging.getLogger("cmdstanpy").disabled = True
    days = pd.to_datetime([history.day(index) for index in range(len(history.values) + horizon)])
    model = Prophet(uncertainty_samples=0).fit(pd.DataFrame({"ds": days[: len(history.values)], "y": history.values}))
    return model.predict(pd.DataFrame({"ds": days[len(history.values) :]}))["yhat"].to_numpy(dtype=float)


def m4_weekly(folder: Path) -> Iterator[Case]:
    """The series of M4 Weekly and their test sets."""
    tests = dict(_m4(folder / "Weekly-test.csv.gz"))
    for name, values in _m4(folder / "Weekly-train.csv.gz"):
        yield Case("M4 Weekly", name, History(values, _NO_DATE, step=_WEEK, season=1), tests[name])


def _m4(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    with gzip.open(path, "rt", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for name, *values in rows:
            yield name, np.array([float(value) for value in values if value])


def daily_series(folder: Path) -> Iterator[tuple[str, date, np.ndarray]]:
    """Name, first day and values of each series that has a value for most of the days, at once or once added up."""
    import pandas as pd

    for path in sorted([*folder.glob("*prophet*/*.csv"), *folder.glob("*prophet*/*.csv.gz")]):
        table = pd.read_csv(path)
        days = pd.to_datetime(table.iloc[:, 0], utc=True, format="mixed").dt.tz_localize(None).dt.normalize()
        for name in table.columns[1:]:
            numbers = pd.Series(pd.to_numeric(table[name], errors="coerce").to_numpy(), index=days)
            values = numbers.groupby(level=0).sum(min_count=1).asfreq("D")
            if len(values) >= 2 * LONGEST_TEST and values.notna().mean() >= _FEWEST_DAYS:
                yield f"{path.name.split('.')[0]} {name}", values.index[0].date(), values.interpolate().to_numpy()


def cuts(name: str, first: date, values: np.ndarray) -> Iterator[Case]:
    """A series as it was on some days of its second half."""
    last = len(values) - LONGEST_TEST
    for cut in np.linspace(len(values) / 2, last, CUTS).round().astype(int):
        yield Case(DAILY, name, History(values[:cut], first), values[cut : cut + LONGEST_TEST])


def _standard_error(results: Sequence[Result]) -> float:
    """The largest standard error of the shares within a band, each series being one measurement."""
    series = sorted({one.series for one in results})
    shares = np.array([np.mean([one.coverage for one in results if one.series == name], axis=0) for name in series])
    return float((shares.std(axis=0, ddof=1) / np.sqrt(len(series))).max())


def _grouped(results: Sequence[Result]) -> Mapping[tuple[str, str], list[Result]]:
    found: dict[tuple[str, str], list[Result]] = {}
    for one in results:
        found.setdefault((one.data, one.model), []).append(one)
    return found


def _row(data: str, model: str, results: Sequence[Result]) -> str:
    coverage = [f"{100 * share:.0f} %" for share in np.mean([one.coverage for one in results], axis=0)] or [""] * 4
    figures = [
        f"{100 * np.mean([one.wape for one in results]):.2f} %",
        f"{np.mean([one.mase for one in results]):.3f}",
    ]
    return "| " + " | ".join([data, model, *figures, *coverage]) + " |"
