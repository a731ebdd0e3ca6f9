"""Rows of small logs as mappings, whatever file they are in: CSV, lines of JSON, a JSON array, Parquet."""

from __future__ import annotations

import csv
import gzip
import io
import json
import zlib
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import IO, Any, cast

from orchestration.lib.ai.log_lines import blocks_of_lines
from orchestration.lib.ai.records import Place
from orchestration.lib.errors import FinopsError

ENDINGS = (
    *(kind + packed for kind in (".csv", ".json", ".jsonl", ".ndjson") for packed in ("", ".gz")),
    ".parquet",
)
_LARGEST_ARRAY = 256 << 20
_PARQUET_ROWS = 8_192
Row = Mapping[str, Any]


def rows_of(path: Path, file: str) -> Iterator[tuple[Place, Row]]:
    """Every row and where it is: the line of a text file (below its header), the row of a Parquet file.

    Numbers are exact: those of JSON with a fraction are decimals, those of CSV are texts. Raises FinopsError for a file
    that is empty, damaged or of another kind.
    """
    with path.open("rb") as stream:
        start = stream.read(4)
    if start == b"PAR1":
        return _parquet_rows(path, file)
    gzipped = start[:2] == b"\x1f\x8b"
    try:
        with _opened(path, gzipped) as text:
            first = text.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    except (EOFError, OSError, zlib.error) as error:
        raise _damaged(file) from error
    if not first:
        raise FinopsError(f"{file}: the file is empty. Deliver it again, or remove it.")
    if first == b"{":
        return _json_lines(path, file)
    return _json_array(path, file, gzipped) if first == b"[" else _csv_rows(path, file, gzipped)


def _opened(path: Path, gzipped: bool) -> IO[bytes]:
    return cast("IO[bytes]", gzip.open(path)) if gzipped else path.open("rb")


def _damaged(file: str) -> FinopsError:
    return FinopsError(f"{file}: the file is cut off or damaged. Deliver it again.")


def _loads(text: bytes, place: Place | str) -> Any:
    try:
        return json.loads(text, parse_float=Decimal)
    except (ValueError, RecursionError) as error:
        raise FinopsError(f"{place} is not whole JSON ({error}). Deliver the file again.") from None


def _json_lines(path: Path, file: str) -> Iterator[tuple[Place, Row]]:
    for first_line, block in blocks_of_lines(path, file):
        for number, line in enumerate(block.split(b"\n"), first_line):
            if line.strip():
                place = Place(file, number)
                yield place, _object(_loads(line.removeprefix(b"\xef\xbb\xbf"), place), place)


def _json_array(path: Path, file: str, gzipped: bool) -> Iterator[tuple[Place, Row]]:
    try:
        with _opened(path, gzipped) as stream:
            text = stream.read(_LARGEST_ARRAY + 1)
    except (EOFError, OSError, zlib.error) as error:
        raise _damaged(file) from error
    if len(text) > _LARGEST_ARRAY:
        raise FinopsError(f"{file}: a JSON array of more than 256 MB. Deliver a line of JSON for each record.")
    for number, row in enumerate(_loads(text, file), 1):
        place = Place(file, number)
        yield place, _object(row, place)


def _object(row: Any, place: Place) -> Row:
    if not isinstance(row, dict):
        raise FinopsError(f"{place} is a {type(row).__name__}, not a JSON object. Deliver the file again.")
    return row


def _csv_rows(path: Path, file: str, gzipped: bool) -> Iterator[tuple[Place, Row]]:
    try:
        with _opened(path, gzipped) as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
            rows = csv.reader(text, strict=True)
            header = next(rows)
            if len(set(header)) < len(header):
                raise FinopsError(f"{file}: the header has a column twice. Remove one of them and deliver again.")
            for row in filter(None, rows):
                place = Place(file, rows.line_num)
                if len(row) != len(header):
                    raise FinopsError(
                        f"{place} has {len(row)} fields where the header has {len(header)}. Deliver it again."
                    )
                yield place, dict(zip(header, row, strict=True))
    except UnicodeDecodeError as error:
        raise FinopsError(f"{file}: not UTF-8 ({error.reason}). Save it as UTF-8 and deliver again.") from error
    except (EOFError, OSError, zlib.error, csv.Error) as error:
        raise _damaged(file) from error


def _parquet_rows(path: Path, file: str) -> Iterator[tuple[Place, Row]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    number = 0
    try:
        for batch in pq.ParquetFile(path).iter_batches(_PARQUET_ROWS):
            for row in batch.to_pylist(maps_as_pydicts="strict"):
                number += 1
                yield Place(file, number), row
    except (pa.ArrowException, OSError) as error:
        raise _damaged(file) from error
