"""The landing folder of an API: which days are in it, which are due again, and how a day is put there.

Beside the days of a month, `.fetched.json` notes when each was last asked for. A day's file keeps its bytes while what it
says is the same, so its own time does not tell.
"""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

from orchestration.lib.ai.pages import parse

_NOTES = ".fetched.json"
DEFAULT_REFETCH_DAYS = 3


@dataclass(frozen=True)
class Endpoint:
    """One kind of pages. `is_hourly`: whether it tells the day in progress hour by hour."""

    kind: str
    path: str
    parameters: Callable[[date], list[tuple[str, str]]]
    is_hourly: bool = False


def bounds_of_day(day: date) -> tuple[datetime, datetime]:
    """A day of UTC, from its beginning to the beginning of the next."""
    start = datetime.combine(day, time(), UTC)
    return start, start + timedelta(days=1)


@dataclass(frozen=True)
class Landing:
    """The days of one kind below the folder of a source."""

    root: Path
    kind: str

    def file_of(self, day: date) -> Path:
        return self._month(day) / f"{day}.jsonl.gz"

    def due(self, days: Sequence[date], now: datetime, settled_after: timedelta) -> list[date]:
        """Those that are not there, or were last asked for before they were settled: `settled_after` their end."""
        found = []
        for _, month in groupby(days, lambda day: (day.year, day.month)):
            of_month = list(month)
            notes = self._notes(of_month[0])
            for day in of_month:
                start, end = bounds_of_day(day)
                noted = notes.get(str(day)) if self.file_of(day).exists() else None
                is_settled = noted is not None and datetime.fromisoformat(noted) >= end + settled_after
                if start <= now and not is_settled:
                    found.append(day)
        return found

    def put(self, day: date, bodies: Sequence[bytes], pages: Sequence[dict[str, Any]], now: datetime) -> bool:
        """Replace a day whole, or leave its bytes alone where it says the same; returns whether it was replaced."""
        path = self.file_of(day)
        path.parent.mkdir(parents=True, exist_ok=True)
        changed = _data(path) != [_told(page) for page in pages]
        if changed:
            # A line break in JSON can only be between its parts.
            lines = b"".join(body.replace(b"\r", b"").replace(b"\n", b"") + b"\n" for body in bodies)
            buffer = io.BytesIO()
            with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0) as packed:
                packed.write(lines)
            _replace(path, buffer.getvalue())
        notes = self._notes(day) | {str(day): now.isoformat(timespec="seconds")}
        _replace(path.with_name(_NOTES), json.dumps(notes, indent=0, sort_keys=True).encode())
        return changed

    def _month(self, day: date) -> Path:
        return self.root / self.kind / f"{day:%Y-%m}"

    def _notes(self, day: date) -> dict[str, str]:
        try:
            return dict(json.loads((self._month(day) / _NOTES).read_text()))
        except (OSError, ValueError):
            return {}  # lost or damaged: the days are asked for again


def _data(path: Path) -> list[Any] | None:
    """What the pages of a day say; cursors and the like change from one time to the next and say nothing."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            return [_told(parse(line)) for line in lines]
    except (OSError, EOFError, ValueError, TypeError):
        return None


def _told(page: dict[str, Any]) -> Any:
    return page.get("data", page)


def _replace(path: Path, content: bytes) -> None:
    """Write a file so that there is always the former one or the new one, whole."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    beside.replace(path)


def days_between(first: date, last: date) -> list[date]:
    """Every day from the first to the last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
