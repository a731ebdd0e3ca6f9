"""How odd each day of each series is among all days of all series before it: an isolation forest (Liu et al., 2008) on what a rise looks like."""

from __future__ import annotations

import numpy as np

from ml.anomalies import views

SEED = 20_260_101
_TREES, _SAMPLE = 64, 256
_LEARNT_EVERY = 84
"""Days after which the forest is grown anew, from the days before."""
_FIRST = 42
"""The day from which on there is one."""
_FEWEST = 500
"""Days of all series together that a forest needs."""
_ODD = 0.99
"""The share of former days that a day must be odder than, to count as an incident."""
_RISES = 2.0
"""Days that rise by less than this many usual moves are not asked about: most days of most series."""


def forest_votes(values: np.ndarray) -> np.ndarray:
    """How odd each day is, as a share of what counts as an incident (1 and more), shape (series, days); 0 where costs do not rise."""
    from sklearn.ensemble import IsolationForest

    votes = np.zeros_like(values)
    features, rises = _features(values)
    for begin in range(_FIRST, values.shape[1], _LEARNT_EVERY):
        past, block = slice(max(0, begin - 364), begin), slice(begin, begin + _LEARNT_EVERY)
        known = features[:, past][~np.isnan(features[:, past]).any(axis=2)]
        asked = rises[:, block] & ~np.isnan(features[:, block]).any(axis=2)
        if len(known) < _FEWEST or not asked.any():
            continue
        draw = np.random.default_rng(SEED).choice(len(known), min(len(known), 4_000), replace=False)
        known = known[np.sort(draw)]
        forest = IsolationForest(n_estimators=_TREES, max_samples=min(_SAMPLE, len(known)), random_state=SEED).fit(
            known
        )
        odd = -forest.score_samples(known)
        middle, limit = np.quantile(odd, [0.5, _ODD])
        found = votes[:, block]
        found[asked] = (-forest.score_samples(features[:, block][asked]) - middle) / max(limit - middle, 1e-9)
    return np.maximum(votes, 0.0)


def _features(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each day, from the four weeks before it: how far it is above their middle, above the same weekday and above yesterday, in usual moves and
    as shares; and how far the week is. Logarithms, so that the largest do not hide the others. And where a day rises at all.
    """
    count, length = values.shape
    made = np.full((count, length, 5), np.nan)
    rises = np.zeros((count, length), bool)
    for day in range(28, length):
        past, now = values[:, day - 28 : day], values[:, day]
        middle = views.median_of(past, axis=1)
        usual = 1.4826 * views.median_of(np.abs(past - middle[:, None]), axis=1) + 0.01 * np.abs(middle) + 1e-6
        weekday = views.median_of(past[:, ::7], axis=1)
        week = views.mean_of(values[:, day - 6 : day + 1], axis=1)
        above = (now - middle) / usual
        rises[:, day] = above > _RISES
        parts = (
            above,
            (now - weekday) / usual,
            (now - past[:, -1]) / usual,
            (now - middle) / (np.abs(middle) + usual),
            (week - middle) / usual,
        )
        made[:, day] = np.stack([np.sign(one) * np.log1p(np.abs(one)) for one in parts], axis=1)
    return made, rises
