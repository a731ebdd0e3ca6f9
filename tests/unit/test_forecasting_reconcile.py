"""Parts that add up to the whole, whatever they are."""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.forecasting.reconcile import amount, in_units, largest_remainder, minimum_trace

AMOUNTS = st.floats(-1e12, 1e12, allow_nan=False)


def test_each_moves_in_proportion_to_how_wrong_it_tends_to_be() -> None:
    # Total 100, parts 40 and 50: 10 are missing. Variances 1 (total), 2 and 3 share it: the total gives 10/6.
    found = minimum_trace(
        np.array([[100.0], [40.0], [50.0]]), np.array([1.0, 2.0, 3.0]), 0, [[1, 2]], np.full(3, fill_value=True)
    )
    assert found[:, 0] == pytest.approx([100 - 10 / 6, 40 + 20 / 6, 50 + 30 / 6])


def test_two_dimensions_meet_one_total() -> None:
    values = np.array([[10.0], [4.0], [7.0], [2.0], [3.0], [4.0]])
    found = minimum_trace(values, np.ones(6), 0, [[1, 2], [3, 4, 5]], np.full(6, fill_value=True))[:, 0]
    assert found[1:3].sum() == pytest.approx(found[0])
    assert found[3:].sum() == pytest.approx(found[0])


def test_nothing_falls_below_zero_and_the_rest_moves_instead() -> None:
    values = np.array([[10.0], [0.5], [30.0]])
    found = minimum_trace(values, np.array([1e-6, 1.0, 1.0]), 0, [[1, 2]], np.full(3, fill_value=True))[:, 0]
    assert found == pytest.approx([10.0, 0.0, 10.0], abs=1e-4)
    assert found.min() >= 0.0


@given(st.lists(st.lists(AMOUNTS, min_size=1, max_size=6), min_size=1, max_size=3), AMOUNTS, st.data())
def test_sums_are_exact_at_the_last_decimal(groups: list[list[float]], total: float, data: st.DataObject) -> None:
    count = 1 + sum(map(len, groups))
    variance = np.array(data.draw(st.lists(st.floats(0, 1e6), min_size=count, max_size=count)))
    floor = np.array(data.draw(st.lists(st.booleans(), min_size=count, max_size=count)))
    values = np.array([[total], *([value] for group in groups for value in group)])
    places = iter(range(1, count))
    rows = [[next(places) for _ in group] for group in groups]
    found = minimum_trace(values, variance, 0, rows, floor)
    assert np.all(found[floor] >= 0.0)
    whole = in_units(found[0, 0])
    for group in rows:
        shares = largest_remainder(whole, {str(row): float(found[row, 0]) for row in group})
        assert sum(map(amount, shares.values()), Decimal(0)) == amount(whole)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=20))
def test_a_share_is_within_a_unit_of_its_part(parts: list[float]) -> None:
    whole = in_units(sum(parts))
    shares = largest_remainder(whole, {str(number): part for number, part in enumerate(parts)})
    for number, part in enumerate(parts):
        # A sum of floats is itself off by their precision.
        assert abs(amount(shares[str(number)]) - Decimal(part)) <= Decimal("1e-10") + Decimal(sum(parts)) * Decimal(
            "1e-14"
        )
        assert shares[str(number)] >= 0
