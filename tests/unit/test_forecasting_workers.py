"""A process of the pool that is killed: its series are forecast all the same, or say why not, and the others know nothing of it."""

from __future__ import annotations

import os
import signal
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from ml.forecasting import ForecastSettings, forecast, workers
from ml.forecasting.single import Single
from ml.series import Key, Series

FIRST, END = date(2025, 1, 1), date(2025, 3, 31)
SETTINGS = ForecastSettings(use_prophet=False)
DEADLY = Key("account", "deadly", "USD")


@pytest.fixture(scope="module")
def many() -> dict[Key, pd.DataFrame]:
    """Short series, which need no model, and one that is named for what some tests do at it."""
    keys = [Key("account", str(number), "USD") for number in range(23)]
    return {key: _frame(number + 1) for number, key in enumerate([*keys, DEADLY])}


def _frame(cost: int) -> pd.DataFrame:
    days = [FIRST + timedelta(days=number) for number in range(20)]
    curve = [Decimal(cost * (3 + number % 7)) for number in range(20)]
    return pd.DataFrame(
        {"date": days, "curve": curve, "scheduled": Decimal(0), "irregular": Decimal(0), "is_complete": True}
    )


class Kept(dict[str, bytes]):
    """A cache in memory."""

    def put(self, digest: str, content: bytes) -> None:
        self[digest] = content


_forecast = workers._forecast
_DIED = "TEST_DIED"


def deadly(series: Series, settings: ForecastSettings, horizon_end: date) -> Single:
    """In place of a forecast, in a process of the pool: it dies at one series."""
    if series.key == DEADLY:
        os.kill(os.getpid(), signal.SIGKILL)
    return _forecast(series, settings, horizon_end)


def deadly_once(series: Series, settings: ForecastSettings, horizon_end: date) -> Single:
    """The same, but not a second time: a file says that it did."""
    died = Path(os.environ[_DIED])
    if series.key == DEADLY and not died.exists():
        died.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return _forecast(series, settings, horizon_end)


def test_a_run_whose_worker_is_killed_once_is_like_any_other(
    many: dict[Key, pd.DataFrame], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cache = Kept()
    monkeypatch.setenv(_DIED, str(tmp_path / "died"))
    with monkeypatch.context() as patch:
        patch.setattr(workers, "_forecast", deadly_once)
        found = forecast(many, SETTINGS, END, workers=2, cache=cache)
    assert (tmp_path / "died").exists()
    assert found == forecast(many, SETTINGS, END)
    assert forecast(many, SETTINGS, END, cache=cache).computed == 0


def test_a_series_that_kills_its_worker_falls_back_and_is_tried_again_next_time(
    many: dict[Key, pd.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Kept()
    alone = forecast(many, SETTINGS, END)
    with monkeypatch.context() as patch:
        patch.setattr(workers, "_forecast", deadly)
        found = forecast(many, SETTINGS, END, workers=2, cache=cache)
    assert found.trained[DEADLY].reason.startswith("failed: BrokenProcessPool: A process in the process pool")
    assert [row for row in found.days if row.key != DEADLY] == [row for row in alone.days if row.key != DEADLY]
    assert len([row for row in found.days if row.key == DEADLY]) == (END - FIRST).days + 1 - 20
    again = forecast(many, SETTINGS, END, cache=cache)
    assert again.computed == 1
    assert again.days == alone.days
