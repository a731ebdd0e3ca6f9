"""Forecasts of parts that add up to the whole.

Each series is forecast on its own, so the teams of a day do not add up to its total. Minimum trace (Wickramasuriya, Athanasopoulos and
Hyndman, 2019) moves all of them as little as can be, each in proportion to how wrong it tends to be, until they do. The hierarchy is
written as constraints, one a dimension: its values less the total are zero. However many series there are, one small system is solved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_FLOOR, Context, Decimal, localcontext

import numpy as np

UNIT = Decimal("0.0000000001")
_DIGITS = -UNIT.as_tuple().exponent  # type: ignore[operator]
EXACT = Context(prec=60)
"""More digits than the largest amount has: nothing is rounded but on purpose."""


def minimum_trace(
    forecasts: np.ndarray, variance: np.ndarray, total: int, groups: Sequence[Sequence[int]], at_least_zero: np.ndarray
) -> np.ndarray:
    """Forecasts, shape (series, days), such that those of each group add up to that of the row `total`.

    `variance`, shape (series,): how far off each tends to be, squared. A row that is `at_least_zero` is never moved below zero.
    """
    found = np.where(at_least_zero[:, None], np.maximum(forecasts, 0.0), forecasts)
    constraints = np.zeros((len(groups), len(forecasts)))
    for row, group in enumerate(groups):
        constraints[row, list(group)] = 1.0
        constraints[row, total] = -1.0
    # Where nothing is ever wrong there is nothing to go by: all may move a little.
    floor = float(variance.max(initial=0.0)) * 1e-9 or 1.0
    weights = np.maximum(variance, floor)
    for day in range(found.shape[1]):
        found[:, day] = _solved(found[:, day], weights, constraints, at_least_zero)
    return found


def _solved(values: np.ndarray, weights: np.ndarray, constraints: np.ndarray, at_least_zero: np.ndarray) -> np.ndarray:
    """One day. What would fall below zero is held there, and the rest moves instead."""
    free = np.ones(len(values), dtype=bool)
    moved = values
    for _ in range(len(values)):
        spread = np.where(free, weights, 0.0)
        start = np.where(free, values, 0.0)
        gap = constraints @ start
        system = (constraints * spread) @ constraints.T
        moved = start - spread * (constraints.T @ np.linalg.lstsq(system, gap, rcond=None)[0])
        below = free & at_least_zero & (moved < 0.0)
        if not below.any():
            break
        free &= ~below
    return np.where(at_least_zero, np.maximum(moved, 0.0), moved)


def in_units(value: float) -> int:
    """A float as a whole number of units, the nearest."""
    return int(Decimal(value).scaleb(_DIGITS, EXACT).to_integral_value(context=EXACT))


def largest_remainder(whole: int, parts: Mapping[str, float]) -> dict[str, int]:
    """Parts as whole numbers of units that add up to the whole exactly.

    Each is cut down to a unit, and what is then missing goes, a unit each, to those that were cut most. Where floats are too coarse for
    that, the largest part takes what is left.
    """
    with localcontext(EXACT):
        exact = {name: Decimal(value) / UNIT for name, value in parts.items()}
        cut = {name: int(value.to_integral_value(ROUND_FLOOR)) for name, value in exact.items()}
        missing = whole - sum(cut.values())
        by_remainder = sorted(parts, key=lambda name: (cut[name] - exact[name], name))
    if 0 <= missing <= len(cut):
        for name in by_remainder[:missing]:
            cut[name] += 1
    else:
        cut[max(parts, key=lambda name: (abs(parts[name]), name))] += missing
    return cut


def amount(units: int) -> Decimal:
    """So many units as an amount."""
    return Decimal(units).scaleb(-_DIGITS, EXACT)
