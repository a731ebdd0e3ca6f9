"""What each stream uses in the hours of a month."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from ..calendar import WEEKLY, Month, day_number
from ..commitments import month_before
from ..estate import seeded
from .prices import CACHE_READ, CACHE_WRITE_1H, CACHE_WRITE_5M, IMAGES, OUTPUT, REQUESTS, SEARCHES, UNCACHED
from .traffic import STREAMS, Stream

_GROWTH_OF_A_MONTH = 0.07
# Every fourth written token of a cache stays for an hour.
_WRITTEN_FOR_AN_HOUR = 0.25


@dataclass(frozen=True)
class Use:
    """One hour of a stream. `counts`: price class, or the number of requests -> how many."""

    stream: Stream
    day: date
    hour: int
    counts: dict[str, int]


def uses_of(month: Month, end: date, seed: int) -> Iterator[Use]:
    """Return what all streams use in the delivered days of a month, stream by stream, in the order of time."""
    for stream in STREAMS:
        first = month_before(end, stream.started)
        last = month_before(end, stream.stopped) - timedelta(days=1)
        rng = seeded(seed, "ai", stream.provider, stream.name, month.label)
        size = (month.days, len(stream.hours))
        noise = np.exp(rng.normal(0.0, 0.18, size))
        lengths = np.exp(rng.normal(0.0, 0.05, (*size, 3)))
        for number in range(month.days):
            day = month.first + timedelta(days=number)
            weekend = day.weekday() > 4
            if not first <= day <= last or (weekend and stream.only_weekdays):
                continue
            grown = np.exp(_GROWTH_OF_A_MONTH / 30.4 * (day_number(day) - day_number(end)))
            level = stream.requests / len(stream.hours) * grown * WEEKLY[stream.weekly, day.weekday()]
            for index, hour in enumerate(stream.hours):
                requests = max(1, round(level * noise[number, index]))
                yield Use(stream, day, hour, _counts(stream, requests, lengths[number, index].tolist()))


def _counts(stream: Stream, requests: int, length: list[float]) -> dict[str, int]:
    if stream.kind == "images":
        return {REQUESTS: requests, IMAGES: requests + requests // 4}
    read = round(requests * stream.read * length[0])
    cached = round(read * stream.cached * min(length[1], 1.0))
    written = round(read * stream.written * min(length[1], 1.0))
    hour_long = round(written * _WRITTEN_FOR_AN_HOUR) if stream.cached > stream.written else 0
    counts = {
        REQUESTS: requests,
        UNCACHED: read - cached - written,
        CACHE_READ: cached,
        CACHE_WRITE_5M: written - hour_long,
        CACHE_WRITE_1H: hour_long,
        OUTPUT: round(requests * stream.output * length[2]),
        SEARCHES: round(requests * stream.searches),
    }
    return {name: count for name, count in counts.items() if count}
