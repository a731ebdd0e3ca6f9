"""Billing months and the time slots of their lines."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import numpy as np

from .units import FloatArray, IntArray

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
EPOCH = date(1970, 1, 1)

# Weekly shapes, Monday first, mean 1: what is used the same every day, by offices, by shoppers, by weekend batch jobs.
WEEKLY = np.array(
    [
        [1.00, 1.00, 1.00, 1.00, 1.00, 1.00, 1.00],
        [1.12, 1.14, 1.14, 1.13, 1.10, 0.70, 0.67],
        [0.92, 0.91, 0.93, 0.97, 1.07, 1.13, 1.07],
        [0.86, 0.86, 0.86, 0.88, 0.92, 1.22, 1.40],
    ]
)
FLAT, OFFICE, RETAIL, BATCH = range(4)


def _hourly() -> FloatArray:
    hours = np.arange(24)
    office = np.exp(-(((hours - 13) / 4.5) ** 2)) + 0.35
    retail = np.exp(-(((hours - 19) / 4.0) ** 2)) + 0.45
    batch = np.exp(-(((hours - 3) / 2.5) ** 2)) + 0.30
    shapes = np.vstack([np.ones(24), office, retail, batch])
    return np.asarray(shapes / shapes.mean(axis=1, keepdims=True), dtype=np.float64)


HOURLY = _hourly()


def day_number(day: date) -> int:
    """Days since 1970-01-01."""
    return (day - EPOCH).days


def day_of(number: int) -> date:
    """Return the inverse of `day_number`."""
    return EPOCH + timedelta(days=int(number))


def milliseconds(day: date) -> int:
    """Midnight UTC of a day in milliseconds since the epoch."""
    return day_number(day) * DAY_MS


@dataclass(frozen=True)
class Month:
    """A billing month of which the days up to `last` (inclusive) have been delivered."""

    first: date
    last: date

    @property
    def label(self) -> str:
        """The month as YYYY-MM."""
        return f"{self.first:%Y-%m}"

    @property
    def next_first(self) -> date:
        """The first day of the month after."""
        return (self.first + timedelta(days=32)).replace(day=1)

    @property
    def closed(self) -> bool:
        """Whether all of its days have been delivered."""
        return self.last + timedelta(days=1) == self.next_first

    @property
    def days(self) -> int:
        """How many of its days have been delivered."""
        return (self.last - self.first).days + 1

    @property
    def start_ms(self) -> int:
        """Its start in milliseconds since the epoch."""
        return milliseconds(self.first)

    @property
    def end_ms(self) -> int:
        """Its end, exclusive, in milliseconds since the epoch."""
        return milliseconds(self.next_first)

    @property
    def start_text(self) -> str:
        """Its start as AWS writes times."""
        return datetime.combine(self.first, datetime.min.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")

    @property
    def end_text(self) -> str:
        """Its end, exclusive, as AWS writes times."""
        return datetime.combine(self.next_first, datetime.min.time(), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def months_until(end: date, months: int) -> list[Month]:
    """Return the `months` billing months that end with the one of `end`, oldest first; the last one is cut at `end`."""
    if months < 1:
        raise ValueError(f"months must be at least 1, not {months}")
    result: list[Month] = []
    last = end
    for _ in range(months):
        first = last.replace(day=1)
        result.append(Month(first, last))
        last = first - timedelta(days=1)
    return result[::-1]


def whole_month(first: date) -> Month:
    """Return the complete billing month that begins at `first`."""
    probe = Month(first.replace(day=1), first)
    return Month(probe.first, probe.next_first - timedelta(days=1))


@dataclass(frozen=True)
class Slots:
    """Consecutive charge periods of equal length: days, or hours."""

    start_ms: IntArray
    hours: int

    @property
    def size(self) -> int:
        """How many slots there are."""
        return len(self.start_ms)

    @property
    def end_ms(self) -> IntArray:
        """The end of each slot, exclusive."""
        return self.start_ms + self.hours * HOUR_MS

    @property
    def day(self) -> IntArray:
        """The day of each slot, in days since the epoch."""
        return self.start_ms // DAY_MS

    @property
    def hour(self) -> IntArray:
        """The hour of the day at which each slot begins."""
        return (self.start_ms % DAY_MS) // HOUR_MS

    @property
    def weekday(self) -> IntArray:
        """The weekday of each slot, 0 for Monday."""
        # 1970-01-01 was a Thursday.
        return (self.day + 3) % 7

    def part(self, begin: int, end: int) -> "Slots":
        """Return the slots from `begin` to before `end`."""
        return Slots(self.start_ms[begin:end], self.hours)


def slots_of(month: Month, hours: int) -> Slots:
    """All charge periods of `hours` hours (1 or 24) in the delivered days of a month."""
    count = month.days * 24 // hours
    return Slots(month.start_ms + np.arange(count, dtype=np.int64) * hours * HOUR_MS, hours)
