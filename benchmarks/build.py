"""The SQL of a full build of a month, of a re-delivered day in it, and of the same roll-up in plain SQL and in DuckDB."""

from __future__ import annotations

import os
import subprocess
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import median

import psycopg
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from psycopg import sql

from benchmarks.load import PERIOD, create_wide_table, load_folder, stream_csv
from benchmarks.measure import Measurement, statement_seconds, timed
from orchestration.lib import dbt, postgres
from orchestration.lib.config import load_config
from orchestration.lib.config_store import store_config
from orchestration.lib.settings import sample_config_file
from orchestration.sample.single_month import write_month

RUNS = 3
CHANGED_DAY = date(2026, 9, 17)
SUMMED = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost", "ConsumedQuantity", "PricingQuantity")
NOT_GROUPED = ("ChargePeriodStart", "ChargePeriodEnd", "ListUnitPrice", "ContractedUnitPrice", *SUMMED)


def measure(work: Path, lines: int) -> list[Measurement]:
    """Load a month, build it three times from nothing, then re-deliver one day and build again."""
    folder = work / "build"
    write_month(folder, source="azure", period=PERIOD, lines=lines, file_format="parquet")
    files = sorted(folder.rglob("*.parquet"))
    url = postgres.ensure_running()
    with psycopg.connect(url) as connection:
        store_config(connection, load_config(sample_config_file()))
    load_folder(folder, "azure", "focus")
    names = [name for name in pq.read_schema(files[0]).names if not name.startswith("x_")]
    with psycopg.connect(url, autocommit=True) as connection:
        create_wide_table(connection, "bench_wide", names)
        for file in files:
            stream_csv(connection, "bench_wide", pq.read_table(file, columns=names))
        connection.execute("analyze bench_wide")
    plain = median(_plain_seconds(url, names) for _ in range(RUNS))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop table bench_wide, bench_rollup")
    duck = median(_duckdb_seconds(files, names) for _ in range(RUNS))
    full = median(_full_build_seconds(url) for _ in range(RUNS))
    _same_total(url)
    _change_one_day(files)
    load_folder(folder, "azure", "focus")
    with statement_seconds(url) as changed:
        _dbt_build(url)
    _same_total(url)
    what = f"SQL of a full build, {lines:,} lines"
    return [
        Measurement(what, f"{full:.1f} s", f"one plain roll-up {plain:.1f} s", f"{full / plain:.2f}", "≤ 2"),
        Measurement(what, f"{full:.1f} s", f"DuckDB from Parquet {duck:.2f} s", f"{full / duck:.1f}", "to know"),
        Measurement(
            "SQL after a day is re-delivered",
            f"{changed.seconds:.2f} s",
            f"full build {full:.1f} s",
            f"{changed.seconds / full:.3f}",
            "< 0.1",
        ),
    ]


def _roll_up(names: list[str], table: str, day: str) -> str:
    grouped = ", ".join(f'"{name}"' for name in names if name not in NOT_GROUPED)
    sums = ", ".join(f'sum("{name}") as "{name}"' for name in SUMMED)
    return f"select {day} as day, {grouped}, count(*) as lines, {sums} from {table} group by {day}, {grouped}"


def _plain_seconds(url: str, names: list[str]) -> float:
    with psycopg.connect(url, autocommit=True, options="-c TimeZone=UTC") as connection:
        connection.execute("drop table if exists bench_rollup")
        with timed() as clock:
            connection.execute(
                "create table bench_rollup as " + _roll_up(names, "bench_wide", '"ChargePeriodStart"::date')
            )
    return clock.seconds


def _duckdb_seconds(files: list[Path], names: list[str]) -> float:
    import duckdb

    with duckdb.connect() as connection, timed() as clock:
        table = f"read_parquet({[str(file) for file in files]!r})"
        connection.execute("create table rollup as " + _roll_up(names, table, 'cast("ChargePeriodStart" as date)'))
    return clock.seconds


def _full_build_seconds(url: str) -> float:
    with psycopg.connect(url, autocommit=True) as connection:
        for schema in ("finops", "intermediate", "staging"):
            connection.execute(sql.SQL("drop schema if exists {} cascade").format(sql.Identifier(schema)))
    with statement_seconds(url) as clock:
        _dbt_build(url)
    return clock.seconds


def _dbt_build(url: str) -> None:
    subprocess.run(
        [
            str(dbt.executable()),
            "--quiet",
            *dbt.BUILD_ARGUMENTS,
            "--exclude",
            dbt.THOROUGH,
            "--project-dir",
            str(dbt.project_dir()),
        ],
        env={**os.environ, **dbt.environment(url)},
        check=True,
    )


def _same_total(url: str) -> None:
    """What is timed is also right."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select (select sum(billed_cost) from raw.focus_charges), (select sum(billed_cost) from finops.cost_records),"
            " (select sum(billed_cost) from finops.chargeback_reports)"
        ).fetchone()
    if row is None or len({Decimal(value).normalize() for value in row}) != 1:
        raise RuntimeError(f"raw, cost records and chargeback disagree: {row}")


def _change_one_day(files: list[Path]) -> None:
    """Turn the billed cost of one day into a credit."""
    for file in files:
        table = pq.read_table(file)
        on_day = pc.equal(pc.cast(table["ChargePeriodStart"], pa.date32()), pa.scalar(CHANGED_DAY))
        cost = table["BilledCost"]
        changed = pc.if_else(on_day, pc.negate(cost), cost)
        pq.write_table(table.set_column(table.column_names.index("BilledCost"), "BilledCost", changed), file)
