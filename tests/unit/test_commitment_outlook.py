"""What weeks of use tell of the term to come."""

from __future__ import annotations

import random
from decimal import Decimal

from ml.savings.commitments.outlook import outlook


def walk(step: float, seed: int, count: int = 60) -> list[float]:
    rng, level, levels = random.Random(seed), 100.0, []
    for _ in range(count):
        level *= 1 + rng.gauss(0, step)
        levels.append(level)
    return levels


def test_steady_use_goes_on() -> None:
    found = outlook([100.0] * 12, 52, 0.05)
    assert set(found.expected) == {Decimal(1)}
    assert found.worst == Decimal(1)


def test_noise_around_a_level_does_not_grow_with_the_term() -> None:
    rng = random.Random(7)
    levels = [100 + rng.gauss(0, 5) for _ in range(26)]
    assert outlook(levels, 156, 0.05).worst > Decimal("0.85")


def test_a_fall_is_followed_and_a_rise_is_not() -> None:
    falling = outlook([100 * 0.97**week for week in range(20)], 52, 0.05)
    assert falling.worst < Decimal("0.5")
    assert max(falling.expected) < Decimal(1)
    rising = outlook([100 * 1.03**week for week in range(20)], 52, 0.05)
    assert max(rising.expected) == Decimal(1)


def test_a_walk_is_worse_than_noise_and_a_smaller_risk_is_worse_still() -> None:
    levels = walk(0.05, 3)
    assert outlook(levels, 52, 0.05).worst < Decimal("0.8")
    assert outlook(levels, 52, 0.01).worst < outlook(levels, 52, 0.05).worst < outlook(levels, 52, 0.2).worst


def test_too_little_history_is_no_ground_for_a_promise() -> None:
    assert outlook([100.0, 100.0], 52, 0.05).worst == 0
    assert outlook([0.0] * 9, 52, 0.05).worst == 0
    assert outlook([], 52, 0.05).worst == 0


def test_worst_case_holds_for_walks_as_often_as_stated() -> None:
    # Of walks with known steps, the mean of the next weeks may fall below the worst case about as often as the risk says.
    below = 0
    for seed in range(200):
        levels = walk(0.03, seed, 52)
        seen, then = levels[:26], levels[26:]
        mean = sum(seen) / len(seen)
        below += sum(then) / len(then) < float(outlook(seen, len(then), 0.1).worst) * mean
    assert below <= 0.16 * 200
