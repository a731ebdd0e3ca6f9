"""What has a schedule is forecast from it: fees by the day, fees and taxes on their day of the month, renewals on their day of the year.

An amount recurs as it was last time, or as a share of what usage cost, whichever has been steadier: a fee is the former, tax and
support are the latter. What came once is not expected again.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np

_RECENT = 28
_ALMOST_ALL = 0.8
"""Of recent days: where so many have an amount, there is one for every day."""
_MONTHS = 3
_MIDDLE = 15
"""Days of a month after this one are counted from its end: the last day is the 28th, 30th or 31st."""
_YEARS = (1, 2)


def scheduled_forecast(first: date, amounts: np.ndarray, usage: np.ndarray, usage_ahead: np.ndarray) -> np.ndarray:
    """Scheduled amounts of the days after the history. `amounts`, `usage`: of its days; `usage_ahead`: what usage is forecast to cost."""
    horizon, length = len(usage_ahead), len(amounts)
    if not amounts.any():
        return np.zeros(horizon)
    base = np.concatenate([usage, usage_ahead])
    days = [first + timedelta(days=number) for number in range(length + horizon)]
    daily = _daily(amounts, base)
    rest = amounts - daily[:length]
    # What varies from day to day is no amount of its own.
    rest = np.where(np.abs(rest) > np.abs(daily[:length]) / 2, rest, 0.0)
    found: np.ndarray = daily[length:] + _monthly(days, rest, base) + _yearly(days, rest)
    return found


def _daily(amounts: np.ndarray, base: np.ndarray) -> np.ndarray:
    """What is due every day, for the history and after it; zero where nothing is."""
    recent = amounts[-_RECENT:]
    if np.count_nonzero(recent) < _ALMOST_ALL * len(recent):
        return np.zeros(len(base))
    level, share = _level_and_share(recent, base[: len(amounts)][-len(recent) :])
    return np.full(len(base), level) if share is None else share * base


def _level_and_share(amounts: np.ndarray, base: np.ndarray) -> tuple[float, float | None]:
    """The usual amount, and the usual share of a base where that is what is usual."""
    level = float(np.median(amounts))
    if len(amounts) < 2 or np.any(base <= 0.0):
        return level, None
    shares = amounts / base
    share = float(np.median(shares))
    varies = np.median(np.abs(amounts - level)) / max(abs(level), 1e-300)
    share_varies = np.median(np.abs(shares - share)) / max(abs(share), 1e-300)
    return level, share if share_varies < varies else None


def _monthly(days: list[date], amounts: np.ndarray, base: np.ndarray) -> np.ndarray:
    """Amounts on the days of a month on which there were some in most of the last months."""
    length = len(amounts)
    monthly_base: dict[tuple[int, int], float] = {}
    for day, cost in zip(days, base, strict=True):
        monthly_base[day.year, day.month] = monthly_base.get((day.year, day.month), 0.0) + float(cost)
    before: dict[int, list[tuple[date, float]]] = {}
    for day, cost in zip(days[:length], amounts, strict=True):
        before.setdefault(_place(day), []).append((day, float(cost)))
    found = np.zeros(len(days) - length)
    for number, day in enumerate(days[length:]):
        last = before.get(_place(day), [])[-_MONTHS:]
        paid = [(at, cost) for at, cost in last if cost]
        if not paid or 2 * len(paid) <= len(last) or not last[-1][1]:
            continue
        costs = np.array([cost for _, cost in paid])
        bases = np.array([monthly_base[at.year, at.month] for at, _ in paid])
        _, share = _level_and_share(costs, bases)
        found[number] = costs[-1] if share is None else share * monthly_base[day.year, day.month]
    return found


def _place(day: date) -> int:
    """The day of the month, from its end in the second half: 0 is the last."""
    return day.day if day.day <= _MIDDLE else day.day - monthrange(day.year, day.month)[1]


def _yearly(days: list[date], amounts: np.ndarray) -> np.ndarray:
    """Amounts on days on which there was one a year before, and the year before that, but not a month before."""
    length = len(amounts)
    paid = {day: float(cost) for day, cost in zip(days[:length], amounts, strict=True) if cost}
    found = np.zeros(len(days) - length)
    for number, day in enumerate(days[length:]):
        years = [paid.get(_years_before(day, years), 0.0) for years in _YEARS]
        if all(years) and not any(month in paid for month in _months_before(day)):
            found[number] = years[0]
    return found


def _years_before(day: date, years: int) -> date:
    return date(day.year - years, day.month, min(day.day, monthrange(day.year - years, day.month)[1]))


def _months_before(day: date) -> Iterable[date]:
    for months in range(1, 12):
        month = day.year * 12 + day.month - 1 - months
        year, of_year = divmod(month, 12)
        yield date(year, of_year + 1, min(day.day, monthrange(year, of_year + 1)[1]))
