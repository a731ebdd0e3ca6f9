"""What starts by itself, and when: the one place to look, and to change it. Times are those of the organisation's time zone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta


def _in_progress(today: date) -> tuple[date, date]:
    """The month before, which providers still correct, and that of today."""
    return _month_before(today), today.replace(day=1)


def _last(today: date) -> tuple[date, date]:
    return _month_before(today), _month_before(today)


def _month_before(today: date) -> date:
    return (today.replace(day=1) - timedelta(days=1)).replace(day=1)


@dataclass(frozen=True)
class Automation:
    """A schedule. `months`: from the day on which it starts, the first and the last month that the run is about."""

    name: str
    cron: str
    months: Callable[[date], tuple[date, date]]
    description: str


AUTOMATIONS = (
    Automation(
        "daily_close",
        "0 6 * * *",
        _in_progress,
        "Each morning: takes in what was delivered, tags, allocates, forecasts, looks for anomalies, checks, reports and alerts.",
    ),
    Automation(
        "weekly_review",
        "0 8 * * 1",
        _in_progress,
        "Monday morning: the week before, with what moved, what was unusual, which budgets are at risk and what to change first.",
    ),
    Automation(
        "monthly_chargeback",
        "0 7 1 * *",
        _last,
        "On the first of the month: the chargeback of the month that has ended, as delivered so far. `finops close` signs it.",
    ),
)

FRESH_BY = "0 8 * * *"
"""When what `daily_close` makes is to be there: an asset that was not made in the day before is shown as late."""

MAX_HOURS = 4
"""A run that takes longer is ended: the next one would wait for it."""
