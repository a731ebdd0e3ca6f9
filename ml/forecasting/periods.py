"""Months, quarters and years that are forecast to their end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

Kind = Literal["month", "quarter", "year"]
_MONTHS: dict[Kind, int] = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Period:
    """A calendar month, quarter or year."""

    kind: Kind
    first: date
    last: date


def periods(trained_to: date, horizon_end: date) -> list[Period]:
    """Those that end after the last complete day and not after the last day that is forecast."""
    found = []
    for kind, months in _MONTHS.items():
        number = ((trained_to + timedelta(days=1)).year * 12 + (trained_to + timedelta(days=1)).month - 1) // months
        while (last := _start(number + 1, months) - timedelta(days=1)) <= horizon_end:
            found.append(Period(kind, _start(number, months), last))
            number += 1
    return found


def _start(number: int, months: int) -> date:
    year, month = divmod(number * months, 12)
    return date(year, month + 1, 1)
