"""Read delivered files as Arrow batches in one normal form, whatever their format on disk.

In a batch, numbers are their delivered text, times are UTC timestamps, texts and maps are dictionaries (maps as canonical
JSON). Nothing is rounded: a decimal stays the digits that were delivered, a double becomes its shortest exact text.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator, Mapping
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.columns import Column, Format, Kind, squash
from orchestration.lib.header import Layout, match_header
from orchestration.lib.maps import MapCanon

DICTIONARY = pa.dictionary(pa.int32(), pa.string())
TIMESTAMP = pa.timestamp("us", tz="UTC")
NULLS = ["", "NULL", "null"]
# Rows of a wide report take about a kilobyte: large blocks keep the cost per batch small, a few of them keep memory bounded.
CSV_BLOCK_BYTES = 24 << 20
PARQUET_BATCH_ROWS = 1 << 16


@dataclass(frozen=True)
class Batch:
    """Some rows of one file. `columns`: column name -> array; `folded`: map column -> {key: dictionary array}.

    `first_row`: the number of its first row in the file, counted from 1 below the header.
    """

    file: str
    first_row: int
    rows: int
    columns: dict[str, pa.Array]
    folded: dict[str, dict[str, pa.Array]] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()

    def error(self, column: str, index: int, value: object, why: str) -> FinopsError:
        shown = str(value)
        shown = shown if len(shown) <= 80 else f"{shown[:80]}… ({len(shown)} characters)"
        return FinopsError(
            f"{self.file}: row {self.first_row + index}, column {self.headers.get(column, column)}: {shown!r} {why}"
        )


def read_batches(path: Path, format_: Format, constants: Mapping[str, str | None], *, file: str) -> Iterator[Batch]:
    """Read a file batch by batch.

    `file` is what errors call it. Raises FinopsError naming file, row, column and value.
    """
    with path.open("rb") as stream:
        magic = stream.read(4)
    if not magic:
        raise FinopsError(f"{file}: the file is empty. A delivery without charges still has a header; deliver it again.")
    if magic == b"PAR1":
        yield from _read_parquet(path, format_, constants, file)
    elif magic[:2] == b"PK":
        raise FinopsError(f"{file}: a zip archive. Deliver CSV, gzipped CSV or Parquet.")
    else:
        yield from _read_csv(path, format_, constants, file, gzipped=magic[:2] == b"\x1f\x8b")


def billing_period_of(path: Path, format_: Format, constants: Mapping[str, str | None], *, file: str) -> date:
    """The billing month that most rows of a file belong to (the earlier of two that tie)."""
    narrow = replace(format_, columns=tuple(c for c in format_.columns if c.name == format_.billing_period), one_of=(), folded=())
    declared = {name: value for name, value in constants.items() if squash(name) in narrow.by_header}
    counts: Counter[date] = Counter()
    for batch in read_batches(path, narrow, declared, file=file):
        months = batch.columns[format_.billing_period].drop_null().value_counts().to_pylist()
        counts.update({entry["values"].date().replace(day=1): entry["counts"] for entry in months})
    if not counts:
        raise FinopsError(f"{file}: no row tells its billing period. Deliver the file again.")
    return min(counts, key=lambda month: (-counts[month], month))


def _read_csv(
    path: Path, format_: Format, constants: Mapping[str, str | None], file: str, *, gzipped: bool
) -> Iterator[Batch]:
    layout = match_header(format_, _csv_header(path, file, gzipped=gzipped), constants, file=file)
    types = {
        header: pa.string() if column.kind is Kind.NUMBER else DICTIONARY for header, column in layout.direct.items()
    } | {header: DICTIONARY for keys in layout.folded.values() for header in keys}
    try:
        with pa.input_stream(str(path), compression="gzip" if gzipped else None) as stream:
            reader = pa_csv.open_csv(
                stream,
                pa_csv.ReadOptions(block_size=CSV_BLOCK_BYTES),
                pa_csv.ParseOptions(newlines_in_values=True),
                pa_csv.ConvertOptions(
                    column_types=types,
                    include_columns=list(types),
                    null_values=NULLS,
                    strings_can_be_null=True,
                ),
            )
            yield from _normalise(reader, format_, layout, file)
    except (pa.ArrowInvalid, OSError) as error:
        raise FinopsError(_diagnose_csv(path, file, error, gzipped=gzipped)) from error


def _csv_header(path: Path, file: str, *, gzipped: bool) -> list[str]:
    with path.open("rb") as raw:
        start = raw.read(2)
    if start in (b"\xff\xfe", b"\xfe\xff"):
        raise FinopsError(f"{file}: encoded as UTF-16. Save it as UTF-8 and deliver again.")
    try:
        with _open_text(path, gzipped=gzipped) as text:
            headers = next(csv.reader(text), [])
    except (UnicodeDecodeError, EOFError, OSError, zlib.error, csv.Error) as error:
        raise FinopsError(f"{file}: the header cannot be read: {error}. Deliver the file again.") from error
    if not any(headers):
        raise FinopsError(f"{file}: no header in the first line. Deliver the file again.")
    if len(headers) == 1 and ";" in headers[0]:
        raise FinopsError(f"{file}: separated by semicolons. Deliver it separated by commas, with decimal points.")
    return headers


def _open_text(path: Path, *, gzipped: bool) -> IO[str]:
    raw: Any = gzip.open(path, "rb") if gzipped else path.open("rb")
    return io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")


def _diagnose_csv(path: Path, file: str, error: Exception, *, gzipped: bool) -> str:
    """Say in which row a file that Arrow refused goes wrong. Slow and only run on a file that is refused."""
    number = 0
    try:
        with _open_text(path, gzipped=gzipped) as text:
            rows = csv.reader(text, strict=True)
            width = len(next(rows))
            for number, row in enumerate(rows, start=1):
                if row and len(row) != width:
                    return (
                        f"{file}: row {number} has {len(row)} fields where the header has {width}: {row[0][:80]!r} … "
                        "Deliver the file again."
                    )
    except UnicodeDecodeError as failure:
        what = failure.object[failure.start : failure.end]
        return f"{file}: about row {number + 1}: the bytes {what!r} are not UTF-8. Save the file as UTF-8 and deliver again."
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return f"{file}: the gzip stream is cut off or damaged after row {number}. Deliver the file again."
    except csv.Error as failure:
        return f"{file}: about row {number + 1}: {failure}. Deliver the file again."
    return f"{file}: cannot be read: {error}"


def _parquet_file(path: Path, file: str, read_dictionary: list[str] | None = None) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, read_dictionary=read_dictionary)
    except (pa.ArrowException, OSError) as error:
        raise FinopsError(f"{file}: not a whole Parquet file: {error}. Deliver it again.") from error


def _read_parquet(path: Path, format_: Format, constants: Mapping[str, str | None], file: str) -> Iterator[Batch]:
    schema = _parquet_file(path, file).schema_arrow
    layout = match_header(format_, schema.names, constants, file=file)
    texts = [name for name in layout.headers if pa.types.is_string(schema.field(name).type)]
    numbers = {name for name, column in layout.direct.items() if column.kind is Kind.NUMBER}
    parquet = _parquet_file(path, file, [name for name in texts if name not in numbers])
    try:
        batches = parquet.iter_batches(batch_size=PARQUET_BATCH_ROWS, columns=layout.headers)
        yield from _normalise(batches, format_, layout, file)
    except (pa.ArrowException, OSError) as error:
        raise FinopsError(f"{file}: damaged Parquet: {error}. Deliver the file again.") from error


def _normalise(batches: Iterator[pa.RecordBatch], format_: Format, layout: Layout, file: str) -> Iterator[Batch]:
    canon = MapCanon()
    headers = {column.name: header for header, column in layout.direct.items()}
    row = 1
    for raw in batches:
        if raw.num_rows == 0:
            continue
        batch = Batch(file, row, raw.num_rows, {}, {}, headers, layout.ignored)
        for header, column in layout.direct.items():
            batch.columns[column.name] = _column(batch, column, raw.column(header), canon)
        for column, value in layout.constants.items():
            batch.columns[column.name] = _column(batch, column, _repeat(value, raw.num_rows), canon)
        for name, keys in layout.folded.items():
            batch.folded[name] = {key: _text(raw.column(header)) for header, key in keys.items()}
        yield batch
        row += raw.num_rows


def _repeat(value: str, rows: int) -> pa.DictionaryArray:
    return pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int32()), rows), pa.array([value]))


def _column(batch: Batch, column: Column, array: pa.Array, canon: MapCanon) -> pa.Array:
    if column.kind is Kind.NUMBER:
        return _number(batch, column, array)
    if column.kind is Kind.TIME:
        return _time(batch, column, array)
    if column.kind is Kind.MAP:
        return canon.canonical(batch, column, array)
    return _text(array)


def _text(array: pa.Array) -> pa.DictionaryArray:
    """Texts as a dictionary. Ids delivered as numbers become their digits."""
    if pa.types.is_dictionary(array.type):
        return array if array.type == DICTIONARY else array.cast(pa.string()).dictionary_encode()
    return array.cast(pa.string()).dictionary_encode()


def time_texts(array: pa.TimestampArray) -> pa.DictionaryArray:
    """UTC times as texts; each distinct time is formatted once, which is many times faster."""
    encoded = array.dictionary_encode()
    moments = encoded.dictionary.cast(pa.timestamp("us"))
    whole_seconds = pc.all(pc.equal(pc.microsecond(moments), 0)).as_py() and pc.all(pc.equal(pc.millisecond(moments), 0)).as_py()
    texts = (moments.cast(pa.timestamp("s")) if whole_seconds else moments).cast(pa.string())
    return pa.DictionaryArray.from_arrays(encoded.indices, texts)


def _number(batch: Batch, column: Column, array: pa.Array) -> pa.StringArray:
    if pa.types.is_dictionary(array.type):
        return array.dictionary_decode()
    if pa.types.is_string(array.type):
        return array
    if pa.types.is_floating(array.type):
        wrong = pc.indices_nonzero(pc.invert(pc.is_finite(array)).fill_null(False))
        if len(wrong):
            index = wrong[0].as_py()
            raise batch.error(column.name, index, array[index].as_py(), "is not a number.")
    if not (pa.types.is_floating(array.type) or pa.types.is_integer(array.type) or pa.types.is_decimal(array.type)):
        if pa.types.is_null(array.type):
            return pa.nulls(len(array), pa.string())
        raise FinopsError(f"{batch.file}: the column {column.name} holds {array.type}; numbers are needed.")
    return array.cast(pa.string())


def _time(batch: Batch, column: Column, array: pa.Array) -> pa.TimestampArray:
    """UTC times; a time without a zone is UTC, as FOCUS and AWS mean it."""
    if pa.types.is_timestamp(array.type) or pa.types.is_date(array.type):
        naive = array.cast(pa.timestamp("us"), safe=False) if getattr(array.type, "tz", None) is None else array
        return naive.cast(TIMESTAMP, safe=False)
    texts = _text(array)
    parsed: list[datetime | None] = []
    for position, text in enumerate(texts.dictionary.to_pylist()):
        try:
            moment = datetime.fromisoformat(text.strip())
        except ValueError:
            index = pc.index(texts.indices, pa.scalar(position, pa.int32())).as_py()
            if index < 0:  # a dictionary may carry values that no row of this batch uses
                parsed.append(None)
                continue
            why = "is not a date or time. ISO 8601 is needed, such as 2026-10-01T00:00:00Z."
            raise batch.error(column.name, index, text, why) from None
        parsed.append(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
    return pa.array(parsed, TIMESTAMP).take(texts.indices)
