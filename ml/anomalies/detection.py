"""Incidents in daily series: day after day, each judged by the days before it alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ml.anomalies import views
from ml.anomalies.creeping import Creep, Creeping
from ml.anomalies.fees import fees
from ml.anomalies.panel import Panel
from ml.anomalies.rarity import rarities
from ml.anomalies.settings import Settings

SPREAD_DAYS, FEWEST_SPREADS = 91, 10
_COUNTS_FOR = 2.0
_SETTLING = 49
"""Days in which what is known of a series still changes by the day."""
_VIEWS = {"statistical": (0,), "forecast": (1,), "ml": (2,), "combined": (0, 1, 2)}


@dataclass(frozen=True)
class Event:
    """A time in which one series cost more than expected. Days count from the first of the panel.

    `end` is the last day above, None while it lasts.

    `expected`: what each day from `start` on was expected to cost. `surprise`: how many times as far as the threshold the farthest day was.
    """

    row: int
    start: int
    noticed: int
    end: int | None
    last: int
    expected: np.ndarray
    surprise: float
    is_slow: bool
    least: float = 0.0
    """How far beyond what was expected the day (or week) on which it was noticed had to be to be told, about."""
    is_new_level: bool = False
    """Whether it lasted until it was the new level."""


def detect(panel: Panel, settings: Settings, bars: np.ndarray | None = None) -> list[Event]:
    """The events of all series. `bars`: how many times the threshold each series has to exceed on each day (1: as set)."""
    return _Run(panel, settings, np.ones_like(panel.values) if bars is None else bars).events()


class _Run:
    def __init__(self, panel: Panel, settings: Settings, bars: np.ndarray) -> None:
        self.values, self.settings, self.bars = panel.values, settings, bars
        self.count, self.length = panel.values.shape
        self.dates = panel.days.tolist()
        self.scale = panel.scale()
        # What is learnt from: an incident is not, so that it does not become what is expected.
        self.clean = np.full_like(self.values, np.nan)
        self.expected = np.full_like(self.values, np.nan)
        self.misses = np.full((3, self.count, self.length), np.nan)
        self.smoothing = views.Smoothing(self.count)
        self.used = _VIEWS[settings.method]
        paid = np.nan_to_num(views.median_of(self.scale, axis=1)) if self.length else np.zeros(self.count)
        least = np.maximum(settings.minimum_cost, settings.minimum_share_of_total * paid)
        self.fees = fees(self.values, self.dates)
        self.rare = rarities(self.values - self.fees, least / 5.0) if 2 in self.used else np.zeros_like(self.values)
        self.open = np.zeros(self.count, bool)
        self.start = np.zeros(self.count, int)
        self.noticed = np.zeros(self.count, int)
        self.last = np.zeros(self.count, int)
        self.peak = np.zeros(self.count)
        self.least = np.zeros(self.count)
        self.creeping = Creeping(settings)
        self.quiet = np.zeros(self.count, int)
        self.known = np.zeros(self.count, int)
        self.hinted = np.zeros(self.count, bool)
        self.found: list[Event] = []

    def events(self) -> list[Event]:
        for day in range(self.length):
            self._day(day)
        for row in np.flatnonzero(self.open).tolist():
            self._keep(row, None if self.quiet[row] == 0 else int(self.last[row]))
        for creep, is_new_level in self.creeping.over:
            self._keep_slow(creep, creep.last, is_new_level=is_new_level)
        for creep in self.creeping.going_on.values():
            self._keep_slow(creep, None)
        return sorted(self.found, key=lambda one: (one.row, one.start))

    def _day(self, day: int) -> None:
        now = self.values[:, day]
        recent = self.scale[:, max(0, day - 28) : day]
        self.total = np.nan_to_num(views.median_of(recent, axis=1)) if day else np.zeros(self.count)
        is_known = ~np.isnan(now)
        # By the week, which is as fast as they change.
        if day % 7 == 0 or day < _SETTLING:
            self.spreads = [self._spread(self.misses[view], day) for view in (0, 1)]
            self.shape = views.weekday_shape(views.last_days(self.clean[:, :day], views.HISTORY))
            self.slope = views.trend(self.clean[:, :day], self.shape)
            self.shape_day = day
        factor = self.shape[:, (day - self.shape_day) % 7]
        fee = self.fees[:, day]
        estimates = self._estimates(day, factor)
        estimates = estimates + fee
        expected = (
            views.median_of(estimates[list(self.used)], axis=0) if len(self.used) > 1 else estimates[self.used[0]]
        )
        with np.errstate(invalid="ignore"):
            rise = self._rise(day, now, estimates)
            # What was as high on the same weekday of the week before has been told already.
            habit = self.values[:, day - 7] if day >= 7 else np.full(self.count, np.nan)
            rise = np.where(now - np.fmax(habit, expected) >= self._floor(expected), rise, np.minimum(rise, 0.99))
            usual = self.known >= self.settings.minimum_history_days
            # A fee of the first of a month is told from an incident by the second.
            waits = self.dates[day].day == 1
            hints = usual & is_known & ~self.open & (rise >= self.bars[:, day]) & self._matters(now, expected)
            usual &= not waits
            begins = usual & is_known & ~self.open & ((rise >= self.bars[:, day]) & self._matters(now, expected))
        self.expected[:, day] = expected
        self._begin(day, begins)
        self.least[begins] = ((now - expected) / np.maximum(rise, 1.0))[begins]
        self.start[begins & self.hinted] = day - 1
        self.hinted = hints if waits else np.zeros(self.count, bool)
        above = self.open & is_known & (now - expected >= np.maximum(0.4 * self._floor(expected), 0.0)) & (rise >= 0.5)
        above |= self.open & (self.noticed == day)
        self.last[above] = day
        self.quiet = np.where(above, 0, self.quiet + (self.open & is_known))
        self.peak = np.where(above, np.maximum(self.peak, rise), self.peak)
        # An incident is not learnt from.
        without = np.fmin(np.fmax(now - fee, expected - fee), now)
        self.clean[:, day] = np.where(is_known, np.where(self.open, expected - fee, without), np.nan)
        # The shape of a week takes weeks to be known: misses before that say nothing of those after.
        self.misses[:, :, day] = np.where(
            self.open | (self.known < self.settings.minimum_history_days), np.nan, now - estimates
        )
        room = self.settings.threshold_std_dev * self.spreads[1]
        self.smoothing.learn(self.clean[:, day] / factor, room / factor)
        self.known += is_known
        self.creeping.judge(
            day, self.clean[:, : day + 1], usual & is_known & ~self.open, self.bars[:, day], self._floor
        )
        for row in np.flatnonzero(self.open & (self.quiet >= 2)).tolist():
            self._keep(row, int(self.last[row]))
            self._release(row, int(self.last[row]) + 1, day)
        for row in np.flatnonzero(self.open & (day - self.noticed + 1 >= self.settings.new_level_days)).tolist():
            self._keep(row, int(self.last[row]), is_new_level=True)
            self._release(row, int(self.noticed[row]), day)

    def _estimates(self, day: int, factor: np.ndarray) -> np.ndarray:
        recent = views.last_days(self.clean[:, :day], max(self.settings.window_size, 28))
        offsets = (np.arange(day - recent.shape[1], day) - self.shape_day) % 7
        level = recent / self.shape[:, offsets]
        window = self.settings.window_size
        statistical = (views.median_of(level[:, -window:], axis=1) + self.slope * (window + 1) / 2.0) * factor
        found = np.stack(
            [statistical, self.smoothing.ahead() * factor, views.median_of(level[:, -28:], axis=1) * factor]
        )
        # No view goes far beyond what was seen.
        low, high = np.fmin.reduce(recent, axis=1), np.fmax.reduce(recent, axis=1)
        room = 0.2 * (high - low)
        clipped: np.ndarray = np.clip(found, low - room, high + room)
        return clipped

    def _spread(self, misses: np.ndarray, day: int) -> np.ndarray:
        """What 49 of 50 days have stayed within: robust in the middle, and no less than what was seen."""
        past = np.abs(misses[:, max(0, day - SPREAD_DAYS) : day])
        count = np.sum(~np.isnan(past), axis=1)
        if past.shape[1] == 0:
            return np.full(self.count, np.inf)
        ordered = np.sort(past, axis=1)
        middle = np.take_along_axis(ordered, np.maximum(count // 2, 0)[:, None].clip(0, past.shape[1] - 1), axis=1)[
            :, 0
        ]
        far = np.take_along_axis(ordered, np.floor(0.97 * (count - 1)).astype(int).clip(0)[:, None], axis=1)[:, 0]
        return np.where(count >= FEWEST_SPREADS, np.maximum(2.33 * 1.4826 * middle, far), np.inf)

    def _rise(self, day: int, now: np.ndarray, estimates: np.ndarray) -> np.ndarray:
        """How far above what is expected, in thresholds: the geometric mean of the views.

        None counts for more than twice, and two that do overrule the third.
        """
        rises = [
            self.rare[:, day]
            if view == 2
            else self._distance(now - estimates[view], self.spreads[view], estimates[view])
            for view in self.used
        ]
        if len(rises) == 1:
            alone: np.ndarray = np.nan_to_num(rises[0])
            return alone
        # What a view does not know yet, the others decide.
        logs = np.log(np.clip(np.stack(rises), _COUNTS_FOR**-2, _COUNTS_FOR))
        agreed = np.exp(views.mean_of(logs, axis=0))
        # Once they agree, how far it is out is told as most of them see it.
        found: np.ndarray = np.where(agreed >= 1.0, np.fmax(agreed, views.median_of(np.stack(rises), axis=0)), agreed)
        return found

    def _floor(self, expected: np.ndarray) -> np.ndarray:
        least = np.maximum(self.settings.minimum_cost, self.settings.minimum_share_of_total * self.total)
        floor: np.ndarray = np.maximum(self.settings.minimum_relative_change * np.abs(expected), least)
        return floor

    def _matters(self, now: np.ndarray, expected: np.ndarray) -> np.ndarray:
        matters: np.ndarray = now - expected >= self._floor(expected)
        return matters

    def _distance(self, miss: np.ndarray, spread: np.ndarray, expected: np.ndarray) -> np.ndarray:
        """In thresholds: of the spread, and of what matters at all."""
        least = np.maximum(self.settings.threshold_std_dev * spread, self._floor(expected))
        distance: np.ndarray = np.nan_to_num(miss / least, nan=0.0)
        return distance

    def _begin(self, day: int, rows: np.ndarray) -> None:
        self.open |= rows
        self.start[rows], self.noticed[rows], self.last[rows] = day, day, day
        self.peak[rows], self.quiet[rows] = 0.0, 0

    def _keep(self, row: int, end: int | None, *, is_new_level: bool = False) -> None:
        start = int(self.start[row])
        last = int(self.last[row])
        self.found.append(
            Event(
                int(row),
                start,
                int(self.noticed[row]),
                end,
                last,
                self.expected[row, start : last + 1].copy(),
                float(self.peak[row]),
                False,
                float(self.least[row]),
                is_new_level,
            )
        )

    def _keep_slow(self, creep: Creep, end: int | None, *, is_new_level: bool = False) -> None:
        """From the first day of the week that told it on. What else happened on its days is not its own."""
        days = slice(max(0, creep.noticed - 6), creep.last + 1)
        own = np.nan_to_num(self.values[creep.row, days] - self.clean[creep.row, days])
        self.found.append(
            Event(
                creep.row,
                days.start,
                creep.noticed,
                end,
                creep.last,
                creep.level + own,
                creep.peak,
                True,
                creep.least,
                is_new_level,
            )
        )

    def _release(self, row: int, since: int, day: int) -> None:
        """Learn again, from the day `since` on."""
        self.open[row] = False
        self.clean[row, since : day + 1] = self.values[row, since : day + 1]
        level = (
            self.clean[row, max(0, day - 6) : day + 1]
            / self.shape[row, (np.arange(max(0, day - 6), day + 1) - self.shape_day) % 7]
        )
        if not np.all(np.isnan(level)):
            self.smoothing.restart(np.array([row]), np.array([np.nanmedian(level)]))
