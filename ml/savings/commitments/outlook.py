"""How use may go on over the term of a commitment, as far as its own weeks tell: nothing here is set for a kind of series."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from statistics import NormalDist, fmean

# A week without any use counts as one with a hundredth of the mean, as a logarithm needs.
_FLOOR = 0.01
_STEPS = 4
"""A fall is followed in so many steps over the term."""
_QUANTILES = (0.1, 0.3, 0.5, 0.7, 0.9)


@dataclass(frozen=True)
class Outlook:
    """Use over the term as multiples of the use that was seen.

    `expected`: equally likely multiples; `worst`: the one that use stays above, on the mean of the term, but for the stated risk.
    """

    expected: tuple[Decimal, ...]
    worst: Decimal
    weekly_change: Decimal


STEADY = Outlook((Decimal(1),), Decimal(1), Decimal(0))


def outlook(levels: Sequence[float], term: float, risk: float, unseen: float = 0.0) -> Outlook:
    """An outlook from the mean use of each former week (or day), over a term of so many of them.

    The level of use is taken to be a walk (what lasts) with noise (what passes), both measured by how far levels lie apart
    that are 1, 2, … weeks apart. A fall is followed, as far as it is more than noise; a rise is not: what is not bought today
    can be bought when it is there. `unseen`: the standard deviation of a lasting step in one of these weeks that is taken to be
    possible even where none was seen, as two quiet months say little of three years.
    """
    mean = fmean(levels) if levels else 0.0
    if mean <= 0:
        return Outlook((Decimal(0),), Decimal(0), Decimal(0))
    logs = [math.log(max(level / mean, _FLOOR)) for level in levels]
    count = len(logs)
    if count < 3:
        return Outlook((Decimal(1),), Decimal(0), Decimal(0))
    slope = _trend(logs)
    detrended = [value - slope * number for number, value in enumerate(logs)]
    noise, walk = _noise_and_walk(detrended)
    walk = max(walk, unseen**2)
    fall = min(slope, 0.0)
    # The mean of the term against the mean of the weeks seen, for a walk and for noise alone.
    spread = math.sqrt(noise / count + noise / max(term, 1.0) + walk * (count + term) / 3 + 1e-12)
    path = [math.exp(fall * (count / 2 + term * (step + 0.5) / _STEPS)) for step in range(_STEPS)] if fall else [1.0]
    normal = NormalDist()
    expected = [level * math.exp(spread * normal.inv_cdf(share)) for level in path for share in _QUANTILES]
    worst = fmean(path) * math.exp(spread * _student(normal.inv_cdf(risk), count - 2))
    return Outlook(tuple(_factor(value) for value in expected), _factor(worst), _factor(math.exp(slope) - 1))


def _trend(logs: Sequence[float]) -> float:
    """The weekly change of the logarithm, drawn towards none as far as it could be noise."""
    count = len(logs)
    middle, mean = (count - 1) / 2, fmean(logs)
    width = sum((number - middle) ** 2 for number in range(count))
    slope = sum((number - middle) * value for number, value in enumerate(logs)) / width
    residual = sum((value - mean - slope * (number - middle)) ** 2 for number, value in enumerate(logs))
    if count < 4 or not slope:
        return 0.0
    error = residual / (count - 2) / width
    return slope * max(1 - error / slope**2, 0.0)


def _noise_and_walk(logs: Sequence[float]) -> tuple[float, float]:
    """Variance of passing noise, and variance of a lasting step from one week to the next.

    Squared differences grow from twice the noise by one step for each week that lies between.
    """
    lags = range(1, max(len(logs) // 2, 1) + 1)
    points = [
        (lag, fmean((later - sooner) ** 2 for sooner, later in zip(logs, logs[lag:], strict=False))) for lag in lags
    ]
    middle, mean = fmean(lag for lag, _ in points), fmean(value for _, value in points)
    width = sum((lag - middle) ** 2 for lag, _ in points)
    walk = max(sum((lag - middle) * value for lag, value in points) / width, 0.0) if width else points[0][1]
    return max(mean - walk * middle, 0.0) / 2, walk


def _student(quantile: float, freedom: int) -> float:
    """A normal quantile as that of Student's distribution: few weeks tell their spread badly."""
    return quantile + (quantile**3 + quantile) / (4 * max(freedom, 1))


def _factor(value: float) -> Decimal:
    return Decimal(str(round(value, 4)))
