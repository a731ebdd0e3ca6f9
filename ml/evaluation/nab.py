"""The scoring rules of the Numenta Anomaly Benchmark (Lavin and Ahmad, 2015, arXiv:1510.03336), standard profile.

Early detections in a labelled window count for more, false ones the more the farther they are behind a window, and each window
that is missed counts -1. A detector has one threshold for all series: the one with the best sum.
"""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# Weights of the standard profile.
TRUE_POSITIVE, FALSE_POSITIVE, FALSE_NEGATIVE = 1.0, 0.11, 1.0
# Detections in the first 15 % of a series, of 750 records at most, do not count: a detector may learn from them.
PROBATION_SHARE, PROBATION_LIMIT = 0.15, 5000


@dataclass(frozen=True)
class Series:
    """One labelled series. `windows`: first and last index of each anomaly, in order."""

    name: str
    times: np.ndarray
    values: np.ndarray
    windows: tuple[tuple[int, int], ...]

    @property
    def probation(self) -> int:
        """The number of records that are not scored."""
        return int(PROBATION_SHARE * min(len(self.values), PROBATION_LIMIT))


Detector = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Times (datetime64[s], shape (n,)) and values (float64, shape (n,)) -> scores from 0 to 1, each from what came before it."""


def read_series(folder: Path) -> Iterator[Series]:
    """The series below a folder that holds `combined_windows.json` and gzipped files of timestamp and value."""
    labelled = json.loads((folder / "combined_windows.json").read_text())
    for name, windows in sorted(labelled.items()):
        path = folder / f"{name}.gz"
        if not path.exists():
            continue
        with gzip.open(path, "rt") as text:
            rows = list(csv.DictReader(text))
        stamps = np.array([row["timestamp"][:19] for row in rows], "datetime64[s]")
        values = np.array([float(row["value"]) for row in rows])
        bounds = [[np.datetime64(bound[:19], "s") for bound in window] for window in windows]
        spans = tuple((_first(stamps, begin), _first(stamps, end)) for begin, end in bounds)
        yield Series(name, stamps, values, spans)


def _first(stamps: np.ndarray, stamp: np.datetime64) -> int:
    """Clocks are put back in some series, so that a time may occur twice: the first counts."""
    found = np.flatnonzero(stamps == stamp)
    return int(found[0])


def _sigmoid(position: np.ndarray) -> np.ndarray:
    """1 far before, 0 at and -1 far after the end of a window; beyond three widths after it -1."""
    return np.where(position > 3.0, -1.0, 2.0 / (1.0 + np.exp(5.0 * np.minimum(position, 3.0))) - 1.0)


def weights(series: Series) -> tuple[np.ndarray, np.ndarray]:
    """What a detection at each record is worth, and which window (-1: none) it is in; shape (n,) each."""
    count = len(series.values)
    index = np.arange(count)
    window = np.full(count, -1)
    worth = np.full(count, -FALSE_POSITIVE)
    for number, (begin, end) in enumerate(series.windows):
        width = end - begin + 1
        inside = slice(begin, end + 1)
        window[inside] = number
        worth[inside] = TRUE_POSITIVE * _sigmoid(-(end - index[inside] + 1) / width) / _sigmoid(np.array(-1.0))
        after = slice(end + 1, count)
        worth[after] = FALSE_POSITIVE * _sigmoid((index[after] - end) / (width - 1.0))
    return worth, window


def score(series: Series, detected: np.ndarray) -> float:
    """The raw score of the detections (bool, shape (n,)) in one series."""
    worth, window = weights(series)
    counted = detected & (np.arange(len(detected)) >= series.probation)
    total = float(worth[counted & (window < 0)].sum())
    for number in range(len(series.windows)):
        hits = worth[counted & (window == number)]
        total += float(hits.max()) if len(hits) else -FALSE_NEGATIVE
    return total


def normalised(raw: float, series: Sequence[Series]) -> float:
    """A sum of raw scores on the scale from 0, where nothing is ever detected, to 100, where every window is at once."""
    windows = sum(len(one.windows) for one in series)
    return 100.0 * (raw + FALSE_NEGATIVE * windows) / ((TRUE_POSITIVE + FALSE_NEGATIVE) * windows)


def best_threshold(series: Sequence[Series], scores: Sequence[np.ndarray]) -> tuple[float, float]:
    """The one threshold for all series with the best normalised score, and that score.

    Detected is what reaches the threshold. Sweeps down over all distinct scores, so that every threshold is looked at once.
    """
    events: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
    offset = 0
    for one, given in zip(series, scores, strict=True):
        worth, window = weights(one)
        kept = np.arange(len(given)) >= one.probation
        events.append((given[kept], worth[kept], np.where(window[kept] < 0, -1, window[kept] + offset)))
        offset += len(one.windows)
    given, worth, window = (np.concatenate(parts) for parts in zip(*events, strict=True))
    order = np.argsort(-given, kind="stable")
    best_of = np.full(offset, -FALSE_NEGATIVE)
    raw, best, threshold = -FALSE_NEGATIVE * offset, -FALSE_NEGATIVE * offset, np.inf
    for position, event in enumerate(order):
        number = window[event]
        if number < 0:
            raw += worth[event]
        elif worth[event] > best_of[number]:
            raw += worth[event] - best_of[number]
            best_of[number] = worth[event]
        last = position + 1 == len(order) or given[order[position + 1]] != given[event]
        if last and raw > best:
            best, threshold = raw, float(given[event])
    return threshold, normalised(best, series)


def windowed_gaussian(_times: np.ndarray, values: np.ndarray) -> np.ndarray:
    """NAB's baseline: the tail of a normal distribution of the last 6,400 values, moved on by 100 at a time."""
    from math import erfc, sqrt

    window: list[float] = []
    step: list[float] = []
    mean, deviation = 0.0, 1.0
    found = np.zeros(len(values))
    for position, value in enumerate(values):
        if window:
            found[position] = 1.0 - 0.5 * erfc(abs(value - mean) / deviation / sqrt(2.0))
        if len(window) < 6400:
            window.append(value)
        else:
            step.append(value)
            if len(step) < 100:
                continue
            window, step = window[100:] + step, []
        mean, deviation = float(np.mean(window)), float(np.std(window)) or 0.000001
    return found
