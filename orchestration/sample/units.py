"""Exact money for generated bills.

Costs are whole numbers of 10^-10 currency units while they are made, so that every sum is exact. A value below 10^5 has
at most 15 significant digits: the double nearest to it prints as the same decimal, so a control total taken here equals
the sum of what a reader parses from the file.
"""

from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

DIGITS = 10
SCALE: int = 10**DIGITS
CENT = SCALE // 100


def to_units(cost: FloatArray) -> IntArray:
    """Round costs in currency units to whole 10^-10 units."""
    return np.asarray(np.rint(cost * SCALE), dtype=np.int64)


def units(cost: str) -> int:
    """Return a decimal text in currency units as whole 10^-10 units; more than ten decimals raise ValueError."""
    scaled = Decimal(cost).scaleb(DIGITS)
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{cost} has more than {DIGITS} decimals")
    return int(scaled)


def to_float(whole: IntArray) -> FloatArray:
    """Return the doubles nearest to the given 10^-10 units, as they are written to files."""
    return np.asarray(whole / SCALE, dtype=np.float64)


def to_text(whole: int) -> str:
    """10^-10 units as a plain decimal text without trailing zeros."""
    return format(Decimal(int(whole)).scaleb(-DIGITS).normalize(), "f")


def whole_cents(amount: int) -> int:
    """Return what is missing from the amount to the nearest whole cent, in 10^-10 units."""
    return -((amount + CENT // 2) % CENT - CENT // 2)
