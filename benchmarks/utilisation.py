"""Ninety days of measurements every five minutes taken in as digests, against DuckDB's quantile over the same Parquet.

DuckDB only works out one percentile of each resource. What the digests say of it must be that of DuckDB or at most 4 % more.
"""

from __future__ import annotations

import json
import sys
import time
from datetime import date, timedelta
from pathlib import Path

from benchmarks.measure import Measurement, in_new_process, peak_resident_mb, timed
from orchestration.lib import postgres

DAYS = 90
_IN_DAY = 288
_FIRST = date(2026, 7, 1)
_PERCENT = 99.5


def measure(work: Path, resources: int) -> list[Measurement]:
    """Write a file for each day, have DuckDB read them and take them in, each in a process of its own."""
    folder = work / "utilisation"
    folder.mkdir()
    write_days(folder, resources)
    duckdb = in_new_process("benchmarks.utilisation", "duckdb", str(folder))
    ours = in_new_process("benchmarks.utilisation", "load", str(folder))
    points = resources * DAYS * _IN_DAY
    if ours["points"] != points:
        raise RuntimeError(f"took in {ours['points']} of {points} measurements")
    if not 1 - 1e-9 <= ours["least"] <= ours["most"] <= 1.04 + 1e-9:
        raise RuntimeError(f"percentiles are {ours['least']} to {ours['most']} of DuckDB's")
    return [
        Measurement(
            f"take in {points:,} measurements of {resources:,} resources",
            f"{ours['seconds']:,.1f} s",
            f"DuckDB's quantile {duckdb['seconds']:,.1f} s",
            f"{duckdb['seconds'] / ours['seconds']:.2f}",
        ),
        Measurement(
            "  processor time, without the server's", f"{ours['cpu_seconds']:,.1f} s", f"{duckdb['cpu_seconds']:,.1f} s",
            f"{duckdb['cpu_seconds'] / ours['cpu_seconds']:.2f}",
        ),
        Measurement("  percentiles of all from the digests", f"{ours['read_seconds']:,.1f} s", to_hold="seconds"),
        Measurement("  peak resident memory", f"{ours['peak_mb']:,.0f} MB", f"{duckdb['peak_mb']:,.0f} MB", to_hold="≤ 1,024 MB"),
    ]  # fmt: skip


def write_days(folder: Path, resources: int) -> None:
    """A file per day in the order of the resources: CPU with a level of each machine, office hours and chance."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(7)
    level = rng.uniform(2, 40, resources)
    office = 0.5 + np.exp(-(((np.arange(_IN_DAY) - 160) / 60) ** 2))
    ids = pa.array([f"i-{number:017x}" for number in range(resources)])
    index = np.repeat(np.arange(resources, dtype=np.int32), _IN_DAY)
    zeros = pa.array(np.zeros(len(index), np.int32))
    for number in range(DAYS):
        day = _FIRST + timedelta(days=number)
        times = np.datetime64(day, "s") + 300 * np.arange(_IN_DAY)
        values = (level[:, None] * office * rng.gamma(4.0, 0.25, (resources, _IN_DAY))).clip(0, 100).round(2)
        table = pa.table(
            {
                "resource_id": pa.DictionaryArray.from_arrays(pa.array(index), ids),
                "metric": pa.DictionaryArray.from_arrays(zeros, pa.array(["CPUUtilization"])),
                "unit": pa.DictionaryArray.from_arrays(zeros, pa.array(["Percent"])),
                "timestamp": pa.array(np.tile(times, resources)),
                "value": values.ravel(),
            }
        )
        pq.write_table(table, folder / f"{day}.parquet")


def _answers(folder: Path) -> Path:
    return folder.with_name("quantiles.json")


def _duckdb(folder: Path) -> dict[str, float]:
    import duckdb

    query = "select resource_id, quantile_disc(value, $share) from read_parquet($files) where metric = 'CPUUtilization' group by 1"
    with timed() as clock:
        found = duckdb.execute(query, {"share": _PERCENT / 100, "files": str(folder / "*.parquet")}).fetchall()
    _answers(folder).write_text(json.dumps(dict(found)))
    return {"seconds": clock.seconds, "cpu_seconds": time.process_time()}


def _load(folder: Path) -> dict[str, float]:
    import psycopg

    from ml.savings.recommendation import Window
    from orchestration.lib.storage import Folder
    from orchestration.lib.utilisation.load import take_in_files
    from orchestration.lib.utilisation.uses import uses

    with psycopg.connect(postgres.ensure_running(), autocommit=True) as connection:
        with timed() as clock:
            taken = take_in_files(connection, f"bench_{time.time_ns()}", Folder(folder))
        cpu_seconds = time.process_time()
        if taken.rejected:
            raise RuntimeError(taken.rejected[0])
        with timed() as reading:
            found = uses(connection, Window(_FIRST, _FIRST + timedelta(days=DAYS)))
    expected = json.loads(_answers(folder).read_text())
    ratios = [use.metrics["cpu"].percentile(_PERCENT) / expected[resource] for resource, use in found.items()]
    return {
        "seconds": clock.seconds,
        "cpu_seconds": cpu_seconds,
        "read_seconds": reading.seconds,
        "points": taken.points,
        "least": min(ratios),
        "most": max(ratios),
    }


if __name__ == "__main__":
    what, given = sys.argv[1], Path(sys.argv[2])
    answer = _duckdb(given) if what == "duckdb" else _load(given)
    print(json.dumps({**answer, "peak_mb": peak_resident_mb()}))
