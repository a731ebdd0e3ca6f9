"""Read delivered files as Arrow batches in one normal form, whatever their format on disk.

In a batch, numbers are their delivered text, times are UTC timestamps, texts and maps are dictionaries (maps as canonical
JSON). Nothing is rounded: a decimal stays the digits that were delivered, a double becomes its shortest exact text.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.columns import Column, Format, Kind, squash
from orchestration.lib.header import Layout, match_header
from orchestration.lib.maps import MapCanon, dumps

DICTIONARY = pa.dictionary(pa.int32(), pa.string())
TIMESTAMP = pa.timestamp("us", tz="UTC")
# Python's CSV reader, which reads headers and looks for what is wrong, would refuse fields beyond 128 KB.
csv.field_size_limit(1 << 30)
NULLS = ["", "NULL", "null"]
_NULL_TEXTS = pa.array(NULLS)
_NULL_LENGTHS = np.unique([len(text) for text in NULLS])
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
        raise FinopsError(
            f"{file}: the file is empty. A delivery without charges still has a header; deliver it again."
        )
    if magic == b"PAR1":
        yield from _read_parquet(path, format_, constants, file)
    elif magic[:2] == b"PK":
        raise FinopsError(f"{file}: a zip archive. Deliver CSV, gzipped CSV or Parquet.")
    else:
        yield from _read_csv(path, format_, constants, file, gzipped=magic[:2] == b"\x1f\x8b")


def batch_of(format_: Format, rows: Sequence[Mapping[str, Any]], *, file: str, first_row: int) -> Batch:
    """Records that were parsed already as a batch: column -> text, number, aware datetime, or mapping of texts.

    A number may be an int, a Decimal or its delivered text, never a float. Columns that are null in every row are left out.
    """
    columns: dict[str, pa.Array] = {}
    for column in format_.columns:
        values = [row.get(column.name) for row in rows]
        if all(value is None for value in values):
            continue
        if column.kind is Kind.TIME:
            columns[column.name] = pa.array(values, TIMESTAMP)
            continue
        if column.kind is Kind.MAP:
            values = [None if value is None else dumps(value) for value in values]
        texts = pa.array([None if value is None else str(value) for value in values], pa.string())
        columns[column.name] = texts if column.kind is Kind.NUMBER else texts.dictionary_encode()
    return Batch(file, first_row, len(rows), columns)


def billing_period_of(path: Path, format_: Format, constants: Mapping[str, str | None], *, file: str) -> date:
    """The billing month that most rows of a file belong to (the earlier of two that tie)."""
    narrow = replace(
        format_, columns=tuple(c for c in format_.columns if c.name == format_.billing_period), one_of=(), folded=()
    )
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
            yield from _normalise(reader, layout, file)
    except (pa.ArrowInvalid, OSError) as error:
        raise FinopsError(_diagnose_csv(path, file, error, gzipped=gzipped)) from error


def _csv_header(path: Path, file: str, *, gzipped: bool) -> list[str]:
    with path.open("rb") as raw:
        start = raw.read(2)
    utf16 = f"{file}: encoded as UTF-16. Save it as UTF-8 and deliver again."
    if start in (b"\xff\xfe", b"\xfe\xff"):
        raise FinopsError(utf16)
    try:
        with _open_text(path, gzipped=gzipped) as text:
            headers = next(csv.reader(text), [])
    except (EOFError, OSError, zlib.error, csv.Error) as error:
        raise FinopsError(_diagnose_csv(path, file, error, gzipped=gzipped)) from error
    if wrong := next((header for header in headers if not _is_utf8(header)), None):
        raise FinopsError(f"{file}: {_not_utf8('the header', wrong)}")
    if any("\x00" in header for header in headers):
        raise FinopsError(utf16)
    if not any(headers):
        raise FinopsError(f"{file}: no header in the first line. Deliver the file again.")
    if len(headers) == 1 and ";" in headers[0]:
        raise FinopsError(f"{file}: separated by semicolons. Deliver it separated by commas, with decimal points.")
    return headers


def _open_text(path: Path, *, gzipped: bool) -> IO[str]:
    raw: Any = (gzip.open if gzipped else open)(path, "rb")
    # Bytes that are not UTF-8 are kept, so that it can be said where they are.
    return io.TextIOWrapper(raw, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\udc80" <= character <= "\udcff" for character in text)


def _not_utf8(where: str, text: str) -> str:
    what = text.encode(errors="surrogateescape")[:80]
    return f"{where}: {what!r} is not UTF-8. Save the file as UTF-8 and deliver it again."


def _diagnose_csv(path: Path, file: str, error: Exception, *, gzipped: bool) -> str:
    """Say in which row a file that Arrow refused goes wrong. Slow and only run on a file that is refused."""
    number = 0
    try:
        if gzipped:
            _check_gzip(path)
        with _open_text(path, gzipped=gzipped) as text:
            rows = csv.reader(text, strict=True)
            headers = next(rows)
            for number, row in enumerate(filter(None, rows), start=1):
                if len(row) != len(headers):
                    return (
                        f"{file}: row {number} has {len(row)} fields where the header has {len(headers)}: {row[0][:80]!r} … "
                        "Deliver the file again."
                    )
                for header, value in zip(headers, row, strict=True):
                    if not _is_utf8(value):
                        return f"{file}: {_not_utf8(f'row {number}, column {header}', value)}"
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return f"{file}: the gzip stream is cut off or damaged. Deliver the file again."
    except csv.Error as failure:
        return f"{file}: about row {number + 1}: {failure}. Deliver the file again."
    return f"{file}: cannot be read: {error}"


def _check_gzip(path: Path) -> None:
    with gzip.open(path, "rb") as stream:
        while stream.read(1 << 20):
            pass


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
        batches = map(_with_nulls, parquet.iter_batches(batch_size=PARQUET_BATCH_ROWS, columns=layout.headers))
        yield from _normalise(batches, layout, file)
    except (pa.ArrowException, OSError) as error:
        raise FinopsError(f"{file}: damaged Parquet: {error}. Deliver the file again.") from error


def _with_nulls(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Texts that mean null in CSV mean it in Parquet too: AWS writes empty texts for what it leaves out.

    Raises ArrowInvalid for bytes that are not UTF-8, which Parquet readers let through.
    """
    batch.validate(full=True)
    for position, array in enumerate(batch.columns):
        encoded = pa.types.is_dictionary(array.type)
        texts = array.dictionary if encoded else array
        if pa.types.is_string_view(texts.type):
            texts = texts.cast(pa.string())
        if not _is_text(texts.type):
            continue
        # Most columns have no text as short as a null: then nothing more is looked at.
        if not np.isin(pc.binary_length(texts).to_numpy(zero_copy_only=False), _NULL_LENGTHS).any():
            continue
        nulls = pc.is_in(texts.cast(pa.string()), value_set=_NULL_TEXTS)
        cleaned = _without(array, nulls) if encoded else pc.if_else(nulls, None, texts)
        batch = batch.set_column(position, batch.schema.names[position], cleaned)
    return batch


