"""CPU by hour of the week, whatever the stretches that files come in."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import psycopg
import pytest

from ml.savings.recommendation import Window
from orchestration.lib.storage import Folder
from orchestration.lib.utilisation import files, hours
from orchestration.lib.utilisation.hours import hours_of_week
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
