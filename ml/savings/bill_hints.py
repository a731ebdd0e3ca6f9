"""What a bill says about support, tax and marketplaces that somebody should look at. No saving is claimed: it is not in the data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from ml.savings.recommendation import Owner, Recommendation, Window, estimate
from ml.savings.traffic import text


@dataclass(frozen=True)
class Charges:
    """What one kind of charges cost in the window, and the whole bill that they are on."""

    kind: Literal["support", "tax", "marketplace"]
    name: str
    provider: str
    currency: str
    cost: Decimal
    whole: Decimal
    non_production: Decimal
    """What of the whole bill is of environments that are not of production."""


@dataclass(frozen=True)
class _Hint:
    proposed: str
    change: str
    reason: str


def bill_hints(charges: Sequence[Charges], window: Window, minimum: Decimal) -> Iterator[Recommendation]:
    """A hint for each that costs at least so much in a month."""
    for one in charges:
        monthly = window.monthly(one.cost, window.days)
        if monthly < minimum or one.whole <= 0:
            continue
        share = one.cost / one.whole
        hint = _hint(one)
        yield Recommendation(
            kind=f"{one.kind}_hint",
            provider=one.provider,
            resource_type=one.kind,
            resource_id=None,
            sub_account_id=None,
            owner=Owner(),
            current=f"{monthly:,.2f} {one.currency} a month for {one.name}",
            proposed=hint.proposed,
            change=hint.change,
            reason=f"It is {100 * share:.1f} % of this bill. {hint.reason}",
            estimate=estimate(window, {}, {}),
            effort="medium",
            risk="low",
            risk_reason="None in looking.",
            confidence="low",
            confidence_reason="What is paid is known; what of it could be saved is not in the bill, so no saving is claimed.",
            evidence={
                "monthly_cost": text(monthly),
                "share": text(round(share, 6)),
                "rests_on": "effective cost of the window",
            },
            exclusive_group=f"bill/{one.provider}/{one.currency}/{one.kind}/{one.name}",
            currency=one.currency,
            window=window,
        )


def _hint(one: Charges) -> _Hint:
    if one.kind == "support":
        share = 100 * one.non_production / one.whole
        return _Hint(
            "a cheaper plan for accounts that need no answer at night",
            "Compare the plan with the cases that were opened; move accounts that are not of production to a cheaper one.",
            f"Support follows what is spent, and {share:.1f} % of that is known not to be of production.",
        )
    if one.kind == "tax":
        return _Hint(
            "tax that is not charged, or that is taken back",
            "Check that the tax number of each account is registered, and that the tax that was charged is claimed back.",
            "Tax is charged with the bill.",
        )
    return _Hint(
        "an offer of the seller, or licences that are used",
        "Compare what is subscribed with what is used, and ask the seller for a private offer before the term ends.",
        "It is sold by another than the provider of the cloud.",
    )
