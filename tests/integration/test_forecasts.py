"""From the daily series to the tables of forecasts: what is forecast by itself, what is kept, and what is done anew."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ml.series import Key
from orchestration.lib.config_models import Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.forecasts.daily_series import read_series
from orchestration.lib.forecasts.forecast import forecast_costs, settings_of
from orchestration.lib.forecasts.tables import ensure_forecasts

D = Decimal
FIRST = date(2026, 10, 1)
COSTS = {"Search": D("90.5"), "Checkout": D("8"), "Logistics": D("1"), "Mobile": D("0.5")}
_SERIES = """
create schema if not exists intermediate;
create table intermediate.int_daily_series (
    dimension text, dimension_value text, billing_currency text, curve_cost numeric, scheduled_cost numeric, irregular_cost numeric,
    cost numeric, is_complete boolean, charge_date date
);
"""


def config(folder: Path, **sections: Any) -> Config:
    content = {
        "organization": {"name": "Halden", "first_billing_period": "2026-01"},
        "sources": [{"name": "azure", "format": "focus", "location": "azure"}],
        "forecasts": {"workers": 1},
    }
    return Config.model_validate(content | sections, context={"path": folder / "finops-config.yaml"})


@pytest.fixture
def warehouse(database: str) -> str:
    """Ten days of four teams, whose values do not change; the last is not complete."""
    with psycopg.connect(database) as connection:
        ensure_forecasts(connection)
        connection.execute(_SERIES)
        values = [("total", "all", sum(COSTS.values())), *(("team", *item) for item in COSTS.items())]
        for dimension, value, cost in values:
            for number in range(10):
                day = FIRST + timedelta(days=number)
                row = (dimension, value, "USD", cost, 0, 0, cost, number < 9, day)
                connection.execute(
                    "insert into intermediate.int_daily_series values (%s, %s, %s, %s, %s, %s, %s, %s, %s)", row
                )
    return database


def test_small_values_are_one_series_and_those_of_budgets_are_not(warehouse: str) -> None:
    with psycopg.connect(warehouse) as connection:
        found = read_series(connection, D("0.02"), {("team", "Mobile")})
    assert set(found) == {Key("total", "all", "USD")} | {
        Key("team", value, "USD") for value in ("Search", "Checkout", "Mobile", "other")
    }
    for day in range(10):
        parts = [frame["curve"].iloc[day] for key, frame in found.items() if key.dimension == "team"]
        assert sum(parts) == D(100)
    assert list(found[Key("team", "other", "USD")]["is_complete"]) == [True] * 9 + [False]


def test_a_second_run_computes_nothing_and_leaves_the_same_bytes(warehouse: str, tmp_path: Path) -> None:
    with psycopg.connect(warehouse) as connection:
        first = forecast_costs(connection, config(tmp_path))
        rows = connection.execute("select f::text from ml.forecasts as f order by 1").fetchall()
        second = forecast_costs(connection, config(tmp_path))
        assert connection.execute("select f::text from ml.forecasts as f order by 1").fetchall() == rows
        assert (first.series, first.refused, first.trained_to) == (4, (), date(2026, 10, 9))
        assert (first.computed > 0, second.computed, second.run_id) == (True, 0, first.run_id)
        month = connection.execute(
            "select actual_cost, forecast_cost, total_cost from ml.forecast_periods"
            " where dimension = 'total' and period_kind = 'month' and period_start = '2026-10-01'"
        ).fetchone()
        # Nine complete days of 100; the tenth, of which a part is there, is one of the 22 that are forecast.
        assert month is not None
        assert month[0] == D(900)
        assert month[2] == month[0] + month[1]
        assert abs(month[1] - D(2200)) < D("0.01")
        kept = connection.execute("select count(*) from ml.forecast_cache").fetchone()
        # Of what has changed, only what is used is kept.
        connection.execute(
            "update intermediate.int_daily_series set curve_cost = curve_cost + 1 where dimension_value = 'Search'"
        )
        third = forecast_costs(connection, config(tmp_path))
        assert third.computed == 1
        assert connection.execute("select count(*) from ml.forecast_cache").fetchone() == kept


def test_without_a_complete_day_nothing_is_forecast(warehouse: str, tmp_path: Path) -> None:
    with psycopg.connect(warehouse) as connection:
        forecast_costs(connection, config(tmp_path))
        connection.execute("update intermediate.int_daily_series set is_complete = false")
        assert forecast_costs(connection, config(tmp_path)).series == 0
        assert connection.execute("select count(*) from ml.forecasts").fetchone() == (0,)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"day,name\n2026-12-25,Christmas\n", "has no columns date and name"),
        (b"date,name\n25.12.2026,Christmas\n", "row 1, column date: '25.12.2026' is no date"),
        (b"date,name\n2026-12-25,\n", "row 1, column name: is empty"),
        (b"date,name\n2026-12-25,\xff\n", "is no CSV in UTF-8"),
    ],
)
def test_a_bad_holiday_file_is_refused_with_its_place(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "holidays.csv").write_bytes(content)
    settings = config(tmp_path, forecasts={"holidays_file": {"location": "holidays.csv"}})
    with pytest.raises(FinopsError, match=message) as raised:
        settings_of(settings, range(2026, 2027))
    assert "holidays.csv" in str(raised.value)


def test_holidays_are_of_the_country_and_the_file(tmp_path: Path) -> None:
    (tmp_path / "holidays.csv").write_text("date,name\n2026-11-27,Sale\n")
    own = {"holidays_country": "DE", "holidays_file": {"location": "holidays.csv"}}
    found = {
        event.first: event.name for event in settings_of(config(tmp_path, forecasts=own), range(2026, 2027)).holidays
    }
    assert found[date(2026, 11, 27)] == "Sale"
    assert date(2026, 10, 3) in found
    with pytest.raises(FinopsError, match="holidays_file"):
        settings_of(config(tmp_path, forecasts={"holidays_country": "XX"}), range(2026, 2027))