def _without(array: pa.DictionaryArray, nulls: pa.BooleanArray) -> pa.DictionaryArray:
    """The array with null for the entries of its dictionary that are marked."""
    present = np.append(~nulls.to_numpy(zero_copy_only=False), False)  # index -1, a null, finds the last
    indices = array.indices.cast(pa.int32()).fill_null(-1).to_numpy()
    validity = np.packbits(present.take(indices), bitorder="little")
    kept = pa.Array.from_buffers(pa.int32(), len(indices), [pa.py_buffer(validity), pa.py_buffer(indices)])
    return pa.DictionaryArray.from_arrays(kept, array.dictionary)


def _normalise(batches: Iterator[pa.RecordBatch], layout: Layout, file: str) -> Iterator[Batch]:
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
    # The same time has the same text in every batch, whatever times are beside it.
    texts = pc.replace_substring(moments.cast(pa.string()), ".000000", "")
    return pa.DictionaryArray.from_arrays(encoded.indices, texts)


def _number(batch: Batch, column: Column, array: pa.Array) -> pa.StringArray:
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if _is_text(array.type):
        return array.cast(pa.string())
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


def _is_text(type_: pa.DataType) -> bool:
    return bool(pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_string_view(type_))


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
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            index = pc.index(texts.indices, pa.scalar(position, pa.int32())).as_py()
            if index < 0:  # a dictionary may carry values that no row of this batch uses
                parsed.append(None)
                continue
            why = "is not a date or time. ISO 8601 is needed, such as 2026-10-01T00:00:00Z."
            raise batch.error(column.name, index, text, why) from None
        parsed.append(moment)
    return pa.array(parsed, TIMESTAMP).take(texts.indices)
