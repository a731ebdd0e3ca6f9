"""What a detector is told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

Method = Literal["statistical", "forecast", "ml", "combined"]
METHODS: tuple[Method, ...] = ("statistical", "forecast", "ml", "combined")


@dataclass(frozen=True)
class Expected:
    """Days on which a series, or all where the dimension is None, is known to cost more."""

    first: date
    last: date
    dimension: str | None = None
    value: str | None = None


@dataclass(frozen=True)
class Settings:
    """How anomalies are looked for; the names are those of the section `anomaly_detection`."""

    method: Method = "combined"
    window_size: int = 7
    """Days whose median is the level of a series."""
    threshold_std_dev: float = 2.0
    """How many spreads beyond what is expected a day has to be; a spread is what 49 of 50 days have stayed within."""
    minimum_relative_change: float = 0.1
    """A rise by less than this share of what is expected is none."""
    minimum_cost: float = 10.0
    """A rise by less than this a day, in the currency of the series, is none."""
    minimum_share_of_total: float = 0.005
    """Nor is one by less than this share of all that is paid."""
    minimum_history_days: int = 21
    """Days that a series needs before it is judged."""
    new_level_days: int = 28
    """An incident that has lasted so long is the new level: what follows is judged from there."""
