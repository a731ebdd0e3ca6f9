"""How surprising each value of a series is, given only what came before it.

Several views of a series (its level, its season, its steps, at its own pace and smoothed; and how much it moves) each say how far a value
is from what they expected. How rare such a distance is follows from the tail of the distances before it: peaks over a threshold
with an exponential tail (Siffer et al., 2017, "Anomaly Detection in Streams with Extreme Value Theory"). The rarities are added up,
as Fisher does with independent tests: what several views find strange is stranger. No view has a constant with a unit, so the
same settings hold for cents a day and for requests in five minutes.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

# A season is a day where there are several values a day, else a week.
DAY, WEEK = 86_400, 7
# How many seasons of distances the tail is learnt from, and how many distances there must be at least.
MEMORY, FEWEST = 14, 50
# The tail begins where one distance in fifty is; its mean excess is read between there and one in two hundred.
_TAIL, _FAR = 0.02, 0.005
# A season is expected to be as it was one, two, three and seven seasons before: yesterday, and the same day of the last week.
_LAGS = (1, 2, 3, 7)
# Of a season: short events are seen at the pace of the series, slow ones as means of an hour of a day.
_SMOOTHED = 24
_TINY = 1e-12


def season_length(times: np.ndarray) -> int:
    """How many values make a season. `times`: datetime64[s], shape (n,), n > 1, in order."""
    step = float(np.median(np.diff(times).astype(float)))
    return round(DAY / step) if 0 < step < DAY else WEEK


def surprises(times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """The surprise of each value, shape (n,): tens of it mean once in 10^tens. 0 where too little came before.

    `times`: datetime64[s], shape (n,), in order; `values`: float64, shape (n,), without NaN.
    """
    if len(values) <= FEWEST:
        return np.zeros(len(values))
    season = season_length(times)
    memory = max(MEMORY * season, FEWEST + 1)
    total = np.zeros(len(values))
    for distances in _views(pd.Series(values), season):
        total += _rarity(distances.fillna(0.0), memory)
    return total


def onsets(surprise: np.ndarray, pause: int) -> np.ndarray:
    """The surprise where it is larger than any of the `pause` values before it, else 0.

    So an event is reported once, when it begins, and again when it becomes worse.
    """
    before = pd.Series(surprise).shift(1).rolling(max(1, pause), min_periods=1).max().fillna(0.0)
    return np.where(surprise > before.to_numpy(), surprise, 0.0)


def _views(series: pd.Series, season: int) -> list[pd.Series]:
    """Distances of each value from what each view expected, each from the past alone."""
    found = []
    for width in (1, max(1, season // _SMOOTHED)):
        smooth = series.rolling(width, min_periods=1).mean()
        before = smooth.shift(width)
        same_phase = pd.concat([smooth.shift(season * lag) for lag in _LAGS], axis=1).median(axis=1)
        level = before.rolling(season, min_periods=min(20, season)).median()
        found += [(smooth - level).abs(), (smooth - same_phase).abs(), (smooth - before).abs()]
    width = max(5, season // 8)
    moves = series.diff().abs()
    # Small moves of a series that hardly moves are no event: they count from a thousandth of its usual move on.
    restless = np.log(moves.rolling(width, min_periods=5).mean() + 1e-3 * moves.expanding().mean() + _TINY)
    usual = restless.shift(width).rolling(season, min_periods=min(20, season)).median()
    return [*found, (restless - usual).abs()]


def _rarity(distances: pd.Series, memory: int) -> np.ndarray:
    """-log10 of the probability of a distance as large, from the distances before it; 0 below the tail."""
    past = distances.shift(1).rolling(memory, min_periods=FEWEST)
    tail, far = past.quantile(1 - _TAIL).to_numpy(), past.quantile(1 - _FAR).to_numpy()
    # Of an exponential tail, the quantiles lie log(_TAIL / _FAR) mean excesses apart.
    excess = np.maximum((far - tail) / np.log(_TAIL / _FAR), 1e-3 * np.abs(tail) + _TINY)
    beyond = (distances.to_numpy() - tail) / excess
    rarity = -np.log10(_TAIL) + beyond / np.log(10)
    return np.where(np.isnan(rarity) | (beyond <= 0), 0.0, rarity)
