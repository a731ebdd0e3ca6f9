"""Resources whose traffic costs most: between zones, through NAT gateways, and out to the internet.

What of it could be left out is not in the bill, so that no saving is claimed: what is paid is said.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from ml.savings.holdings import Holding, Holdings
from ml.savings.paid import Paid
from ml.savings.recommendation import Recommendation, estimate
from ml.savings.traffic import text
from ml.savings.waste_advice import Words, advice

_MOST_OF_A_KIND = 3


@dataclass(frozen=True)
class _Traffic:
    """A kind of traffic by the meters of it, and what may be done about it."""

    meters: tuple[str, ...]
    name: str
    proposed: str
    change: str


_KINDS = (
    _Traffic(
        ("DataTransfer-Regional-Bytes",),
        "traffic between zones",
        "services that talk within a zone",
        "Look at which services talk to each other across zones: zone-aware routing, replicas in each zone, compression.",
    ),
    _Traffic(
        ("NatGateway-Bytes",),
        "traffic through a NAT gateway",
        "gateway endpoints for S3 and DynamoDB, interface endpoints for the rest",
        "Look at where it goes: what goes to S3 and DynamoDB costs nothing through a gateway endpoint.",
    ),
    _Traffic(
        ("DataTransfer-Out-Bytes", "Data Transfer Out"),
        "traffic out to the internet",
        "a content delivery network, compression, or fewer bytes",
        "Look at who reads it: what is read often costs less through a content delivery network, and less still when compressed.",
    ),
)


def network(holdings: Holdings) -> Iterator[Recommendation]:
    """The dearest resources of each kind of traffic that cost at least the setting in a month."""
    for kind in _KINDS:
        found = [one for one in holdings.paid if one.is_current and _is_of(one, kind)]
        whole = sum((one.monthly_cost for one in found), Decimal(0))
        found.sort(key=lambda one: (-one.monthly_cost, one.resource_id))
        for paid in found[:_MOST_OF_A_KIND]:
            if paid.monthly_cost >= holdings.settings.network_monthly_cost:
                yield _hint(holdings, paid, kind, whole)


def _is_of(paid: Paid, kind: _Traffic) -> bool:
    return any((paid.sku_meter or "").endswith(meter) for meter in kind.meters)


def _hint(holdings: Holdings, paid: Paid, kind: _Traffic, whole: Decimal) -> Recommendation:
    return advice(
        Holding((paid,)),
        "network",
        "network",
        estimate(holdings.window, {}, {}),
        Words(
            current=f"{paid.monthly_cost:,.2f} {paid.currency} a month for {kind.name}",
            proposed=kind.proposed,
            change=kind.change,
            reason=f"It is {100 * paid.monthly_cost / whole:.0f} % of what {kind.name} costs.",
            risk_reason="None in looking.",
            confidence_reason="What is paid is known; what of it could be left out is not in the bill, so no saving is claimed.",
        ),
        evidence={
            "monthly_cost": text(paid.monthly_cost),
            "consumed_quantity": text(paid.consumed_quantity),
            "consumed_unit": paid.consumed_unit,
            "rests_on": "effective cost by day",
        },
        confidence="low",
        effort="medium",
        part=f"/{kind.meters[0]}",
    )
