"""What every part of the configuration is made of: texts, days, names, and settings that refuse what they do not know."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    StringConstraints,
    model_serializer,
    model_validator,
)

UNALLOCATED = "unallocated"
"""The owner of what no team is known for. No team may have this name."""


def shaped(pattern: str, meaning: str) -> AfterValidator:
    """Accept texts of a pattern only, and say in words what is meant."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"must be {meaning}")
        return text

    return AfterValidator(check)


def _iso_day(value: object) -> object:
    """Texts of digits alone would be read as seconds since 1970."""
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("must be a date such as 2026-10-01")
    return value


def _time_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("must be a time zone such as Europe/Berlin or UTC")
    return name


def spelling(text: str) -> str:
    """What two team names or tag values are compared by."""
    return text.strip().lower()


Text = Annotated[str, StringConstraints(min_length=1, strip_whitespace=True)]
Texts = Annotated[tuple[Text, ...], Field(min_length=1)]
Day = Annotated[date, BeforeValidator(_iso_day)]
Month = Annotated[str, shaped(r"20\d\d-(0[1-9]|1[0-2])", "a month such as 2026-01")]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Email = Annotated[str, shaped(r"[^@\s]+@[^@\s]+", "an e-mail address")]


class Settings(BaseModel):
    """A part of the configuration. A key with nothing behind it means the same as no key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _drop_empty(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value for key, value in data.items() if value is not None or key not in cls.model_fields}

    @model_serializer(mode="wrap")
    def _leave_out_empty(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """In SQL a JSON null is a value, a key that is left out is none."""
        return {key: value for key, value in serialize(self).items() if value is not None}


class Dated(Settings):
    """What holds from `valid_from` (always, where None) until the day before `valid_to` (for ever, where None)."""

    valid_from: Day | None = None
    valid_to: Day | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Dated:
        if self.valid_from and self.valid_to and self.valid_from >= self.valid_to:
            raise ValueError(
                "valid_to must be later than valid_from: it is the first day on which this holds no longer"
            )
        return self

    def overlaps(self, other: Dated) -> bool:
        """Whether both hold on some day."""
        starts_before_end = other.valid_to is None or self.valid_from is None or self.valid_from < other.valid_to
        ends_after_start = self.valid_to is None or other.valid_from is None or other.valid_from < self.valid_to
        return starts_before_end and ends_after_start
