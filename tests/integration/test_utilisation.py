"""Measurements to digests: files, restatements, and what is refused."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ml.savings.recommendation import Window
from orchestration.lib.storage import Folder
from orchestration.lib.utilisation import digest
from orchestration.lib.utilisation.load import Taken, take_in_files
from orchestration.lib.utilisation.uses import uses

WINDOW = Window(date(2026, 10, 1), date(2026, 10, 31))
HEADER = "resource_id,metric,unit,timestamp,value\n"


@pytest.fixture
def warehouse(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def load(connection: psycopg.Connection[Any], folder: Path) -> Taken:
    return take_in_files(connection, "monitor", Folder(folder))


def test_restated_file_replaces_what_it_said_and_the_last_file_of_a_day_counts(
    warehouse: psycopg.Connection[Any], tmp_path: Path
) -> None:
    rows = [f"i-1,CPUUtilization,Percent,2026-10-01T00:0{minute}:00Z,10" for minute in range(5)]
    (tmp_path / "a.csv").write_text(HEADER + "\n".join(rows))
    (tmp_path / "b.csv").write_text(HEADER + "i-1,CPUUtilization,Percent,2026-10-01T00:09:00Z,50\n")
    assert load(warehouse, tmp_path) == Taken(("a.csv", "b.csv"), 0, 0, 6, ())
    cpu = uses(warehouse, WINDOW)["i-1"].metrics["cpu"]
    assert (cpu.count, cpu.minimum, cpu.maximum) == (6, 10.0, 50.0)
    assert cpu.mean == pytest.approx(100 / 6)
    assert load(warehouse, tmp_path) == Taken((), 2, 0, 0, ())
    (tmp_path / "a.csv").write_text(
        HEADER + "i-1,cpu,Ratio,2026-10-01 00:00:00,0.3\ni-1,cpu,Ratio,2026-10-01 00:10:00,0.4\n"
    )
    assert load(warehouse, tmp_path).loaded == ("a.csv",)
    # Loaded last, and around the time that the other file tells of.
    cpu = uses(warehouse, WINDOW)["i-1"].metrics["cpu"]
    assert (cpu.count, cpu.minimum, cpu.maximum) == (2, 30.0, 40.0)
    (tmp_path / "a.csv").unlink()
    assert load(warehouse, tmp_path).removed == 1
    assert uses(warehouse, WINDOW)["i-1"].metrics["cpu"].maximum == 50.0


def test_parquet_in_stretches_gives_the_histogram_of_all_values(
    warehouse: psycopg.Connection[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "_MOST_KEYS", 500)
    monkeypatch.setattr("orchestration.lib.utilisation.files._BATCH_ROWS", 1_000)
    count = 3 * 2 * 288
    values = np.random.default_rng(3).uniform(0, 100, count)
    times = np.tile(np.repeat(np.datetime64("2026-10-01", "s") + 300 * np.arange(576), 3), 1)
    table = pa.table(
        {
            "resource_id": [f"i-{number % 3}" for number in range(count)],
            "metric": ["mem_used_percent"] * count,
            "unit": ["Percent"] * count,
            "timestamp": pa.array(times),
            "value": values,
        }
    )
    pq.write_table(table, tmp_path / "all.parquet")
    assert load(warehouse, tmp_path).points == count
    found = uses(warehouse, WINDOW)["i-1"]
    assert found.days == 2
    memory = found.metrics["memory"]
    assert memory.count == 576
    exact = np.quantile(values[1::3], 0.9, method="inverted_cdf")
    assert exact <= memory.percentile(90) <= exact * 1.041


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("i-1,CPUUtilization,Furlong,2026-10-01T00:00:00Z,1\n", "row 1, resource i-1: the unit 'Furlong'"),
        ("i-1,CPUUtilization,Bytes,2026-10-01T00:00:00Z,1\n", "the unit 'Bytes' of CPUUtilization is not one of percent"),
        ("i-1,cpu,Percent,2026-10-01T00:00:00Z,1\ni-1,cpu,Percent,2026-10-01T00:05:00Z,250\n", "row 2, column value: 250.0 is out"),
        ("i-1,cpu,Percent,2026-10-01T00:00:00Z,-1\n", "is out of range"),
        ("i-1,cpu,Percent,2026-10-01T00:00:00Z,1\ni-1,cpu,Percent,2026-10-01T00:00:00Z,2\n", "row 2, column value: 2.0 is told twice"),
        ("i-1,cpu,Percent,2026-10-01T00:00:00Z,often\n", "cannot be read"),
        ("i-1,cpu,Percent,yesterday,1\n", "'yesterday' is no time"),
        (",cpu,Percent,2026-10-01T00:00:00Z,1\n", "column resource_id: None has no value"),
        ("i-1,q,Count,2026-10-01T00:00:00Z,1\ni-1,q,Seconds,2026-10-01T00:05:00Z,1\n", "A metric of a resource has one unit"),
    ],
)  # fmt: skip
def test_file_that_is_wrong_is_refused_and_the_former_one_stays(
    warehouse: psycopg.Connection[Any], tmp_path: Path, text: str, error: str
) -> None:
    (tmp_path / "a.csv").write_text(HEADER + "i-1,cpu,Percent,2026-10-01T00:00:00Z,7\n")
    load(warehouse, tmp_path)
    (tmp_path / "a.csv").write_text(HEADER + text)
    (rejected,) = load(warehouse, tmp_path).rejected
    assert error in rejected
    assert uses(warehouse, WINDOW)["i-1"].metrics["cpu"].maximum == 7.0


def test_gaps_are_no_measurements_and_quantities_of_a_period_keep_their_name(
    warehouse: psycopg.Connection[Any], tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text(
        HEADER
        + "i-1,NetworkIn,Kilobytes/Second,2026-10-01T00:00:00Z,2\ni-1,NetworkIn,Kilobytes/Second,2026-10-01T00:05:00Z,\n"
        + "i-2,NetworkIn,Bytes,2026-10-01T00:00:00Z,9\n"
    )
    load(warehouse, tmp_path)
    found = uses(warehouse, WINDOW)
    assert (found["i-1"].metrics["network_in"].maximum, found["i-1"].metrics["network_in"].count) == (2000.0, 1)
    assert list(found["i-2"].metrics) == ["NetworkIn"]
