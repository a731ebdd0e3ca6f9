"""A month of the size for which others have published figures, from the start of the run to the marts."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from benchmarks.load import PERIOD, create_wide_table, stream_csv
from benchmarks.measure import Measurement
from orchestration.lib import postgres
from orchestration.lib.dagster_home import dagster_instance
from orchestration.lib.settings import sample_config_file
from orchestration.sample.money import RATES_FILE
from orchestration.sample.single_month import write_month

LINES = 1_013_334


def measure(work: Path) -> list[Measurement]:
    """`finops run` on one CUR 2.0 month; the second run has nothing new."""
    folder = work / "month"
    write_month(folder / "deliveries", source="aws_main", period=PERIOD, lines=LINES)
    settings = yaml.safe_load(sample_config_file().read_text())
    settings["currencies"]["rates"]["location"] = str(sample_config_file().with_name(RATES_FILE))
    settings["sources"] = [{"name": "bench_month", "format": "cur", "location": "deliveries"}]
    for absent in ("inventory", "utilisation"):  # lists of resources that this bill does not have
        settings.pop(absent, None)
    config = folder / "finops-config.yaml"
    config.write_text(yaml.safe_dump(settings))
    copy = _copy_seconds(folder / "deliveries")
    # An installation that has run before has its records.
    with dagster_instance():
        pass
    first, whole = _run(config)
    second, _ = _run(config)
    what = f"start of the run to the marts, {LINES:,} CUR lines"
    return [
        Measurement(
            what,
            f"{first:.1f} s",
            f"one COPY stream {copy:.1f} s",
            f"{first / copy:.2f}",
            "≤ 1.88: 15 s where COPY takes 8",
        ),
        Measurement("  the whole run, with gates and report", f"{whole:.1f} s"),
        Measurement("  again, with nothing changed, to the marts", f"{second:.1f} s"),
    ]


def _copy_seconds(folder: Path) -> float:
    """One COPY stream of the same lines, encoded before, into a table of the same columns and types."""
    table = pa.concat_tables([pq.read_table(file) for file in sorted(folder.rglob("*.parquet"))])
    with psycopg.connect(postgres.ensure_running(), autocommit=True, options="-c TimeZone=UTC") as connection:
        create_wide_table(connection, "bench_wide", table.column_names, "cur")
        seconds = stream_csv(connection, "bench_wide", table)
        connection.execute("drop table bench_wide")
    return seconds


def _run(config: Path) -> tuple[float, float]:
    """Seconds to the last mart, and to the end."""
    began = time.time()
    subprocess.run(
        [str(Path(sys.executable).with_name("finops")), "run", "--config", str(config)], check=True, capture_output=True
    )
    ended = time.time()
    with psycopg.connect(postgres.dagster_url().replace("+psycopg2", "")) as connection:
        row = connection.execute(
            "select max(extract(epoch from timestamp at time zone 'UTC')) from event_logs"
            " where step_key = 'dbt_models' and dagster_event_type = 'STEP_SUCCESS'"
        ).fetchone()
    assert row is not None
    return float(row[0]) - began, ended - began
