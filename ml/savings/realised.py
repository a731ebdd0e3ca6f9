"""What a change really saved: what was paid after it, against what the same would have cost without it.

The method is that of avoided energy use in the International Performance Measurement and Verification Protocol (EVO, IPMVP Core
Concepts): the use of a period before the change, adjusted to the conditions of the period after it, less what was measured then.
Before against after alone would call it a saving when less is used because fewer customers come.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal, localcontext
from typing import Literal

from ml.savings.recommendation import Window

Method = Literal["rate", "removal"]

# What is removed, or switched off at night, takes its quantity with it: that is the saving. Everything else goes on being used, and the
# saving is in what a unit of it costs.
REMOVALS = frozenset({"idle_resource", "orphaned_resource", "schedule", "incomplete_uploads", "noncurrent_versions"})
_UNIT = Decimal("0.0000000001")


@dataclass(frozen=True)
class Amount:
    """What was paid for so much of a unit. `quantity`: None where the provider counts none."""

    cost: Decimal
    quantity: Decimal | None


@dataclass(frozen=True)
class Realised:
    """Over the days after the change. `saving`: negative where it costs more than it would have without it."""

    method: Method
    counterfactual: Decimal
    actual: Decimal
    monthly_saving: Decimal

    @property
    def saving(self) -> Decimal:
        return self.counterfactual - self.actual


def realised(
    kind: str,
    before: Mapping[str, Amount],
    days_before: int,
    after: Mapping[str, Amount],
    days_after: int,
    window: Window,
) -> Realised:
    """What a change of a kind saved. `before` and `after`: what was paid in those days by unit; `window`: the days after.

    Of a change of the rate or the size each unit that is used afterwards would have cost what it cost before: cost before, by
    quantity before, times quantity after. A unit that is new has no price from before, and is taken at what is paid for it.
    What has no quantity, and all of what is removed, would have gone on as it was, day by day.
    """
    method: Method = "removal" if kind in REMOVALS else "rate"
    with localcontext(prec=60):
        expected = Decimal(0)
        for unit, amount in before.items():
            later = after.get(unit)
            if method == "removal" or not amount.quantity:
                expected += amount.cost * days_after / days_before
            elif later is not None and later.quantity:
                expected += amount.cost / amount.quantity * later.quantity
        if method == "rate":
            expected += sum((amount.cost for unit, amount in after.items() if unit not in before), Decimal(0))
        actual = sum((amount.cost for amount in after.values()), Decimal(0))
        expected = expected.quantize(_UNIT, ROUND_DOWN)
        return Realised(method, expected, actual, window.monthly(expected - actual, days_after))
