"""The optimum of a commitment is that of a search over every breakpoint, to the last digit."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml.savings.commitments.curve import Curve, Layer, Slot, ratio

D = Decimal
LAYERS = st.lists(
    st.builds(
        Layer,
        ratio=st.sampled_from([D("0.3"), D("0.45"), D("0.5"), D("0.613"), D("0.720001"), D("0.99"), D("1.2")]),
        on_demand=st.decimals(0, 50, places=4),
    ),
    max_size=4,
)
SLOTS = st.lists(
    st.builds(Slot, hours=st.integers(1, 24), layers=LAYERS.map(tuple)),
    min_size=1,
    max_size=12,
)


def brute_cost(slots: list[Slot], committed: Fraction) -> Fraction:
    """Hour by hour, layer by layer, in fractions."""
    total = Fraction(0)
    for slot in slots:
        left = committed
        paid = committed
        for layer in sorted(slot.layers):
            on_demand, share = Fraction(layer.on_demand), Fraction(min(layer.ratio, D(1)))
            size = min(left, on_demand * share)
            left -= size
            paid += on_demand - size / share
        total += slot.hours * paid
    return total


def brute_points(slots: list[Slot]) -> set[Fraction]:
    points = {Fraction(0)}
    for slot in slots:
        reached = Fraction(0)
        for layer in sorted(slot.layers):
            reached += Fraction(layer.on_demand) * Fraction(min(layer.ratio, D(1)))
            points.add(reached)
    return points


@settings(max_examples=150, deadline=None)
@given(SLOTS)
def test_optimum_is_the_least_cost_of_all_breakpoints(slots: list[Slot]) -> None:
    curve = Curve(slots)
    costs = {point: brute_cost(slots, point) for point in brute_points(slots)}
    best = min(costs.values())
    assert Fraction(curve.optimum()) == min(point for point, cost in costs.items() if cost == best)
    assert abs(Fraction(curve.cost(curve.optimum())) - best) < Fraction(1, 10**40)
    assert Fraction(curve.on_demand) == costs[Fraction(0)]


@settings(max_examples=100, deadline=None)
@given(SLOTS, st.decimals(0, 120, places=3))
def test_cost_between_breakpoints_is_that_of_the_hours(slots: list[Slot], committed: Decimal) -> None:
    assert abs(Fraction(Curve(slots).cost(committed)) - brute_cost(slots, Fraction(committed))) < Fraction(1, 10**40)


@settings(max_examples=100, deadline=None)
@given(SLOTS)
def test_break_even_is_the_last_commitment_without_a_loss(slots: list[Slot]) -> None:
    curve, none = Curve(slots), brute_cost(slots, Fraction(0))
    at = Fraction(curve.break_even())
    assert brute_cost(slots, at) <= none
    assert brute_cost(slots, at + Fraction(1, 10**15)) > none


@settings(max_examples=100, deadline=None)
@given(SLOTS, st.sampled_from([D("0.001"), D("0.37"), D(5)]), st.decimals(0, 100, places=2))
def test_whole_steps_below_a_limit_are_the_best_of_all_of_them(
    slots: list[Slot], step: Decimal, limit: Decimal
) -> None:
    curve = Curve(slots)
    found = curve.optimum(step=step, limit=limit)
    assert found % step == 0
    assert found <= limit
    for other in {found - step, found + step, limit // step * step, D(0)}:
        if 0 <= other <= limit:
            assert curve.cost(found) <= curve.cost(other)


def test_one_rate_is_the_critical_fractile_of_the_hours() -> None:
    # At 70 % of the on-demand price a unit that is used in 7 of 10 hours costs the same either way: it is not bought.
    slots = [Slot(1, (Layer(D("0.7"), D(use)),)) for use in range(1, 11)]
    assert Curve(slots).optimum() == D("0.7") * 3
    assert Curve(slots).cost(D("2.1")) == Curve(slots).cost(D("2.8")) == 10 * D("2.8") + sum(range(1, 7))


def test_covered_and_left_over_usage_are_the_whole() -> None:
    slot = Slot(1, (Layer(D("0.8"), D(10)), Layer(D("0.5"), D(4))))
    assert slot.covered(D(6)) == 9
    assert slot.without(D(6)).on_demand == 5
    assert slot.covered(D(6)) + slot.without(D(6)).on_demand == slot.on_demand
    assert slot.covered(D(100)) == 14


@pytest.mark.parametrize(("committed", "expected"), [("2", "0.666667"), ("1.5", "0.500000")])
def test_ratio_is_rounded_up(committed: str, expected: str) -> None:
    assert ratio(D(committed), D(3)) == D(expected)
