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
_UNITS = int(1 / UNIT)
_CERTAIN = 1e-24
"""Of the largest variance: what errs by less than a trillionth of what errs most does not err."""
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
    weights = variance / (float(variance.max(initial=0.0)) or 1.0)
    weights[weights < _CERTAIN] = 0.0
    for group in groups:
        # What is certain does not move; where all are, there is nothing to go by, and the parts move alike.
        if not weights[[total, *group]].any():
            weights[list(group)] = 1.0
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
        unit = np.sqrt(np.diag(system))
        unit[unit == 0.0] = 1.0
        factors = np.linalg.lstsq(system / np.outer(unit, unit), gap / unit, rcond=None)[0] / unit
        moved = start - spread * (constraints.T @ factors)
        below = free & at_least_zero & (moved < 0.0)
        if not below.any():
            break
        free &= ~below
    return np.where(at_least_zero, np.maximum(moved, 0.0), moved)


def in_units(value: float) -> int:
    """A float as a whole number of units, the nearest, of two the even one."""
    above, below = value.as_integer_ratio()
    found, rest = divmod(above * _UNITS, below)
    return found + (2 * rest > below or (2 * rest == below and found % 2 == 1))


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
