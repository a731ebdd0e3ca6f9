"""A part of a cost by what the cost is made of: nothing is lost or added, whatever the amounts."""

from __future__ import annotations

from decimal import Decimal, localcontext

from hypothesis import given
from hypothesis import strategies as st

from orchestration.lib.explanation import NOT_KNOWN, UNIT, Amount, divided

AMOUNTS = st.decimals("-1e9", "1e9", places=10)


@given(st.dictionaries(st.text(max_size=3), AMOUNTS, min_size=1, max_size=8), st.decimals(0, 1, places=10), AMOUNTS)
def test_parts_add_up_exactly_and_do_not_depend_on_order(
    costs: dict[str, Decimal], share: Decimal, part: Decimal
) -> None:
    parts = divided(part, share, costs)
    with localcontext(prec=60):
        assert sum((amount.cost for amount in parts), Decimal(0)) == part
    assert [(amount.name, amount.total) for amount in parts] == list(costs.items())
    turned = divided(part, share, dict(reversed(costs.items())))
    assert {amount.name: amount.cost for amount in turned} == {amount.name: amount.cost for amount in parts}


@given(st.lists(st.decimals(0, "1e9", places=10), min_size=1, max_size=8), st.decimals(0, 1, places=10))
def test_each_part_is_its_share_to_the_unit(costs: list[Decimal], share: Decimal) -> None:
    with localcontext(prec=60):
        whole = sum(costs, Decimal(0))
        part = (whole * share).quantize(UNIT)
        for amount in divided(part, share, {str(place): cost for place, cost in enumerate(costs)}):
            expected = part * amount.total / whole if whole else Decimal(0)
            assert abs(amount.cost - expected) <= UNIT


def test_costs_that_cancel_each_other_out_are_divided_by_the_share() -> None:
    costs = {"usage": Decimal(10), "credit": Decimal(-10)}
    assert divided(Decimal(0), Decimal("0.3"), costs) == [
        Amount("usage", Decimal(10), Decimal(3)),
        Amount("credit", Decimal(-10), Decimal(-3)),
    ]


def test_a_part_of_nothing_that_is_known_is_named_so() -> None:
    assert divided(Decimal(2), Decimal(1), {}) == [Amount(NOT_KNOWN, Decimal(2), Decimal(2))]
