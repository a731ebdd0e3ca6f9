"""How far off a forecast may be: from how far off it was, for a day and for the sum of any days.

What a backtest shows of the error at a step h is read as three parts: noise that is new each step, a level that was misjudged for all
steps, and drift that adds up step by step. Their variances follow from how the errors of single steps, and those of sums, grow with h.
So a band goes on where no backtest reaches, and that of a quarter is that of the sum of its days: neither the sum of their bands nor as
if days erred independently. How many such deviations a band is wide is then taken from the errors themselves, which no bell curve binds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

LEVELS: Final = (80, 95)
_STEPS_A_WINDOW, _SUMS_A_WINDOW = 4, 2
"""How many errors of a window are worth as independent ones: neighbours err alike, and sums that begin alike even more so."""


@dataclass(frozen=True)
class Spread:
    """Variances of the parts of an error, and how many deviations wide each band is."""

    noise: float
    level: float
    drift: float
    noise_of_sums: float
    """Of a step, as it adds up: more or less than `noise` where the noise of neighbours is alike or evens out."""
    steps: Mapping[int, float]
    sums: Mapping[int, float]

    def widths(self, horizon: int, band: int) -> np.ndarray:
        """Half the width of a band for each step ahead."""
        ahead = np.arange(1, horizon + 1)
        found: np.ndarray = self.steps[band] * np.sqrt(self.noise + self.level + self.drift * ahead)
        return found

    def width_of_sum(self, first: int, last: int, band: int) -> float:
        """Half the width of a band for the sum of the steps `first` to `last`, counted from 1."""
        length = last - first + 1
        drifted = first * length**2 + (length - 1) * length * (2 * length - 1) / 6
        return float(
            self.sums[band] * np.sqrt(self.noise_of_sums * length + self.level * length**2 + self.drift * drifted)
        )


CERTAIN = Spread(0.0, 0.0, 0.0, 0.0, dict.fromkeys(LEVELS, 0.0), dict.fromkeys(LEVELS, 0.0))
"""Of what cannot be otherwise."""


def spread_of(errors: np.ndarray, windows: float) -> Spread:
    """The spread of errors, shape (origins, steps ahead), of so many windows that do not overlap."""
    from scipy.optimize import nnls

    steps = errors.shape[1]
    if not np.abs(errors).max() > 0.0:
        return CERTAIN
    unit = float(np.sqrt((errors**2).mean()))
    scaled = errors / unit
    ahead = np.arange(1.0, steps + 1)
    sums = np.cumsum(scaled, axis=1)
    drifted = ahead**2 + (ahead - 1) * ahead * (2 * ahead - 1) / 6
    single, of_sums = (scaled**2).mean(axis=0), (sums**2).mean(axis=0)
    zero = np.zeros(steps)
    # Rows: the variance of each step, then that of each sum, in units of the latter's growth so that all weigh alike.
    design = np.concatenate(
        [
            np.stack([np.ones(steps), np.ones(steps), ahead, zero], axis=1),
            np.stack([zero, ahead**2, drifted, ahead], axis=1) / ahead[:, None],
        ]
    )
    parts, _ = nnls(design, np.concatenate([single, of_sums / ahead]))
    noise, level, drift, noise_of_sums = (float(part) for part in parts)
    deviation = np.sqrt(np.maximum(noise + level + drift * ahead, 1e-12))
    of_sum = np.sqrt(np.maximum(noise_of_sums * ahead + level * ahead**2 + drift * drifted, 1e-12))
    square = unit**2
    return Spread(
        noise * square,
        level * square,
        drift * square,
        noise_of_sums * square,
        {band: _quantile(np.abs(scaled) / deviation, band, _STEPS_A_WINDOW * windows) for band in LEVELS},
        {band: _quantile(np.abs(sums) / of_sum, band, _SUMS_A_WINDOW * windows) for band in LEVELS},
    )


def _quantile(deviations: np.ndarray, band: int, count: float) -> float:
    """The number of deviations that so many of a hundred errors to come are within, by `count` independent ones.

    Of n errors, a share s (n + 1) / n has to be within a band for a share s of the next ones to be (as in conformal prediction). Where that
    is more than all of them, the band is by so much wider than the largest.
    """
    share = band / 100 * (1 + 1 / count)
    return float(np.quantile(deviations, min(share, 1.0))) * max(share, 1.0)
