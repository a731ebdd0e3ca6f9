"""What creeps in: rises too slow for any day to stand out, told by the weeks.

The quick incidents of a series are none of this: they are judged by the day beside it, and what they cost is left out here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ml.anomalies import views
from ml.anomalies.settings import Settings

WEEKS, _BEFORE, _TREND = 8, 4, 12
"""A slow rise is looked for in the last weeks, and is how far the newest is above the middle of the weeks before them, and above the
trend of still more weeks before.
"""
_PAIRS = 24
"""How many more pairs of weeks have to rise than fall, of 28 (Mann and Kendall's test of a trend): one in a thousand does by chance."""
_ONE_STEP = 0.45
"""What came by more than this share in one week was judged when it came."""
_FAR = 2.33 * 1.4826
_DAYS = 7 * (WEEKS + _BEFORE)

Floor = Callable[[np.ndarray], np.ndarray]


@dataclass
class Creep:
    """A slow rise of one series. `last`: its last day above; `level`: what a day would have cost without it."""

    row: int
    noticed: int
    last: int
    level: float
    least: float
    peak: float


class Creeping:
    """The slow rises of all series, day after day."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.going_on: dict[int, Creep] = {}
        self.over: list[tuple[Creep, bool]] = []
        """With whether they lasted until they were the new level."""

    def judge(self, day: int, clean: np.ndarray, may_begin: np.ndarray, bars: np.ndarray, floor: Floor) -> None:
        """Take in a day. `clean`: all days until this one, without incidents and fees; `floor`: what matters beyond an expected cost."""
        if day + 1 < 7 * (WEEKS + _TREND):
            return
        # Whole weeks, so that the shape of a week does not matter.
        weeks = views.mean_of(clean[:, day + 1 - _DAYS : day + 1].reshape(len(clean), -1, 7), axis=2)
        last = weeks[:, _BEFORE:]
        level = views.median_of(weeks[:, :_BEFORE], axis=1) + self._growth(clean[:, : day + 1 - 7 * WEEKS])
        least = np.maximum(self.settings.threshold_std_dev * _noise(last), floor(level))
        with np.errstate(invalid="ignore"):
            rise = np.nan_to_num((last[:, -1] - level) / least)
            begins = may_begin & (rise >= bars) & _creeps(last, last[:, -1] - level)
        for row in np.flatnonzero(begins).tolist():
            if row not in self.going_on:
                self.going_on[row] = Creep(row, day, day, float(level[row]), float(least[row]), float(rise[row]))
        for row, one in list(self.going_on.items()):
            beyond = float(last[row, -1] - one.level) / one.least
            if beyond >= 0.5:
                one.last, one.peak = day, max(one.peak, beyond)
            is_new_level = day - one.noticed + 1 >= self.settings.new_level_days
            if is_new_level or beyond < 0.5:
                self.over.append((self.going_on.pop(row), is_new_level))

    @staticmethod
    def _growth(former: np.ndarray) -> np.ndarray:
        """What a series that has grown before has grown by since: from the middle of the weeks before to the newest."""
        weeks = views.mean_of(views.last_days(former, 7 * _TREND).reshape(len(former), _TREND, 7), axis=2)
        found: np.ndarray = np.maximum(views.slope_of(weeks), 0.0) * (WEEKS + (_BEFORE - 1) / 2.0)
        return found


def _creeps(weeks: np.ndarray, rise: np.ndarray) -> np.ndarray:
    """Whether weeks have risen little by little: nearly all pairs of them, and in no single step."""
    one, other = np.triu_indices(weeks.shape[1], 1)
    pairs = np.sum(np.nan_to_num(np.sign(weeks[:, other] - weeks[:, one])), axis=1)
    creeps: np.ndarray = (pairs >= _PAIRS) & (np.fmax.reduce(np.diff(weeks), axis=1) <= _ONE_STEP * rise)
    return creeps


def _noise(weeks: np.ndarray) -> np.ndarray:
    """What 49 of 50 weeks are off a steady change by, as far as their moves tell."""
    moves = np.diff(weeks)
    off = np.abs(moves - views.median_of(moves, axis=1)[:, None])
    found: np.ndarray = _FAR * views.median_of(off, axis=1)
    return found
