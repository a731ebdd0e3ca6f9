"""Files of measurements as batches: CSV, gzipped CSV or Parquet with one measurement a row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from orchestration.lib.errors import FinopsError
from orchestration.lib.utilisation.digest import COLUMNS

ENDINGS = (".csv", ".csv.gz", ".parquet")
_BATCH_ROWS = 1 << 20
_BLOCK_BYTES = 32 << 20
_TEXT = pa.dictionary(pa.int32(), pa.string())
_WHAT = f"A file of measurements has the columns {', '.join(COLUMNS)}"


def read_measurements(path: Path, file: str) -> Iterator[pa.RecordBatch]:
    """The batches of a file, numbers as float64 and times as timestamps; `file` is what errors call it."""
    batches = _parquet(path, file) if file.endswith(".parquet") else _csv(path)
    try:
        for batch in batches:
            yield _checked(batch, file)
    except (pa.ArrowInvalid, pa.ArrowKeyError, OSError, EOFError) as error:
        raise FinopsError(f"{file}: cannot be read: {str(error).splitlines()[0]}. {_WHAT}.") from error


def _csv(path: Path) -> Iterator[pa.RecordBatch]:
    options = pa_csv.ConvertOptions(
        column_types={"resource_id": _TEXT, "metric": _TEXT, "unit": _TEXT, "value": pa.float64()},
        include_columns=list(COLUMNS),
        strings_can_be_null=True,
        null_values=["", "NULL", "null"],
    )
    reading = pa_csv.ReadOptions(block_size=_BLOCK_BYTES)
    with pa_csv.open_csv(path, read_options=reading, convert_options=options) as reader:
        yield from reader


def _parquet(path: Path, file: str) -> Iterator[pa.RecordBatch]:
    with pq.ParquetFile(path, read_dictionary=list(COLUMNS[:3])) as source:
        missing = [name for name in COLUMNS if name not in source.schema_arrow.names]
        if missing:
            raise FinopsError(f"{file}: the column {missing[0]} is missing. {_WHAT}.")
        yield from source.iter_batches(_BATCH_ROWS, columns=list(COLUMNS))


def _checked(batch: pa.RecordBatch, file: str) -> pa.RecordBatch:
    times, values = batch["timestamp"], batch["value"]
    if batch.num_rows and not pa.types.is_timestamp(times.type):
        raise FinopsError(f"{file}: column timestamp: {times[0].as_py()!r} is no time such as 2026-10-01T00:05:00Z.")
    if times.null_count:
        raise FinopsError(f"{file}: column timestamp: {times.null_count} rows have no time.")
    if not pa.types.is_float64(values.type):
        values = values.cast(pa.float64())
    return pa.RecordBatch.from_arrays([batch[name] if name != "value" else values for name in COLUMNS], list(COLUMNS))
