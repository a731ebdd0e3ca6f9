"""One incident for one event: what is seen on several levels, or on several days, is told once, where it is explained best."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ml.anomalies.creeping import WEEKS
from ml.anomalies.detection import Event
from ml.anomalies.panel import Panel
from ml.series import Key

LEVELS = ("account_service", "ai_model", "account", "service", "project", "team", "cost_center", "provider", "total")
"""From what explains most to what explains least."""
_PAUSE = 3
"""Days between two events of a series, or between their beginnings on two levels, that still are one."""
_ONSET = 7
"""Levels are compared by the first days, so that what an incident is called does not change while it lasts."""
_EXPLAINS = 0.5

Cells = Mapping[Key, Collection[int]]
"""Series -> the cells of the bill that it adds up. Series that share a cell can see the same event."""


def one_each(panel: Panel, events: Sequence[Event], cells: Cells) -> list[Event]:
    """The events that are left when each is told once."""
    rank = {level: number for number, level in enumerate(LEVELS)}
    found = _without_pauses(panel, events)
    # Slow ones last: what was told of at once, and lasts, is in the weeks that tell of them.
    found.sort(key=lambda one: (one.is_slow, rank[panel.keys[one.row].dimension], one.start, one.row))
    sets = {key: frozenset(own) for key, own in cells.items()}
    standing: list[Event] = []
    for event in found:
        own = sets.get(panel.keys[event.row], frozenset())
        below = [
            other
            for other in standing
            if (other.row != event.row or event.is_slow != other.is_slow)
            and _together(event, other)
            and own & sets.get(panel.keys[other.row], frozenset())
        ]
        whole = _onset(panel, event, event)
        parts = [_onset(panel, other, event) for other in below]
        if below and max(parts) >= _EXPLAINS * whole:
            continue
        if len(below) > 1 and sum(parts) >= _EXPLAINS * whole:
            if event.is_slow:
                # What creeps in has a place: the parts are told.
                continue
            # No single part explains it: it is told where they come together.
            standing = [other for other in standing if other not in below]
        standing.append(event)
    return sorted(standing, key=lambda one: (one.start, one.row))


def _without_pauses(panel: Panel, events: Sequence[Event]) -> list[Event]:
    joined: list[Event] = []
    for event in sorted(events, key=lambda one: (one.row, one.is_slow, one.start)):
        former = joined[-1] if joined else None
        is_same = former is not None and (former.row, former.is_slow) == (event.row, event.is_slow)
        if former and is_same and event.is_slow and event.start - former.last <= 7 * WEEKS:
            # It is in the same weeks, and told.
            continue
        if former and is_same and not former.is_new_level and event.start - former.last <= _PAUSE:
            between = panel.values[event.row, former.last + 1 : event.start]
            expected = np.concatenate([former.expected, between, event.expected])
            joined[-1] = replace(
                former,
                end=event.end,
                last=event.last,
                expected=expected,
                surprise=max(former.surprise, event.surprise),
                is_new_level=event.is_new_level,
            )
        else:
            joined.append(event)
    return joined


def _together(event: Event, other: Event) -> bool:
    if event.is_slow and not other.is_slow:
        lasts = other.is_new_level or other.end is None
        return lasts and event.start <= other.last + 7 * WEEKS and other.start <= event.last + _PAUSE
    if event.is_slow:
        # By the weeks that tell of them.
        return event.start <= other.last + 7 * WEEKS and other.start <= event.last + 7 * WEEKS
    return abs(event.start - other.start) <= _PAUSE or other.start <= event.start <= other.last


def _onset(panel: Panel, event: Event, frame: Event) -> float:
    """What an event costs beyond what is expected in the first days of another (or itself)."""
    begin, end = max(event.start, frame.start), min(event.last, frame.last, max(event.start, frame.start) + _ONSET - 1)
    if end < begin:
        begin, end = event.start, min(event.last, event.start + _ONSET - 1)
        if event.is_slow:
            begin, end = max(event.start, event.last - _ONSET + 1), event.last
    excess = panel.values[event.row, begin : end + 1] - event.expected[begin - event.start : end + 1 - event.start]
    return float(np.nansum(excess))
