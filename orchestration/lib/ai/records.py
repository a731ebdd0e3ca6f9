"""What the records of all usage logs have: a place, times, counts, tags."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from orchestration.lib.errors import FinopsError
from orchestration.lib.maps import dumps


@dataclass(frozen=True)
class Place:
    """Where a record is."""

    file: str
    line: int

    def error(self, field: str, value: object, why: str) -> FinopsError:
        """An error that names the record, the field and its value."""
        shown = str(value)
        shown = shown if len(shown) <= 80 else f"{shown[:80]}… ({len(shown)} characters)"
        return FinopsError(f"{self}, {field}: {shown!r} {why}")

    def __str__(self) -> str:
        return f"{self.file}: line {self.line}"


def moment_of(text: object, field: str, place: Place) -> datetime:
    """A UTC time from an ISO 8601 text or a time; one without a zone is UTC. Raises FinopsError for what is no time."""
    try:
        moment = datetime.fromisoformat(text.strip()) if isinstance(text, str) else text
        if isinstance(moment, datetime):
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise place.error(field, text, "is not a date and time. ISO 8601 is needed, such as 2026-10-01T00:00:00Z.")


def number_of(value: object, field: str, place: Place) -> Decimal | None:
    """An exact number; nothing is None. Raises FinopsError for what is no finite number."""
    if value is None or value == "":
        return None
    if isinstance(value, int | float | Decimal | str) and not isinstance(value, bool):
        try:
            number = Decimal(str(value).strip())
        except ArithmeticError:
            number = Decimal("nan")
        if number.is_finite():
            return number
    raise place.error(field, value, "is not a number.")


def count_of(value: object, field: str, place: Place) -> int:
    """A count; nothing is 0. Raises FinopsError for a negative one and for what is none."""
    number = number_of(value, field, place) or Decimal(0)
    if number < 0:
        raise place.error(
            field, value, "is negative, and a log takes no usage back. Correct the file and deliver it again."
        )
    # A count of more digits is a mistake, and the power of ten would be a number of gigabytes.
    if number.adjusted() > 18 or number != number.to_integral_value():
        raise place.error(field, value, "is not a count. A whole number is needed.")
    return int(number)


def tags_text(tags: Mapping[str, str]) -> str | None:
    """Tags as a text that is the same for the same tags."""
    return dumps(dict(tags)) if tags else None
