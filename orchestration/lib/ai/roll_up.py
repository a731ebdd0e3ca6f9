"""Requests of a log as rows of an hour: one for each set of attributes, with the sums of its requests.

A log has millions of requests and an hour of them a few hundred sets of attributes; nothing later asks for a request.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Context, Decimal, Inexact
from typing import Any

from orchestration.lib.ai.records import Place
from orchestration.lib.formats.ai_usage import AI_USAGE
from orchestration.lib.readers import Batch, batch_of

# Rows kept until they are handed on, about 150 MB: what a large organisation has in some days.
ROWS_KEPT = 200_000
_BATCH_ROWS = 50_000
_HOUR = timedelta(hours=1)
_EXACT = Context(prec=200, traps=[Inexact])
Number = int | Decimal | None
Texts = tuple[str | None, ...]


class RollUp:
    """Sums of requests by hour and attributes. `attributes`, `numbers`: columns of AI_USAGE, in the order of what is added."""

    def __init__(self, attributes: Sequence[str], numbers: Sequence[str]) -> None:
        self._attributes, self._numbers = tuple(attributes), tuple(numbers)
        self._rows: dict[tuple[datetime, Texts], list[Number]] = {}
        self._unknown: dict[tuple[datetime, Texts], Counter[str]] = {}
        self._rows_given = 0
        self._file = ""

    def add(self, hour: datetime, attributes: Texts, numbers: Sequence[Number], place: Place) -> None:
        """Add a request, or several of one hour. `tags` are JSON. Raises FinopsError for what no text column can keep."""
        key = hour, attributes
        row = self._rows.get(key)
        if row is None:
            self._begin(key, numbers, place)
            return
        for position, number in enumerate(numbers):
            if number:
                row[position] = _sum(row[position], number)

    def _begin(self, key: tuple[datetime, Texts], numbers: Sequence[Number], place: Place) -> None:
        for name, text in zip(self._attributes, key[1], strict=True):
            if text is not None and ("\x00" in text or r"\u0000" in text):
                raise place.error(name, text, "holds a NUL byte, which no text column can keep. Remove it.")
        self._rows[key] = list(numbers)
        self._file = place.file

    def add_unknown(self, hour: datetime, attributes: Texts, counts: Mapping[str, int]) -> None:
        """Counts that the normal form has no column for: kept under their own names."""
        self._unknown.setdefault((hour, attributes), Counter()).update(counts)

    def overflow(self) -> Iterator[Batch]:
        """Everything, where it has become too much to keep."""
        if len(self._rows) >= ROWS_KEPT:
            yield from self.rest()

    def rest(self) -> Iterator[Batch]:
        """Everything that was not handed on yet."""
        keys = list(self._rows)
        for begin in range(0, len(keys), _BATCH_ROWS):
            rows = [self._row(*key) for key in keys[begin : begin + _BATCH_ROWS]]
            yield batch_of(AI_USAGE, rows, file=self._file, first_row=self._rows_given + 1)
            self._rows_given += len(rows)
        self._rows.clear()
        self._unknown.clear()

    def _row(self, hour: datetime, attributes: Texts) -> dict[str, Any]:
        key = hour, attributes
        row: dict[str, Any] = dict(zip(self._attributes, attributes, strict=True))
        unknown = self._unknown.get(key)
        return (
            row
            | dict(zip(self._numbers, self._rows[key], strict=True))
            | {
                "usage_start": hour,
                "usage_end": hour + _HOUR,
                "billing_period_start": hour.replace(day=1, hour=0),
                "tags": json.loads(row["tags"]) if row["tags"] else None,
                "unknown_usage": {name: str(count) for name, count in sorted(unknown.items())} if unknown else None,
            }
        )


def _sum(first: Number, second: int | Decimal) -> Number:
    if first is None:
        return second
    if isinstance(first, Decimal) or isinstance(second, Decimal):
        return _EXACT.add(Decimal(first), Decimal(second))
    return first + second
