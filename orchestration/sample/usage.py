"""Usage of an estate in a stretch of charge periods."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .calendar import DAY_MS, HOUR_MS, HOURLY, WEEKLY, Month, Slots
from .estate import Estate, seeded
from .units import SCALE, FloatArray, IntArray, to_units

# The part of an instance's hours and of a savings plan's that usage may reach: some of a commitment is always left.
_FULL = 0.999


@dataclass
class Usage:
    """Quantities, list costs and committed costs (both 10^-10 units), all of shape (series, slots).

    A line exists where `lines`.
    """

    slots: Slots
    quantity: FloatArray
    list_units: IntArray
    committed_units: IntArray
    lines: NDArray[np.bool_]


def moods(estate: Estate, month: Month, seed: int) -> FloatArray:
    """Return what moves all resources of an account on a day: factors of shape (accounts, days of a month)."""
    rng = seeded(seed, estate.source.name, month.label, "moods")
    return np.asarray(np.exp(rng.normal(0.0, 0.03, (len(estate.source.accounts), 31))), dtype=np.float64)


def measure(estate: Estate, month: Month, slots: Slots, seed: int) -> Usage:
    """Return the usage of every series in `slots`, which lie inside the month."""
    rng = seeded(seed, estate.source.name, month.label, int(slots.start_ms[0] // 3_600_000))
    days = slots.day
    level = np.exp(estate.growth[:, None] * (days - estate.anchor)[None, :])
    level *= estate.daily[:, None] * (slots.hours / 24)
    level *= WEEKLY[estate.weekly[:, None], slots.weekday[None, :]]
    if slots.hours == 1:
        level *= HOURLY[estate.weekly[:, None], slots.hour[None, :]]
    level *= moods(estate, month, seed)[estate.account[:, None], (days - month.start_ms // DAY_MS)[None, :]]
    noise = rng.standard_normal(level.shape, dtype=np.float32)
    noise *= estate.noise[:, None].astype(np.float32)
    noise += 1.0
    level *= np.maximum(noise, 0.2)
    _bound(estate, level, slots.hours)
    alive = (days[None, :] >= estate.first_day[:, None]) & (days[None, :] <= estate.last_day[:, None])
    if estate.slots_of_last is not None:
        alive[-1] &= (slots.start_ms - month.start_ms) // (slots.hours * HOUR_MS) < estate.slots_of_last
    for index, row in enumerate(estate.resources):
        if row.anomaly:
            level[index] *= row.anomaly.factor(days)
    return _priced(estate, slots, level, alive)


def _bound(estate: Estate, level: FloatArray, hours: int) -> None:
    """Instances run for no more hours than there are, and usage covered by a plan never exceeds the plan."""
    rows = np.flatnonzero(estate.capped)
    level[rows] = np.minimum(level[rows], (estate.price[rows] * hours * _FULL)[:, None])
    for index, plan in enumerate(estate.plans):
        if plan.is_savings_plan:
            rows = np.flatnonzero(estate.plan == index)
            spent = (level[rows] * (1 - plan.discount)).sum(axis=0)
            level[rows] *= np.minimum(1.0, plan.committed * hours * _FULL / SCALE / spent)


def _priced(estate: Estate, slots: Slots, level: FloatArray, alive: NDArray[np.bool_]) -> Usage:
    price = estate.price[:, None]
    quantity = level / price
    np.round(quantity, 6, out=quantity)
    # No line without a cost, so that the number of lines is known from the resources alone.
    list_units = np.maximum(to_units(quantity * price), 1)
    list_units *= alive
    committed = np.zeros_like(list_units)
    rows = np.flatnonzero(estate.plan >= 0)
    committed[rows] = to_units(list_units[rows] / SCALE * (1 - estate.discount[rows])[:, None])
    return Usage(slots, quantity, list_units, committed, alive)


def surplus(estate: Estate, usage: Usage) -> list[tuple[int, IntArray]]:
    """(series, cost in each slot beyond the usual, 10^-10 units) of every planted anomaly."""
    extra = []
    for index, row in enumerate(estate.resources):
        if row.anomaly is None:
            continue
        units = usage.list_units[index]
        if row.anomaly.kind == "new_service":
            extra.append((index, units))
        else:
            usual = to_units(
                np.round(usage.quantity[index] / row.anomaly.factor(usage.slots.day), 6) * estate.price[index]
            )
            extra.append((index, np.where(row.anomaly.factor(usage.slots.day) > 1.0, units - usual, 0)))
    return extra
