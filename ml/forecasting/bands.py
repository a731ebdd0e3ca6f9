"""How far off a forecast may be: from how far off it was, for a day and for the sum of any days.

What a backtest shows of the error at a step h is read as four parts: noise that is new each step, a level that was misjudged for all
steps, drift that adds up step by step, and a slope that was misjudged and adds up evenly. Their variances follow from how the errors of
single steps, and those of sums, grow with h.
So a band goes on where no backtest reaches, and that of a quarter is that of the sum of its days: neither the sum of their bands nor as
if days erred independently. How many such deviations a band is wide is then taken from the errors themselves, which no bell curve binds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

LEVELS: Final = (80, 95)
_LEAST = 1e-9
_STEPS_A_WINDOW, _SUMS_A_WINDOW = 4, 2
"""How many errors of a window are worth as independent ones: neighbours err alike, and sums that begin alike even more so."""


@dataclass(frozen=True)
class Spread:
    """Variances of the parts of an error, and how many deviations wide each band is."""

    noise: float
    level: float
    drift: float
    slope: float
    noise_of_sums: float
    """Of a step, as it adds up: more or less than `noise` where the noise of neighbours is alike or evens out."""
    steps: Mapping[int, float]
    sums: Mapping[int, float]

    def widths(self, horizon: int, band: int) -> np.ndarray:
        """Half the width of a band for each step ahead."""
        ahead = np.arange(1, horizon + 1)
        found: np.ndarray = self.steps[band] * np.sqrt(
            self.noise + self.level + self.drift * ahead + self.slope * ahead**2
        )
        return found

    def width_of_sum(self, first: int, last: int, band: int) -> float:
        """Half the width of a band for the sum of the steps `first` to `last`, counted from 1."""
        length = last - first + 1
        drifted = first * length**2 + (length - 1) * length * (2 * length - 1) / 6
        sloped = (length * (first + last) / 2) ** 2
        variance = self.noise_of_sums * length + self.level * length**2 + self.drift * drifted + self.slope * sloped
        return float(self.sums[band] * np.sqrt(variance))


CERTAIN = Spread(0.0, 0.0, 0.0, 0.0, 0.0, dict.fromkeys(LEVELS, 0.0), dict.fromkeys(LEVELS, 0.0))
"""Of what cannot be otherwise."""


def spread_of(errors: np.ndarray, windows: float, far: np.ndarray | None = None) -> Spread:
    """The spread of errors, shape (origins, steps ahead), of so many windows that do not overlap.

    `far`: errors of fewer origins more steps ahead. How errors grow is the mean of what those seen often and those seen far show.
    """
    if not np.abs(errors).max() > 0.0:
        return CERTAIN
    unit = float(np.sqrt((errors**2).mean()))
    near = _Growth.of(errors / unit)
    grown = [near] if far is None else [near, near.followed_by(_Growth.of(far / unit))]
    noise, level, drift, slope, noise_of_sums = np.mean([_parts(one) for one in grown], axis=0).tolist()
    of_one = Spread(noise, level, drift, slope, noise_of_sums, dict.fromkeys(LEVELS, 1.0), dict.fromkeys(LEVELS, 1.0))
    steps = errors.shape[1]
    deviation = np.maximum(of_one.widths(steps, LEVELS[0]), _LEAST)
    of_sum = np.maximum([of_one.width_of_sum(1, last, LEVELS[0]) for last in range(1, steps + 1)], _LEAST)
    single, sums = np.abs(errors / unit), np.abs(np.cumsum(errors / unit, axis=1))
    square = unit**2
    return Spread(
        noise * square,
        level * square,
        drift * square,
        slope * square,
        noise_of_sums * square,
        {band: _quantile(single / deviation, band, _STEPS_A_WINDOW * windows) for band in LEVELS},
        {band: _quantile(sums / of_sum, band, _SUMS_A_WINDOW * windows) for band in LEVELS},
    )


def _parts(seen: _Growth) -> np.ndarray:
    """The variances of the parts, in the order of `Spread`, by which errors grow as they were seen to."""
    from scipy.optimize import nnls

    ahead = np.arange(1.0, len(seen.single) + 1)
    drifted, sloped = ahead**2 + (ahead - 1) * ahead * (2 * ahead - 1) / 6, (ahead * (ahead + 1) / 2) ** 2
    zero, one = np.zeros_like(ahead), np.ones_like(ahead)
    # Rows: the variance of each step, then that of each sum, each as a share of itself so that all weigh alike.
    design = np.concatenate(
        [
            np.stack([one, one, ahead, ahead**2, zero], axis=1) / seen.single[:, None],
            np.stack([zero, ahead**2, drifted, sloped, ahead], axis=1) / seen.sums[:, None],
        ]
    )
    return np.asarray(nnls(design, np.ones(len(design)))[0])


@dataclass(frozen=True)
class _Growth:
    """Mean squares of errors of each step ahead, and of the sums up to it."""

    single: np.ndarray
    sums: np.ndarray

    @classmethod
    def of(cls, errors: np.ndarray) -> _Growth:
        single, sums = (errors**2).mean(axis=0), (np.cumsum(errors, axis=1) ** 2).mean(axis=0)
        return cls(np.maximum(single, _LEAST), np.maximum(sums, _LEAST))

    def followed_by(self, far: _Growth) -> _Growth:
        """The same, and behind its steps how much more the others' errors are than at its last step."""
        last = len(self.single)
        return _Growth(
            np.concatenate([self.single, far.single[last:] * (self.single.sum() / far.single[:last].sum())]),
            np.concatenate([self.sums, far.sums[last:] * (self.sums[-1] / far.sums[last - 1])]),
        )


def _quantile(deviations: np.ndarray, band: int, count: float) -> float:
    """The number of deviations that so many of a hundred errors to come are within, by `count` independent ones.

    Of n errors, a share s (n + 1) / n has to be within a band for a share s of the next ones to be (as in conformal prediction). Where that
    is more than all of them, the band is by so much wider than the largest.
    """
    share = band / 100 * (1 + 1 / count)
    return float(np.quantile(deviations, min(share, 1.0))) * max(share, 1.0)
