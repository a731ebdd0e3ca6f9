"""Incidents of the hours in progress: cheap enough to be looked for every few minutes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np

from ml.anomalies.incident import SEVERITIES, Incident
from ml.anomalies.settings import Settings
from ml.anomalies.surprise import surprises
from ml.series import Key

HISTORY_DAYS = 35
"""Days of hours that are looked at."""
_JUDGED_HOURS = 48
"""Hours that are told: what is older is in complete days, which are judged by the day."""
_FEWEST_DAYS = 14
_LAGS = (24, 48, 72, 168)
_SURPRISE = 12.0
"""How surprising an hour is, added up over the views of it (see `surprise`), to be told."""
_RELATIVE = 1.0
"""An hour that costs less than twice what is expected is left to the day."""
_PLACES = Decimal("1e-10")

Hours = Mapping[datetime, Decimal]


def hourly_incidents(series: Mapping[Key, Hours], until: datetime, settings: Settings) -> list[Incident]:
    """Incidents of the last two days. `until`: the hour in progress, which is not judged, as what it will have cost is not known."""
    found = []
    for key in sorted(series):
        found += _of_series(key, series[key], until.astimezone(UTC), settings)
    return found


def _of_series(key: Key, hours: Hours, until: datetime, settings: Settings) -> list[Incident]:
    known = [hour for hour in hours if hour < until]
    if not known:
        return []
    first = max(min(known), until - timedelta(days=HISTORY_DAYS))
    stamps = [first + timedelta(hours=number) for number in range(int((until - first).total_seconds() // 3600))]
    if len(stamps) < _FEWEST_DAYS * 24:
        return []
    values = np.array([float(hours.get(stamp, Decimal(0))) for stamp in stamps])
    times = np.array([stamp.replace(tzinfo=None) for stamp in stamps], "datetime64[s]")
    surprise = surprises(times, values)
    days: dict[date, list[tuple[int, Decimal]]] = defaultdict(list)
    for place in range(len(stamps) - _JUDGED_HOURS, len(stamps)):
        # The middle of the same hours before: one of them may have been an incident itself.
        expected = float(np.median([values[place - lag] for lag in _LAGS]))
        rise = values[place] - expected
        if surprise[place] >= _SURPRISE and rise >= max(settings.minimum_cost, _RELATIVE * expected):
            days[stamps[place].date()].append((place, Decimal(repr(expected)).quantize(_PLACES)))
    return [
        _incident(
            key,
            day,
            [(hours.get(stamps[place], Decimal(0)), usual) for place, usual in places],
            places,
            surprise,
            len(stamps),
        )
        for day, places in sorted(days.items())
    ]


def _incident(
    key: Key,
    day: date,
    amounts: Sequence[tuple[Decimal, Decimal]],
    places: Sequence[tuple[int, Decimal]],
    surprise: np.ndarray,
    count: int,
) -> Incident:
    """The hours of a day are one incident; it lasts while its last hour is one of them."""
    actual = sum((paid for paid, _ in amounts), Decimal(0))
    expected = sum((usual for _, usual in amounts), Decimal(0))
    degree = sum(actual >= times * expected + 10 for times in (3, 10))
    farthest = max(float(surprise[place]) for place, _ in places) / _SURPRISE
    is_open = places[-1][0] == count - 1
    return Incident(
        key, day, day, None if is_open else day, (expected,), (actual,), SEVERITIES[1 + degree], round(farthest, 6)
    )
