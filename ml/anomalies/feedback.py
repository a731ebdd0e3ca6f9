"""What people said of incidents, and what follows from it for those to come."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

import numpy as np

from ml.anomalies.detection import Event
from ml.anomalies.incidents import Cells
from ml.anomalies.panel import Panel
from ml.series import Key

Verdict = Literal["acknowledged", "expected", "false"]
RAISES_BAR = 1.5
"""A false alarm has the next of its series be this many times as far out."""
_HIGHEST_BAR = 5.0


@dataclass(frozen=True)
class Feedback:
    """A verdict on an incident (`anomaly_id`), or on days to come of a series. No dimension: of everything."""

    verdict: Verdict
    anomaly_id: str | None
    dimension: str | None
    value: str | None
    first: date | None
    last: date | None

    def is_of(self, key: Key) -> bool:
        return self.dimension is None or (self.dimension, self.value) == (key.dimension, key.value)


def bars(panel: Panel, given: Iterable[Feedback]) -> np.ndarray:
    """How many times the threshold each series has to exceed, by day: more after each false alarm of it."""
    found = np.ones_like(panel.values)
    for one in given:
        if one.verdict == "false" and one.first is not None and one.dimension is not None:
            after = max(0, (one.first - panel.first).days + 1)
            for row, key in enumerate(panel.keys):
                if one.is_of(key):
                    found[row, after:] = np.minimum(found[row, after:] * RAISES_BAR, _HIGHEST_BAR)
    return found


def unexpected(panel: Panel, events: Sequence[Event], given: Iterable[Feedback], cells: Cells) -> list[Event]:
    """The events that nobody expected: those that do not begin on days on which their series, or one that it is part of, is known to cost more."""
    ranges = [one for one in given if one.verdict == "expected" and one.anomaly_id is None and one.first is not None]

    def is_expected(event: Event) -> bool:
        key = panel.keys[event.row]
        begin = (np.datetime64(panel.first) + event.start).item()
        own = frozenset(cells.get(key, ()))
        for one in ranges:
            whole = frozenset().union(*(set(held) for other, held in cells.items() if one.is_of(other)))
            if (one.is_of(key) or (own and own <= whole)) and one.first <= begin <= (one.last or one.first):
                return True
        return False

    return [event for event in events if not is_expected(event)]


def verdict_on(anomaly_id: str, given: Iterable[Feedback]) -> Verdict | None:
    """The last word on an incident."""
    said = [one.verdict for one in given if one.anomaly_id == anomaly_id]
    return said[-1] if said else None
