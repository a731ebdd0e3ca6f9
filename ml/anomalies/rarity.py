"""How rare each day of each series is among all days of all series before it.

What a rise looks like is told by a few features; how rare each is follows from its empirical distribution over all series, and the rarities are
added up (Li et al., 2022, "ECOD: Unsupervised Outlier Detection Using Empirical Cumulative Distribution Functions"). Beyond what was seen the
tail is exponential, so that what is twice as far out is rarer. An isolation forest on the same features was tried: it cannot tell what is
beyond all that it has seen from what is just at its edge, and found a third of the spikes later or never.
"""

from __future__ import annotations

import numpy as np

from ml.anomalies import views

_FIRST, _LEARNT_EVERY, _LEARNT_FROM = 42, 28, 364
"""The day from which on days are judged, after how many days the distributions are learnt anew, and from how many days."""
_FEWEST, _MOST = 200, 100_000
"""Days of all series together that are needed, and that are enough."""
_TAIL, _FAR = 0.02, 0.005
_ODD = 0.998
"""The share of former days that a day must be rarer than, to count as an incident."""
_BEFORE = 28


def rarities(values: np.ndarray, least: np.ndarray) -> np.ndarray:
    """How rare each day is, as a share of what counts as an incident (1 and more), shape (series, days); 0 where nothing is known.

    `least`: the moves that matter at all, shape (series,): smaller ones of a series that hardly moves are not far out.
    """
    found = np.zeros_like(values)
    features = _features(values, least)
    for begin in range(_FIRST, values.shape[1], _LEARNT_EVERY):
        past = features[:, max(0, begin - _LEARNT_FROM) : begin].reshape(-1, features.shape[2])
        past = past[~np.isnan(past).any(axis=1)]
        past = past[:: max(1, len(past) // _MOST)]
        block = features[:, begin : begin + _LEARNT_EVERY]
        if len(past) < _FEWEST:
            continue
        ordered = np.sort(past, axis=0)
        limit = float(np.quantile(_rarity(past, ordered), _ODD))
        rare = _rarity(block.reshape(-1, block.shape[2]), ordered).reshape(block.shape[:2])
        found[:, begin : begin + _LEARNT_EVERY] = np.nan_to_num(rare / limit)
    return found


def _rarity(rows: np.ndarray, ordered: np.ndarray) -> np.ndarray:
    """Sum over the features of -log10 of how often it was as high, shape (rows,)."""
    count = len(ordered)
    total = np.zeros(len(rows))
    for column in range(ordered.shape[1]):
        past, now = ordered[:, column], rows[:, column]
        tail, far = past[int((1 - _TAIL) * (count - 1))], past[int((1 - _FAR) * (count - 1))]
        excess = max(float(far - tail) / np.log(_TAIL / _FAR), 1e-3 * abs(float(tail)), 1e-9)
        share = np.maximum(1.0 - np.searchsorted(past, now, side="left") / count, _TAIL)
        total += -np.log10(share) + np.maximum(now - tail, 0.0) / excess / np.log(10)
    return total


def _features(values: np.ndarray, least: np.ndarray) -> np.ndarray:
    """Of each day, by the four weeks before it, shape (series, days, features).

    How far it is above their middle, above the same weekday and above the day before, in usual moves; above the middle as a share; and how far
    the week is above it. Logarithms, since series are as unlike as their sizes.
    """
    count, length = values.shape
    made = np.full((count, length, 5), np.nan)
    for day in range(_BEFORE, length):
        past, now = values[:, day - _BEFORE : day], values[:, day]
        middle = views.median_of(past, axis=1)
        usual = 1.4826 * views.median_of(np.abs(past - middle[:, None]), axis=1) + 0.02 * np.abs(middle) + least
        weekday = views.median_of(past[:, ::7], axis=1)
        week = views.mean_of(values[:, day - 6 : day + 1], axis=1)
        parts = (
            (now - middle) / usual,
            (now - weekday) / usual,
            (now - past[:, -1]) / usual,
            (now - middle) / (np.abs(middle) + usual),
            (week - middle) / usual,
        )
        made[:, day] = np.stack([np.sign(one) * np.log1p(np.abs(one)) for one in parts], axis=1)
    return made
