"""Use over time as a compact histogram that can be merged: what is left of millions of measurements.

Buckets have a fixed relative width, so that every quantile is known to within 2 % of itself, whatever the unit and however many
days are put together.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GROWTH = 1.04
"""Upper bound of a bucket by its lower bound: its middle is within 2 % of all that is in it."""
ZERO_BUCKET = -32768
_SMALLEST = 1e-9
_LOG_GROWTH = math.log(GROWTH)


def buckets(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bucket of each value from 0 on: bucket k holds what is above GROWTH**(k-1) and at most GROWTH**k."""
    found = np.full(values.shape, ZERO_BUCKET, np.int64)
    positive = values > _SMALLEST
    # A hair less than exact: the bound itself belongs to its bucket in spite of rounding.
    found[positive] = np.ceil(np.log(values[positive]) / _LOG_GROWTH - 1e-9)
    return found


def upper_bounds(found: NDArray[np.int64]) -> NDArray[np.float64]:
    """The most that a value of each bucket can be."""
    return np.where(found == ZERO_BUCKET, 0.0, np.exp(np.maximum(found, -10_000) * _LOG_GROWTH))


@dataclass(frozen=True)
class Histogram:
    """How often a metric was in each bucket. `buckets` ascend."""

    buckets: NDArray[np.int64]
    counts: NDArray[np.int64]
    minimum: float
    maximum: float
    total: float

    @classmethod
    def of(cls, values: NDArray[np.float64]) -> Histogram:
        """The histogram of values from 0 on."""
        found, counts = np.unique(buckets(values), return_counts=True)
        return cls(found, counts.astype(np.int64), float(values.min()), float(values.max()), float(values.sum()))

    @property
    def count(self) -> int:
        return int(self.counts.sum())

    @property
    def mean(self) -> float:
        return self.total / self.count

    def percentile(self, percent: float) -> float:
        """What so many per cent of the measurements do not exceed: not less than it is, and at most 4 % more."""
        rank = math.ceil(self.count * percent / 100.0 - 1e-9)
        at = int(np.searchsorted(np.cumsum(self.counts), max(rank, 1)))
        return min(float(upper_bounds(self.buckets[at : at + 1])[0]), self.maximum)

    def share_above(self, limit: float) -> float:
        """The share of measurements above a limit; those of the bucket that the limit is in count as above it."""
        if self.maximum <= limit:
            return 0.0
        above = np.minimum(upper_bounds(self.buckets), self.maximum) > limit
        return float(self.counts[above].sum() / self.count)
