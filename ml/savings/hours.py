"""How busy each hour of the week was at most."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HOURS = 7 * 24


@dataclass(frozen=True)
class HoursOfWeek:
    """CPU in per cent by hour of the week, Monday first, UTC: the highest in all weeks, not a number where none was measured.

    `samples`: how many hours were measured of each.
    """

    highest: NDArray[np.float64]
    samples: NDArray[np.int64]

    @property
    def days(self) -> float:
        return float(self.samples.sum()) / 24


@dataclass(frozen=True)
class OnTime:
    """When something has to run: from an hour to another on workdays, and on weekends or not."""

    first: int
    end: int
    weekend: bool

    @property
    def words(self) -> str:
        days = "every day" if self.weekend else "Monday to Friday"
        return f"{days}, {self.first:02d}:00 to {self.end:02d}:00 UTC"


def on_time(hours: HoursOfWeek, below: float) -> OnTime | None:
    """The shortest time that covers every hour in which it was busy; None where it was never."""
    needed = (hours.highest >= below).reshape(7, 24)
    if not needed.any():
        return None
    used = np.flatnonzero(needed.any(axis=0))
    return OnTime(int(used[0]), int(used[-1]) + 1, bool(needed[5:].any()))


def off_share(hours: HoursOfWeek, on: OnTime) -> float:
    """The share of the measured hours in which it would be off."""
    keep = np.zeros((7, 24), bool)
    keep[: 7 if on.weekend else 5, on.first : on.end] = True
    total = hours.samples.sum()
    return 1.0 - float(hours.samples[keep.reshape(-1)].sum()) / float(total) if total else 0.0
