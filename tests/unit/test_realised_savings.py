"""What a change really saved: by what is used after it, and not before against after."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from ml.savings.realised import Amount, realised
from ml.savings.recommendation import Window

D = Decimal
AFTER = Window(date(2026, 10, 2), date(2026, 10, 11))


def hours(cost: str, quantity: str) -> dict[str, Amount]:
    return {"Hrs": Amount(D(cost), D(quantity))}


def test_a_smaller_size_is_measured_by_the_hours_that_it_ran() -> None:
    """Half the price an hour for twice the hours costs the same as before, and saved half of what it would have cost."""
    found = realised("right_sizing", hours("100", "100"), 10, hours("100", "200"), 10, AFTER)
    assert (found.method, found.counterfactual, found.actual, found.saving) == ("rate", D(200), D(100), D(100))
    assert found.monthly_saving == AFTER.monthly(D(100), 10)


def test_less_use_at_the_same_price_is_no_saving() -> None:
    found = realised("right_sizing", hours("100", "100"), 10, hours("50", "50"), 10, AFTER)
    assert found.saving == 0


def test_what_costs_more_afterwards_is_a_negative_saving() -> None:
    assert realised("volume_type", hours("100", "100"), 10, hours("120", "100"), 10, AFTER).saving == D(-20)


def test_what_is_removed_would_have_gone_on() -> None:
    found = realised("idle_resource", hours("60", "720"), 30, {}, 10, AFTER)
    assert (found.method, found.counterfactual, found.saving) == ("removal", D(20), D(20))
    # A schedule saves the hours that it does not run, not the price of those that it does.
    assert realised("schedule", hours("240", "240"), 10, hours("100", "100"), 10, AFTER).saving == D(140)


def test_units_without_a_past_and_costs_without_a_unit() -> None:
    before = {"": Amount(D(30), None), **hours("100", "100")}
    after = {"": Amount(D(10), None), "GB": Amount(D(7), D(1)), **hours("50", "100")}
    found = realised("right_sizing", before, 30, after, 10, AFTER)
    assert (found.counterfactual, found.actual) == (D(10 + 100 + 7), D(67))
