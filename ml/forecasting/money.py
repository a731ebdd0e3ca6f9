"""Forecasts as money: parts of a day that add up to the total exactly, and bands around them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ml.forecasting.bands import LEVELS
from ml.forecasting.periods import Kind, periods
from ml.forecasting.reconcile import EXACT, amount, in_units, largest_remainder, minimum_trace
from ml.forecasting.settings import PARTITIONS
from ml.forecasting.single import Single
from ml.series import PARTS, Key, Series

if TYPE_CHECKING:
    import pandas as pd


class DayForecast(NamedTuple):
    """What a series is expected to cost on a day."""

    key: Key
    forecast_date: date
    mean: Decimal
    lower_80: Decimal
    upper_80: Decimal
    lower_95: Decimal
    upper_95: Decimal
    scheduled_mean: Decimal


class PeriodForecast(NamedTuple):
    """What a series is expected to have cost at the end of a month, quarter or year; bands are of the total cost."""

    key: Key
    period_kind: Kind
    period_start: date
    period_end: date
    actual_cost: Decimal
    forecast_cost: Decimal
    total_cost: Decimal
    lower_80: Decimal
    upper_80: Decimal
    lower_95: Decimal
    upper_95: Decimal


class Units(NamedTuple):
    """The days of a forecast in whole units of money: what follows a curve, and what has a schedule."""

    curve: list[int]
    scheduled: list[int]


def units_of(series: Mapping[Key, Series], singles: Mapping[Key, Single], horizon_end: date) -> dict[Key, Units]:
    """The forecasts of a currency, those of each dimension that divides the total reconciled with it."""
    keys = list(series)
    first = max(one.last for one in series.values())
    horizon = (horizon_end - first).days
    curve = np.array([singles[key].curve[-horizon:] for key in keys])
    scheduled = np.array([singles[key].scheduled[-horizon:] for key in keys])
    variance = np.array([_variance(singles[key]) for key in keys])
    weights = np.square(np.abs(scheduled).mean(axis=1))
    curves = _exact(keys, curve, variance, np.array([np.nanmin(series[key].curve) >= 0.0 for key in keys]))
    schedules = _exact(keys, scheduled, weights, np.array([np.nanmin(series[key].scheduled) >= 0.0 for key in keys]))
    return {key: Units(curves[key], schedules[key]) for key in keys}


def _exact(
    keys: list[Key], values: np.ndarray, variance: np.ndarray, at_least_zero: np.ndarray
) -> dict[Key, list[int]]:
    total = next((number for number, key in enumerate(keys) if key.dimension == "total"), None)
    groups = {
        dimension: [number for number, key in enumerate(keys) if key.dimension == dimension] for dimension in PARTITIONS
    }
    groups = {dimension: group for dimension, group in groups.items() if group and total is not None}
    if total is not None and groups:
        values = minimum_trace(values, variance, total, list(groups.values()), at_least_zero)
    found = {key: [in_units(value) for value in row] for key, row in zip(keys, values.tolist(), strict=True)}
    for group in groups.values():
        assert total is not None
        for day, whole in enumerate(found[keys[total]]):
            shares = largest_remainder(whole, {str(number): float(values[number, day]) for number in group})
            for number in group:
                found[keys[number]][day] = shares[str(number)]
    return found


def _variance(single: Single) -> float:
    """Of a step, on average over the horizon."""
    spread, steps = single.spread, len(single.curve)
    return spread.noise + spread.level + spread.drift * steps / 2 + spread.slope * steps**2 / 3


def day_rows(key: Key, series: Series, single: Single, units: Units) -> list[DayForecast]:
    horizon = len(units.curve)
    ahead = len(single.curve)
    floor = np.nanmin(series.curve) >= 0.0
    widths = {band: single.spread.widths(ahead, band)[-horizon:] for band in LEVELS}
    before = series.last + timedelta(days=ahead - horizon)
    rows = []
    for number in range(horizon):
        curve, scheduled = units.curve[number], units.scheduled[number]
        lower_80, upper_80, lower_95, upper_95 = (
            amount(bound + scheduled)
            for band in LEVELS
            for bound in _around(curve, in_units(float(widths[band][number])), at_least_zero=floor)
        )
        day = before + timedelta(days=number + 1)
        rows.append(
            DayForecast(key, day, amount(curve + scheduled), lower_80, upper_80, lower_95, upper_95, amount(scheduled))
        )
    return rows


def period_rows(
    key: Key, series: Series, single: Single, units: Units, frame: pd.DataFrame, horizon_end: date
) -> list[PeriodForecast]:
    horizon, ahead = len(units.curve), len(single.curve)
    before = ahead - horizon
    trained_to = series.last + timedelta(days=before)
    floor = np.nanmin(series.curve) >= 0.0
    coming = periods(trained_to, horizon_end)
    paid = _paid(frame, min((period.first for period in coming), default=trained_to), trained_to)
    rows = []
    for period in coming:
        first = max((period.first - trained_to).days, 1)
        last = (period.last - trained_to).days
        curve, scheduled = sum(units.curve[first - 1 : last]), sum(units.scheduled[first - 1 : last])
        with localcontext(EXACT):
            actual = sum((cost for day, cost in paid.items() if period.first <= day <= trained_to), Decimal(0))
            bounds = [
                actual + amount(bound + scheduled)
                for band in LEVELS
                for bound in _around(
                    curve,
                    in_units(single.spread.width_of_sum(before + first, before + last, band)),
                    at_least_zero=floor,
                )
            ]
            expected = amount(curve + scheduled)
            rows.append(
                PeriodForecast(
                    key, period.kind, period.first, period.last, actual, expected, actual + expected, *bounds
                )
            )
    return rows


def _around(middle: int, width: int, *, at_least_zero: bool) -> tuple[int, int]:
    """A band about a value that it always holds, and that does not reach below zero where the value cannot."""
    lower = max(middle - width, min(middle, 0)) if at_least_zero else middle - width
    return lower, middle + width


def _paid(frame: pd.DataFrame, first: date, trained_to: date) -> dict[date, Decimal]:
    """What each of these days cost, all parts together."""
    paid: dict[date, Decimal] = {}
    with localcontext(EXACT):
        for day, *amounts in zip(frame["date"], *(frame[part] for part in PARTS), strict=True):
            at = day.date() if hasattr(day, "date") else day
            if first <= at <= trained_to:
                paid[at] = sum((Decimal(str(one)) for one in amounts), Decimal(0))
    return paid
