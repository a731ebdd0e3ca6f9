"""What an organisation says about its future, as far as forecasts need it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date

PARTITIONS = ("provider", "service", "account", "team", "cost_center", "project")
"""Dimensions whose values of a day add up to the total."""


@dataclass(frozen=True)
class Event:
    """Days on which cost is known to be unlike others: a sale, a migration; past ones teach what a coming one will do."""

    name: str
    first: date
    last: date
    """Included."""
    lasts: bool = False
    """Whether cost is another one from then on (a migration), rather than on these days alone."""
    dimension: str | None = None
    value: str | None = None
    """Of the only series that it is about; None: of all."""

    def concerns(self, dimension: str, value: str) -> bool:
        return self.dimension in (None, dimension) and self.value in (None, value)


@dataclass(frozen=True)
class ForecastSettings:
    """Settings with their defaults; `config/finops-config.yaml.example` says what each means."""

    holidays: tuple[Event, ...] = ()
    events: tuple[Event, ...] = ()
    use_prophet: bool = True

    def events_of(self, dimension: str, value: str) -> tuple[Event, ...]:
        """Holidays and events that concern a series."""
        return tuple(one for one in (*self.holidays, *self.events) if one.concerns(dimension, value))

    def digest_of(self, dimension: str, value: str) -> str:
        """Changes whenever these settings would give a series another forecast."""
        said = (self.use_prophet, self.events_of(dimension, value))
        return hashlib.sha256(repr(said).encode()).hexdigest()
