"""Loading against two parallel COPY streams of pre-encoded CSV of the same rows."""

from __future__ import annotations

import json
import sys
import threading
from datetime import date
from pathlib import Path
from statistics import median

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from psycopg import sql

from benchmarks.measure import Measurement, in_new_process, peak_resident_mb, timed
from orchestration.lib import postgres
from orchestration.lib.formats.columns import Kind, squash
from orchestration.lib.formats.registry import FORMATS
from orchestration.sample.single_month import write_month

PERIOD = date(2026, 9, 1)
RUNS = 3


def measure(work: Path, lines: int) -> list[Measurement]:
    """Each way in turn, three times; the medians are compared."""
    found = []
    for file_format in ("parquet", "csv"):
        folder = work / f"load-{file_format}"
        write_month(folder, source="azure", period=PERIOD, lines=lines, file_format=file_format)
        files = sorted(path for path in folder.rglob("*") if path.suffix in (".parquet", ".csv"))
        halves = _encoded_halves(files)
        ours, copies, peaks = [], [], []
        for _ in range(RUNS):
            copies.append(_copy_seconds(*halves))
            run = in_new_process("benchmarks.load", str(folder))
            ours.append(run["seconds"])
            peaks.append(run["peak_mb"])
        rate, copy_rate = lines / median(ours), lines / median(copies)
        found.append(
            Measurement(
                f"load FOCUS {file_format}, {lines:,} lines",
                f"{rate:,.0f} rows/s",
                f"two COPY streams {copy_rate:,.0f} rows/s",
                f"{rate / copy_rate:.2f}",
                "≥ 0.80",
            )
        )
        found.append(
            Measurement(
                f"  peak resident memory, {file_format}", f"{max(peaks):,.0f} MB", to_hold="≤ 1,024 MB a stream"
            )
        )
    return found


def _encoded_halves(files: list[Path]) -> tuple[list[str], list[bytes]]:
    """The rows as CSV, encoded before the clock starts: header and two halves."""
    tables = [pq.read_table(file) if file.suffix == ".parquet" else pa_csv.read_csv(file) for file in files]
    table = pa.concat_tables([_texts(table) for table in tables])
    middle = table.num_rows // 2
    halves = []
    for part in (table.slice(0, middle), table.slice(middle)):
        sink = pa.BufferOutputStream()
        pa_csv.write_csv(part, sink, pa_csv.WriteOptions(include_header=False))
        halves.append(sink.getvalue().to_pybytes())
    return table.column_names, halves


def _texts(table: pa.Table) -> pa.Table:
    """Maps as JSON texts, as a CSV delivery has them."""
    for position, name in enumerate(table.column_names):
        if pa.types.is_nested(table.schema.field(position).type):
            values = [None if row is None else json.dumps(dict(row)) for row in table.column(position).to_pylist()]
            table = table.set_column(position, name, pa.array(values, pa.string()))
        elif pa.types.is_dictionary(table.schema.field(position).type):
            table = table.set_column(position, name, table.column(position).cast(pa.string()))
    return table


def _copy_seconds(names: list[str], halves: list[bytes]) -> float:
    url = postgres.ensure_running()
    with psycopg.connect(url, autocommit=True) as connection:
        create_wide_table(connection, "bench_wide", names)
    statement = sql.SQL("copy bench_wide from stdin (format csv)")

    def stream(half: bytes) -> None:
        with (
            psycopg.connect(url, options="-c TimeZone=UTC") as connection,
            connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            for begin in range(0, len(half), 1 << 22):
                copy.write(half[begin : begin + (1 << 22)])

    threads = [threading.Thread(target=stream, args=(half,)) for half in halves]
    with timed() as clock:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    return clock.seconds


def stream_csv(connection: psycopg.Connection, name: str, table: pa.Table) -> float:
    """Copy a table in over one stream; returns the seconds of the COPY alone."""
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(_texts(table), sink, pa_csv.WriteOptions(include_header=False))
    encoded = memoryview(sink.getvalue())
    statement = sql.SQL("copy {} from stdin (format csv)").format(sql.Identifier(name))
    with timed() as clock, connection.cursor() as cursor, cursor.copy(statement) as copy:
        for begin in range(0, len(encoded), 1 << 22):
            copy.write(encoded[begin : begin + (1 << 22)])
    return clock.seconds


def create_wide_table(
    connection: psycopg.Connection, name: str, headers: list[str], format_name: str = "focus"
) -> None:
    """A table with every delivered column, typed as the raw schema types it; maps are text, the cheapest there is."""
    columns = []
    for header in headers:
        column = FORMATS[format_name].by_header.get(squash(header))
        kind = "text" if column is None or column.kind is Kind.MAP else column.kind.value
        columns.append(sql.SQL("{} " + kind).format(sql.Identifier(header)))
    connection.execute(sql.SQL("drop table if exists {}").format(sql.Identifier(name)))
    connection.execute(sql.SQL("create table {} ({})").format(sql.Identifier(name), sql.SQL(", ").join(columns)))


def load_folder(folder: Path, source_name: str, format_name: str) -> float:
    """Take in the one month below a folder with an empty scope; returns the seconds it took."""
    from orchestration.lib import ledger
    from orchestration.lib.deliveries import discover
    from orchestration.lib.loader import load_delivery
    from orchestration.lib.storage import Folder
    from orchestration.lib.warehouse import ensure_warehouse

    url = postgres.ensure_running()
    storage, format_ = Folder(folder), FORMATS[format_name]
    with ledger.connect(url) as connection:
        ensure_warehouse(connection)
    with timed() as clock:
        (delivery,) = discover(storage, lambda _: PERIOD)
        load_delivery(url, storage, delivery, format_, source_name=source_name, constants={})
    return clock.seconds


if __name__ == "__main__":
    from uuid import uuid4

    seconds = load_folder(Path(sys.argv[1]), f"bench_{uuid4().hex[:8]}", "focus")
    print(json.dumps({"seconds": seconds, "peak_mb": peak_resident_mb()}))
