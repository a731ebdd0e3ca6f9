"""Incidents as they are told: what, when, how much and how bad."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Literal

import numpy as np

from ml.anomalies.detection import Event
from ml.anomalies.panel import Panel
from ml.series import Key

MODEL_VERSION = "2"
Severity = Literal["low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("low", "medium", "high", "critical")
# Of all that is paid in a day, what an incident costs a day.
_SHARES = (0.01, 0.02, 0.05)
_DOUBTFUL = 1.5
"""An incident that is hardly beyond the threshold is one degree less severe."""
_PLACES = Decimal("1e-10")


@dataclass(frozen=True)
class Incident:
    """Costs beyond what was expected, day by day from `started_on` on; `ended_on` is None while it lasts."""

    key: Key
    started_on: date
    noticed_on: date
    ended_on: date | None
    expected: tuple[Decimal, ...]
    actual: tuple[Decimal, ...]
    severity: Severity
    surprise: float

    @property
    def incident_id(self) -> str:
        """The same in every run that finds it beginning on the same day."""
        told = "\n".join((self.key.dimension, self.key.value, self.key.currency, self.started_on.isoformat()))
        return hashlib.sha256(told.encode()).hexdigest()[:32]

    @property
    def last_seen_on(self) -> date:
        return self.started_on + timedelta(days=len(self.actual) - 1)

    @property
    def impact(self) -> Decimal:
        return sum(self.actual, Decimal(0)) - sum(self.expected, Decimal(0))


def incident_of(panel: Panel, event: Event, amounts: Mapping[date, Decimal]) -> Incident:
    """The incident of an event. `amounts`: the exact costs of its series by day; a day that is not there cost nothing."""
    days = [panel.first + timedelta(days=number) for number in range(event.start, event.last + 1)]
    known = ~np.isnan(panel.values[event.row, event.start : event.last + 1])
    # Of a day that is not known there is no saying how much more it cost.
    actual = [
        amounts.get(day, Decimal(0)) if is_known else Decimal(0) for day, is_known in zip(days, known, strict=True)
    ]
    expected = [
        Decimal(repr(float(value))).quantize(_PLACES) if is_known and np.isfinite(value) else paid
        for value, is_known, paid in zip(event.expected, known, actual, strict=True)
    ]
    end = None if event.end is None else panel.first + timedelta(days=event.end)
    return Incident(
        panel.keys[event.row],
        days[0],
        panel.first + timedelta(days=event.noticed),
        end,
        tuple(expected),
        tuple(actual),
        _severity(panel, event),
        round(event.surprise, 6),
    )


def _severity(panel: Panel, event: Event) -> Severity:
    """By what it costs a day of all that is paid in a day, and by how sure it is."""
    days = slice(event.start, event.last + 1)
    excess = float(np.nanmean(panel.values[event.row, days] - event.expected))
    paid = panel.scale()[event.row, max(0, event.start - 28) : event.start]
    usual = float(np.nanmedian(paid)) if np.any(~np.isnan(paid)) else 0.0
    # Where nobody says what is paid in all, the series itself is all there is.
    usual = usual if usual > 0 else float(np.nanmax(panel.values[event.row, days]))
    degree = sum(excess >= share * usual for share in _SHARES)
    return SEVERITIES[max(0, degree - 1) if event.surprise < _DOUBTFUL else degree]


def told(incidents: Sequence[Incident]) -> list[Incident]:
    """In the order in which they are told: the newest first, then by name."""
    return sorted(incidents, key=lambda one: (-one.started_on.toordinal(), one.key))
