"""Settings of forecasts: what is known to come, which series are forecast by themselves, and how far."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from orchestration.lib.config_base import Day, Settings, Text, shaped
from orchestration.lib.config_places import FilePlace

Country = Annotated[str, shaped(r"[A-Z]{2}", "a country code of two letters such as DE")]
Dimension = Literal["provider", "team", "cost_center", "project", "service", "account", "ai_model"]


class KnownEvent(Settings):
    """Days on which cost is unlike that of others, past ones to learn from and coming ones: a sale, a migration.

    `last`: the same day where it is left out. `lasts`: from `first` on cost is another one for good. `dimension` and `value`: the only
    series that it is about.
    """

    name: Text
    first: Day
    last: Day | None = None
    lasts: bool = False
    dimension: Dimension | None = None
    value: Text | None = None

    @model_validator(mode="after")
    def _in_order(self) -> KnownEvent:
        if self.last and self.last < self.first:
            raise ValueError("last must not be before first")
        if (self.dimension is None) != (self.value is None):
            raise ValueError("dimension and value belong together: they name one series")
        return self


class Forecasts(Settings):
    """How costs to come are foretold."""

    events: tuple[KnownEvent, ...] = ()
    holidays_country: Country | None = None
    holidays_file: FilePlace | None = None
    minimum_share: Annotated[Decimal, Field(ge=0, le=1)] = Decimal("0.02")
    horizon_end: Day | None = None
    workers: Annotated[int, Field(ge=1, le=64)] | None = None
