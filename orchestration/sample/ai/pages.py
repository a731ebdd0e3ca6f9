"""Files of API pages: a page a line, as an API client that fetched them keeps them."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Iterable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import orjson

Page = dict[str, Any]
# A page of the real APIs has up to 168 hours; smaller ones make several of a day.
HOURS_OF_A_PAGE = 8


def write_lines(path: Path, records: Iterable[Any]) -> None:
    """Write records as gzipped JSON lines; the same records give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = b"".join(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records)
    with path.open("wb") as raw, gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed:
        packed.write(lines)


def write_pages(root: Path, kind: str, day: date, pages: Sequence[Page]) -> None:
    """Write the pages of a day where a client keeps them."""
    write_lines(root / kind / f"{day:%Y-%m}" / f"{day}.jsonl.gz", pages)


def paged(buckets: Sequence[Page], size: int, frame: Page) -> list[Page]:
    """Return the buckets of a day as pages that point to each other, with what each page says besides them."""
    parts = [list(buckets[begin : begin + size]) for begin in range(0, len(buckets), size)]
    return [
        {
            **frame,
            "data": part,
            "has_more": number + 1 < len(parts),
            "next_page": _cursor(parts[number + 1][0]) if number + 1 < len(parts) else None,
        }
        for number, part in enumerate(parts)
    ]


def _cursor(bucket: Page) -> str:
    """Return an opaque text that stands for where the next page begins."""
    begin = str(bucket.get("start_time") or bucket.get("starting_at"))
    return f"page_{base64.urlsafe_b64encode(begin.encode()).decode()}"
