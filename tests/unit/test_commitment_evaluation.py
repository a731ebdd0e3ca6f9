"""The rules that commitments are judged by, on series whose best commitment is known."""

from __future__ import annotations

import numpy as np
import pytest

from ml.evaluation.commitments import SEEN, WEEK, Case, cost, evaluate, folds, generated, section


def test_steady_use_costs_the_best_in_hindsight() -> None:
    steady = np.tile([1.0, 2.0], 2 * WEEK)
    (result,) = evaluate([Case("steady", "a", steady, steady)])
    assert result.cases == 4
    assert result.regret["optimum at 5 % risk"] == pytest.approx(0, abs=0.002)
    # Of 1 and 2 in turn the minimum is best from 50 % on; to pay for 2 always is dearer than none at 85 % alone.
    assert result.regret["minimum"] == pytest.approx(0)
    assert result.losses["80th percentile"] == 0.25
    assert "| steady | 4 | 0." in section([result])


@pytest.mark.parametrize("kind", ["stationary", "weekly"])
def test_stationary_series_cost_within_two_per_cent_of_the_best(kind: str) -> None:
    cases = [case for case in generated() if case.group.endswith(kind)][:2]
    (result,) = evaluate(cases)
    assert result.regret["optimum at 5 % risk"] < 0.02
    assert result.losses["optimum at 5 % risk"] == 0


def test_a_falling_series_is_not_dearer_than_nothing() -> None:
    cases = [case for case in generated() if case.group.endswith("falling")][:1]
    (result,) = evaluate(cases)
    assert result.losses["optimum at 5 % risk"] == 0
    assert result.losses["average"] > 0


def test_cost_is_what_is_committed_and_what_it_does_not_cover() -> None:
    assert cost(np.array([1.0, 3.0]), 2.0, 0.5) == 2 * 2 * 0.5 + 1


def test_a_series_is_cut_without_looking_ahead() -> None:
    (short,) = folds("g", "s", np.arange(6.0 * WEEK))
    assert short.seen[-1] < short.term[0]
    long = list(folds("g", "l", np.arange(30.0 * WEEK)))
    assert [len(case.seen) for case in long] == [SEEN] * 2
    assert all(case.seen[-1] + 1 == case.term[0] for case in long)
