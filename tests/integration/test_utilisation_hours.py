"""CPU by hour of the week, whatever the stretches that files come in."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import psycopg
import pyarrow as pa
import pytest

from ml.savings.recommendation import Window
from orchestration.lib.storage import Folder
from orchestration.lib.utilisation import files, hours
from orchestration.lib.utilisation.hours import HourDigest, hours_of_week
from orchestration.lib.utilisation.load import take_in_files

WINDOW = Window(date(2026, 10, 5), date(2026, 10, 18))
HEADER = "resource_id,metric,unit,timestamp,value\n"


def test_each_hour_has_the_highest_of_all_weeks_and_the_last_file_of_a_day_counts(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A row a block of the file, and all that is held handed on after each.
    monkeypatch.setattr(files, "_BLOCK_BYTES", 64)
    monkeypatch.setattr(hours, "_MOST_PARTS", 0)
    monkeypatch.setattr(hours, "_MOST_KEYS", 0)
    (tmp_path / "a.csv").write_text(
        HEADER
        + "i-1,CPUUtilization,Percent,2026-10-05T07:00:00Z,10\n"
        + "i-1,CPUUtilization,Percent,2026-10-05T07:30:00Z,40\n"
        + "i-1,NetworkIn,Bytes/Second,2026-10-05T08:00:00Z,99\n"
        + "i-1,CPUUtilization,Percent,2026-10-12T07:05:00Z,20\n"
        + "i-1,cpu,Ratio,2026-10-18T23:59:00Z,0.05\n"
    )
    with psycopg.connect(database, autocommit=True) as connection:
        assert not take_in_files(connection, "monitor", Folder(tmp_path)).rejected
        found = hours_of_week(connection, WINDOW)["i-1"]
        assert (found.highest[7], found.highest[-1]) == (40.0, 5.0)
        assert (found.samples[7], found.samples.sum()) == (2, 3)
        assert np.isnan(found.highest[8])
        (tmp_path / "b.csv").write_text(HEADER + "i-1,CPUUtilization,Percent,2026-10-05T07:00:00Z,15\n")
        take_in_files(connection, "monitor", Folder(tmp_path))
        assert hours_of_week(connection, WINDOW)["i-1"].highest[7] == 20.0


def test_the_order_of_measurements_makes_no_difference() -> None:
    """Measurements of an hour that lie side by side are put together before all are: the highest of each hour is the same."""
    rng = np.random.default_rng(5)
    numbers = np.arange(4 * 288)
    table = pa.table(
        {
            "resource_id": pa.array([f"i-{number // 288}" for number in numbers]).dictionary_encode(),
            "metric": pa.array(np.where(numbers % 7, "cpu", "NetworkIn")).dictionary_encode(),
            "unit": pa.array(np.where(numbers % 7, "Percent", "Bytes/Second")).dictionary_encode(),
            "timestamp": pa.array(np.datetime64("2026-10-05", "s") + 300 * (numbers % 288)),
            "value": pa.array(rng.uniform(0, 100, len(numbers)), mask=numbers % 11 == 0),
        }
    )
    found = []
    for order in (numbers, rng.permutation(numbers)):
        digest = HourDigest()
        for batch in table.take(pa.array(order)).to_batches(max_chunksize=300):
            assert not list(digest.add(batch))
        found.append(sorted(digest.rest()))
    assert found[0] == found[1]
    of_first = [row for row in table.slice(0, 12).to_pylist() if row["metric"] == "cpu" and row["value"] is not None]
    assert found[0][0][2][0] == max(row["value"] for row in of_first)
    assert len(found[0]) == 4
