"""Volumes of the former general type, at the price of the present one."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ml.savings.holdings import Holding, Holdings
from ml.savings.paid import Paid
from ml.savings.recommendation import Recommendation
from ml.savings.sizing import Exclusion
from ml.savings.traffic import text
from ml.savings.waste_advice import Words, advice, aws

_BASE_IOPS = 3000
_PER_GB = 3
"""gp2 has so many IOPS for each GiB; gp3 has 3,000 whatever its size, and more for money."""


def volume_types(holdings: Holdings) -> Iterator[Recommendation | Exclusion]:
    """gp2 to gp3, at what a GB of each costs in this bill. What the bill does not tell the price of is said, not invented."""
    rates = _gp3_rates(holdings)
    for entry in holdings.lists.get("volumes", ()):
        holding = holdings.of(entry) if entry["volume_type"] == "gp2" and entry["state"] == "in-use" else None
        if holding is None:
            continue
        paid = _storage(holding)
        own = _list_rate(paid) if paid else None
        if paid is None or own is None:
            yield Exclusion(holding.resource_id, "what a GB of it costs at list price is not known")
            continue
        rate = rates.get((paid.provider, paid.region_id, paid.currency))
        if rate is None:
            yield Exclusion(holding.resource_id, f"the bill has no price of gp3 in {paid.region_id}")
            continue
        if rate >= own:
            continue
        needs_more = entry["size_gb"] * _PER_GB > _BASE_IOPS
        share = 1 - rate / own
        yield advice(
            holding,
            "volume_type",
            "volume",
            holding.only([paid]).saved(share, least=Decimal(0) if needs_more else Decimal(1)),
            Words(
                current=f"gp2 volume of {entry['size_gb']:,} GiB",
                proposed="gp3",
                change="Change its type to gp3; it stays attached and in use meanwhile.",
                reason=f"A GB of gp3 costs {100 * share:.1f} % less in this bill.",
                risk_reason=f"gp2 gives it up to {entry['size_gb'] * _PER_GB:,} IOPS, gp3 3,000 unless more are paid for."
                if needs_more
                else "gp3 gives it no fewer IOPS; bursts of throughput above 125 MB a second cost extra.",
                confidence_reason="Both prices are in the bill."
                + (" What more IOPS would cost is not known here." if needs_more else ""),
                command=aws(holding, "ec2 modify-volume --volume-id {id} --volume-type gp3"),
            ),
            evidence={
                "list_price_now": text(round(own, 10)),
                "list_price_then": text(round(rate, 10)),
                "rests_on": "list prices of the bill, inventory, effective cost by day",
            },
            confidence="medium" if needs_more else "high",
            risk="medium" if needs_more else "low",
        )


def _storage(holding: Holding) -> Paid | None:
    return next((one for one in holding.paid if "VolumeUsage" in (one.sku_meter or "")), None)


def _gp3_rates(holdings: Holdings) -> dict[tuple[str, str | None, str], Decimal]:
    """List price of a GB of gp3 by provider, region and currency: the highest where there are several."""
    rates: dict[tuple[str, str | None, str], Decimal] = {}
    for paid in holdings.paid:
        if (paid.sku_meter or "").endswith("VolumeUsage.gp3") and (rate := _list_rate(paid)):
            key = paid.provider, paid.region_id, paid.currency
            rates[key] = max(rates.get(key, rate), rate)
    return rates


def _list_rate(paid: Paid) -> Decimal | None:
    return paid.list_cost / paid.consumed_quantity if paid.list_cost and paid.consumed_quantity > 0 else None
