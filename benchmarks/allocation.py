"""The division of 40 pools among 500 owners, against one DuckDB query that splits the same pools in proportion."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from statistics import median

import psycopg

from benchmarks.measure import Measurement, statement_seconds, timed
from benchmarks.organisation import OWNERS, POOLS, bill, run_dbt
from orchestration.lib import postgres

RUNS = 3
_DUCKDB = """
create or replace table split as
with pools as (
    select sub_account_id, service_name, sum(effective_cost) as cost from charges where team = 'unallocated' group by all
),
owners as (
    select team, sum(effective_cost) as driver from charges where team <> 'unallocated' group by all
)
select pools.*, team, cost * driver / sum(driver) over (partition by sub_account_id, service_name) as part
from pools cross join owners
"""
_LINES = """
create table charges as
select
    "SubAccountId" as sub_account_id, "ServiceName" as service_name, "EffectiveCost" as effective_cost,
    coalesce("Tags"::json ->> 'team', 'unallocated') as team
from read_parquet(?)
"""
_ROWS = "create table charges as select * replace (effective_cost::decimal(18, 3) as effective_cost) from read_csv(?)"


def measure(work: Path, lines: int) -> list[Measurement]:
    """The two models on the organisation's month, and DuckDB on their rows and on the lines that these were made of."""
    url = postgres.ensure_running()
    seconds = median(_models_seconds(url) for _ in range(RUNS))
    with psycopg.connect(url) as connection:
        (rows, pooled), (out, divided) = connection.execute(
            "select count(*), sum(effective_cost) filter (where cost_type = 'shared') from finops.daily_costs"
            " union all select count(*), sum(effective_cost) from finops.cost_allocations"
        ).fetchall()
        if Decimal(pooled) != Decimal(divided):
            raise RuntimeError(f"pools of {pooled} were divided into {divided}")
        file = work / "daily.csv"
        with (
            file.open("wb") as stream,
            connection.cursor().copy(
                "copy (select sub_account_id, service_name, team, effective_cost from finops.daily_costs)"
                " to stdout (format csv, header)"
            ) as copy,
        ):
            for block in copy:
                stream.write(block)
    of_rows = median(_duckdb_seconds(_ROWS, str(file)) for _ in range(RUNS))
    of_lines = median(_duckdb_seconds(_LINES, str(bill(work))) for _ in range(RUNS))
    what = f"allocation of {POOLS} pools to {OWNERS} owners, {lines:,} lines: {rows:,} rows in, {out:,} out"
    ours = f"{seconds:.2f} s"
    return [
        Measurement(what, ours, f"one DuckDB query on the rows {of_rows:.3f} s", f"{seconds / of_rows:.1f}", "to know"),
        Measurement(what, ours, f"on the lines {of_lines:.3f} s", f"{seconds / of_lines:.1f}", "to know"),
    ]


def _models_seconds(url: str) -> float:
    """The statements of a dbt run that makes the two models from nothing."""
    with statement_seconds(url) as clock:
        run_dbt(url, "run", "--full-refresh", "--select", "allocation_lineage", "cost_allocations")
    return clock.seconds


def _duckdb_seconds(fill: str, file: str) -> float:
    import duckdb

    with duckdb.connect() as connection:
        # Read before: the comparison is of the division.
        connection.execute(fill, [file])
        with timed() as clock:
            connection.execute(_DUCKDB)
    return clock.seconds
