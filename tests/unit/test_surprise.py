"""Surprise comes from the past alone, and the scoring of detections is that of NAB's paper."""

from __future__ import annotations

import numpy as np
import pytest

from ml.anomalies.surprise import onsets, season_length, surprises
from ml.evaluation.nab import Series, best_threshold, normalised, score

HOURS = np.datetime64("2026-01-01", "s") + np.arange(24 * 60) * np.timedelta64(3600, "s")


def daily_wave(seed: int = 1) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 1, len(HOURS))
    wave: np.ndarray = 100 + 10 * np.sin(2 * np.pi * np.arange(len(HOURS)) / 24) + noise
    return wave


def test_season_is_a_day_of_values_or_a_week_of_days() -> None:
    assert season_length(HOURS) == 24
    assert season_length(HOURS[::24]) == 7


def test_a_spike_is_the_most_surprising_value_and_changes_nothing_before_it() -> None:
    values = daily_wave()
    spiked = values.copy()
    spiked[1000] += 40
    before, after = surprises(HOURS, values), surprises(HOURS, spiked)
    assert int(np.argmax(after)) == 1000
    assert after[1000] > 2 * before.max()
    assert np.array_equal(before[:1000], after[:1000])


@pytest.mark.parametrize("scale", [1e-6, 1e6])
def test_surprise_does_not_depend_on_the_unit(scale: float) -> None:
    values = daily_wave()
    values[1000] += 40
    assert surprises(HOURS, values * scale) == pytest.approx(surprises(HOURS, values), rel=1e-3, abs=1e-3)


@pytest.mark.parametrize("values", [np.zeros(500), np.full(500, 7.0), np.array([1.0, 2.0])])
def test_constant_and_short_series_surprise_nobody(values: np.ndarray) -> None:
    assert surprises(HOURS[: len(values)], values).max() == 0


def test_an_event_is_reported_when_it_begins_and_when_it_becomes_worse() -> None:
    given = np.array([0, 5, 4, 5, 6, 0, 0, 0, 0, 3.0])
    assert onsets(given, 3).tolist() == [0, 5, 0, 0, 6, 0, 0, 0, 0, 3]


def labelled(*windows: tuple[int, int], count: int = 1000) -> Series:
    times = np.datetime64("2026-01-01", "s") + np.arange(count) * np.timedelta64(300, "s")
    return Series("made", times, np.zeros(count), windows)


def detections(*indices: int, count: int = 1000) -> np.ndarray:
    found = np.zeros(count, bool)
    found[list(indices)] = True
    return found


def sigmoid(position: float) -> float:
    return float(2 / (1 + np.exp(5 * position)) - 1)


def test_scores_of_detections_worked_by_hand() -> None:
    series = labelled((500, 599))
    assert score(series, detections()) == -1
    assert score(series, detections(500)) == pytest.approx(1)
    # Only the best detection of a window counts, worth what is left of the window.
    assert score(series, detections(580, 590)) == pytest.approx(sigmoid(-20 / 100) / sigmoid(-1))
    # Before any window a false one costs its full weight; in the probation of 150 values nothing.
    assert score(series, detections(300, 500)) == pytest.approx(1 - 0.11)
    assert score(series, detections(149, 500)) == pytest.approx(1)
    # Behind the window it costs the less the nearer it is.
    assert score(series, detections(500, 609)) == pytest.approx(1 + 0.11 * sigmoid(10 / 99))
    assert score(series, detections(500, 999)) == pytest.approx(1 - 0.11)


def test_best_threshold_is_the_best_of_all_and_normalised() -> None:
    one, two = labelled((500, 599)), labelled((700, 799))
    first, second = np.zeros(1000), np.zeros(1000)
    first[[300, 500]], second[[400, 700]] = [0.5, 0.9], [0.95, 0.8]
    threshold, best = best_threshold([one, two], [first, second])
    assert threshold == 0.8
    assert best == pytest.approx(normalised(2 - 0.11, [one, two])) == pytest.approx(100 * (4 - 0.11) / 4)
