"""The division of 40 pools among 500 owners, against one DuckDB query that splits the same pools in proportion."""

from __future__ import annotations

import os
import subprocess
from decimal import Decimal
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from benchmarks.measure import Measurement, timed
from orchestration.lib import dbt, postgres
from orchestration.lib.config_models import Config
from orchestration.lib.config_store import store_config
from orchestration.lib.warehouse import ensure_warehouse

RUNS = 3
POOLS, OWNERS, DAYS = 40, 500, 30
# As in the sample organisation, where ten delivered lines or so are a row of daily_costs.
LINES_IN_A_ROW = 10

_FILL = """
insert into finops.daily_costs (
    source_name, billing_account_id, sub_account_id, service_name, charge_category, team, cost_center, cost_type,
    allocation_rule, billing_currency, line_count, billed_cost, effective_cost, contracted_cost, list_cost,
    billing_period, delivery_period, charge_date
)
select
    'bench', '9', 'account ' || number %% 20, 'service ' || number %% {pools}, 'Usage',
    'team ' || number %% {owners}, 'CC', case when number %% 7 = 0 then 'shared' else 'direct' end,
    case when number %% 7 = 0 then 'pool ' || number %% {pools} end, 'USD', 10, cost, cost, cost, cost,
    date '2026-09-01', date '2026-09-01', date '2026-09-01' + (number %% {days})::int
from generate_series(1, %s::bigint) as numbers (number)
cross join lateral (select ((number * 7919) %% 100003)::numeric / 1000 as cost) as costs
"""
_DUCKDB = """
create or replace table split as
with pools as (
    select sub_account_id, charge_category, allocation_rule, sum(effective_cost) as cost from daily
    where cost_type = 'shared' group by all
),
owners as (
    select team, cost_center, sum(effective_cost) as driver from daily where cost_type = 'direct' group by all
)
select pools.*, team, cost_center, cost * driver / sum(driver) over (partition by pools.sub_account_id, allocation_rule) as part
from pools cross join owners
"""


def measure(work: Path, lines: int) -> list[Measurement]:
    """Fill daily_costs, then time the models on it and DuckDB on the same rows."""
    url = postgres.ensure_running()
    with psycopg.connect(url) as connection:
        ensure_warehouse(connection)
        store_config(connection, _config())
    _dbt(url, "build")
    with psycopg.connect(url, autocommit=True) as connection:
        rows = lines // LINES_IN_A_ROW
        connection.execute(_FILL.format(pools=POOLS, owners=OWNERS, days=DAYS).encode(), (rows,))
        connection.execute("analyze finops.daily_costs")
        seconds = median(_models_seconds(connection) for _ in range(RUNS))
        (out,), (total,), (pooled,) = connection.execute(
            "select count(*)::numeric from finops.cost_allocations"
            " union all select sum(effective_cost) from finops.cost_allocations"
            " union all select sum(effective_cost) from finops.daily_costs where cost_type = 'shared'"
        ).fetchall()
        if Decimal(total) != Decimal(pooled):
            raise RuntimeError(f"pools of {pooled} were divided into {total}")
        file = work / "daily.csv"
        with (
            file.open("wb") as stream,
            connection.cursor().copy("copy finops.daily_costs to stdout (format csv, header)") as copy,
        ):
            for block in copy:
                stream.write(block)
    duck = median(_duckdb_seconds(file) for _ in range(RUNS))
    what = f"allocation of {POOLS} pools to {OWNERS} owners, {rows:,} rows in, {out:,} out"
    return [Measurement(what, f"{seconds:.1f} s", f"one DuckDB query {duck:.2f} s", f"{seconds / duck:.1f}", "to know")]


def _config() -> Config:
    rules: list[dict[str, Any]] = [
        {
            "name": f"pool {number}",
            "match": {"service_names": [f"service {number}"]},
            "method": "proportional",
            "measure": "effective_cost",
        }
        for number in range(POOLS)
    ]
    return Config.model_validate(
        {
            "organization": {"name": "Bench", "first_billing_period": "2026-09"},
            "sources": [{"name": "bench", "format": "focus", "location": "bench"}],
            "teams": [{"name": f"team {number}", "cost_center": "CC"} for number in range(OWNERS)],
            "cost_allocation": {"rules": rules},
        }
    )


def _dbt(url: str, *arguments: str) -> None:
    subprocess.run(
        [
            str(dbt.executable()),
            "--quiet",
            *arguments,
            "--exclude-resource-type",
            "unit_test",
            "--project-dir",
            str(dbt.project_dir()),
        ],
        env={**os.environ, **dbt.environment(url)},
        check=True,
    )


def _models_seconds(connection: psycopg.Connection[Any]) -> float:
    """What the two models take: the SQL that dbt compiled, under the settings that dbt runs it with."""
    compiled = dbt.target_dir() / "compiled" / "finops" / "models" / "marts"
    with timed() as clock:
        for name in ("allocation_lineage", "cost_allocations"):
            query = (compiled / f"{name}.sql").read_text()
            with connection.transaction():
                connection.execute(
                    "set local enable_nestloop = off; set local enable_mergejoin = off; set local jit = off"
                )
                connection.execute(f"truncate finops.{name}".encode())
                connection.execute(f"insert into finops.{name} {query}".encode())
    return clock.seconds


def _duckdb_seconds(file: Path) -> float:
    import duckdb

    with duckdb.connect() as connection:
        # Read before: the comparison is of the division.
        connection.execute(
            f"create table daily as select * replace (effective_cost::decimal(18, 10) as effective_cost) from '{file}'"
        )
        with timed() as clock:
            connection.execute(_DUCKDB)
    return clock.seconds
