"""What has a schedule: fees, taxes and renewals on their days."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from ml.forecasting.schedule import scheduled_forecast

FIRST = date(2024, 1, 1)


def days(count: int, first: date = FIRST) -> list[date]:
    return [first + timedelta(days=number) for number in range(count)]


def ahead(amounts: list[float], usage: np.ndarray, usage_ahead: np.ndarray) -> dict[date, float]:
    """The scheduled amounts of coming days that have one."""
    found = scheduled_forecast(FIRST, np.array(amounts), usage, usage_ahead)
    coming = days(len(found), FIRST + timedelta(days=len(amounts)))
    return {day: round(float(cost), 6) for day, cost in zip(coming, found, strict=True) if cost}


def test_fee_on_a_day_of_the_month_comes_as_it_came_last() -> None:
    amounts = [100.0 if day.day == 1 and day.month < 3 else 120.0 if day.day == 1 else 0.0 for day in days(100)]
    found = ahead(amounts, np.linspace(10, 20, 100), np.full(60, 20.0))
    assert found == {date(2024, 5, 1): 120.0, date(2024, 6, 1): 120.0}


def test_fee_on_the_last_day_of_the_month_is_on_its_last_day() -> None:
    amounts = [7.0 if (day + timedelta(days=1)).day == 1 else 0.0 for day in days(92)]
    assert set(ahead(amounts, np.ones(92), np.ones(95))) == {
        date(2024, 4, 30), date(2024, 5, 31), date(2024, 6, 30),
    }  # fmt: skip


def test_tax_of_a_month_is_a_share_of_what_the_month_costs() -> None:
    usage = np.array([10.0 * day.month for day in days(121)])
    months = {
        month: sum(usage[number] for number, day in enumerate(days(121)) if day.month == month) for month in range(1, 5)
    }
    amounts = [0.19 * months[day.month] if day.day == 1 else 0.0 for day in days(121)]
    assert ahead(amounts, usage, np.full(31, 80.0)) == {date(2024, 5, 1): pytest.approx(0.19 * 31 * 80.0)}


def test_fee_of_each_day_goes_on_and_a_share_follows_usage() -> None:
    usage = np.resize([100.0, 80.0, 30.0], 60)
    assert set(ahead([5.0] * 60, usage, np.full(10, 50.0)).values()) == {5.0}
    assert set(ahead(list(0.1 * usage), usage, np.full(10, 50.0)).values()) == {5.0}


def test_what_came_once_or_has_ended_is_not_expected() -> None:
    once = [1000.0 if day == date(2024, 3, 5) else 0.0 for day in days(120)]
    assert ahead(once, np.ones(120), np.ones(60)) == {}
    ended = [9.0 if day.day == 1 and day.month < 4 else 0.0 for day in days(140)]
    assert ahead(ended, np.ones(140), np.ones(60)) == {}
    assert ahead([0.0] * 30, np.ones(30), np.ones(60)) == {}


def test_renewal_of_two_years_comes_in_the_third() -> None:
    renewals = {date(2024, 3, 10), date(2025, 3, 10)}
    amounts = [5000.0 if day in renewals else 0.0 for day in days(700)]
    assert ahead(amounts, np.ones(700), np.ones(120)) == {date(2026, 3, 10): 5000.0}


def test_fee_of_the_day_and_of_the_month_are_both_there() -> None:
    amounts = [2.0 + (50.0 if day.day == 1 else 0.0) for day in days(100)]
    found = ahead(amounts, np.linspace(1, 9, 100), np.full(30, 9.0))
    assert found[date(2024, 5, 1)] == 52.0
    assert {cost for day, cost in found.items() if day.day != 1} == {2.0}
