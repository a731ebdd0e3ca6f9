"""Which model a series is forecast with, and how good each was."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ml.forecasting.backtest import MEDIAN, PROPHET, Backtest
from ml.forecasting.bands import LEVELS, Spread, spread_of

CLEARLY = 0.8
"""A model may take the place of the median of all where its backtest error is below this share of the median's."""
_PARTS = 4


@dataclass(frozen=True)
class Score:
    """What a backtest says about a model. Not every series can be tested: a fallback has no figures."""

    model: str
    wape: float | None
    mase: float | None
    coverage_80: float | None
    coverage_95: float | None
    folds: int
    is_chosen: bool
    reason: str


def choose(test: Backtest) -> str:
    """The median of the models, unless one of them is clearly better: by a fifth, and by more than chance would have it.

    The best of several in a handful of weeks is often the luckiest; the median is seldom far behind, and never the worst.
    """
    best, error = MEDIAN, CLEARLY
    for model in test.forecasts:
        asked = test.asked(model)
        rival, own = _losses(test, MEDIAN)[asked], _losses(test, model)[asked]
        share = float(own.sum() / rival.sum()) if rival.any() else 1.0
        if share < error and _beyond_chance(rival - own, test.windows):
            best, error = model, share
    return best


def _beyond_chance(gains: np.ndarray, windows: float) -> bool:
    """Whether what was gained at each origin is more than its standard error; windows that overlap are worth as many as do not."""
    if len(gains) < 2:
        return False
    return bool(gains.mean() > gains.std(ddof=1) / np.sqrt(min(windows, len(gains))))


def scores(test: Backtest, chosen: str) -> list[Score]:
    found = []
    for model in test.forecasts:
        asked = test.asked(model)
        inside_80, inside_95 = _coverage(test.errors(model)[asked], test.windows)
        word = "clearly better than the median" if model == chosen != MEDIAN else ""
        found.append(
            Score(
                model, test.wape(model), test.mase(model), inside_80, inside_95, int(asked.sum()), model == chosen, word
            )
        )
    return found + [
        Score(model, None, None, None, None, 0, False, f"failed: {why}") for model, why in test.failed.items()
    ]


def spread_of_chosen(test: Backtest, chosen: str) -> Spread:
    """How far off the chosen model is. Prophet has too few folds to tell: the median's spread, scaled by how both did on those."""
    if chosen != PROPHET:
        return spread_of(test.errors(chosen), test.windows, test.far.get(chosen))
    asked = test.asked(chosen)
    rival = _square(test, MEDIAN, asked)
    share = _square(test, chosen, asked) / rival if rival > 0.0 else 1.0
    spread = spread_of(test.errors(MEDIAN), test.windows, test.far.get(MEDIAN))
    return replace(
        spread,
        noise=spread.noise * share,
        level=spread.level * share,
        drift=spread.drift * share,
        slope=spread.slope * share,
        noise_of_sums=spread.noise_of_sums * share,
    )


def _losses(test: Backtest, model: str) -> np.ndarray:
    """The mean absolute error at each origin."""
    return np.asarray(np.abs(test.errors(model)).mean(axis=1))


def _square(test: Backtest, model: str, asked: np.ndarray) -> float:
    return float((test.errors(model)[asked] ** 2).mean())


def _coverage(errors: np.ndarray, windows: float) -> list[float | None]:
    """The share of errors within the bands that the other origins give: a quarter of the origins is tested by the rest."""
    if len(errors) < _PARTS:
        return [None for _ in LEVELS]
    parts = np.array_split(np.arange(len(errors)), _PARTS)
    inside: dict[int, list[np.ndarray]] = {band: [] for band in LEVELS}
    for part in parts:
        spread = spread_of(np.delete(errors, part, axis=0), windows * (1 - 1 / _PARTS))
        for band in LEVELS:
            inside[band].append(np.abs(errors[part]) <= spread.widths(errors.shape[1], band))
    return [float(np.concatenate(inside[band]).mean()) for band in LEVELS]
