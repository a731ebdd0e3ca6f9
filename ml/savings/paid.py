"""What is really paid for a resource: what every saving on resources is a part of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal, localcontext
from typing import Any

from ml.savings.recommendation import Owner, Window

_STILL_THERE_DAYS = 7


@dataclass(frozen=True)
class Paid:
    """One resource and SKU: its effective cost in the window, after commitments and discounts.

    `daily`: effective cost of each day that it was charged on. `daily_committed`: the part of it that a commitment covers, whose
    price does not fall with its use. `price_details`: what the provider says of the SKU in FOCUS' names (InstanceType,
    OperatingSystem, CoreCount, MemorySize, Redundancy, …).
    """

    resource_id: str
    resource_name: str | None
    resource_type: str | None
    provider: str
    sub_account_id: str | None
    service_name: str | None
    service_category: str | None
    region_id: str | None
    sku_id: str | None
    sku_meter: str | None
    instance_type: str | None
    pricing_category: str | None
    currency: str
    owner: Owner
    window: Window
    consumed_quantity: Decimal
    consumed_unit: str | None
    list_cost: Decimal | None
    """At list price in the window; None where the provider tells none."""
    daily: Mapping[date, Decimal]
    daily_committed: Mapping[date, Decimal] = field(default_factory=dict)
    committed_until: date | None = None
    """When the commitments that cover it end, where the bill tells."""
    price_details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def monthly_cost(self) -> Decimal:
        """Effective cost in an average month."""
        return self.window.monthly(_sum(self.daily), self.window.days)

    @property
    def monthly_list_cost(self) -> Decimal | None:
        return None if self.list_cost is None else self.window.monthly(self.list_cost, self.window.days)

    @property
    def committed_share(self) -> Decimal:
        """The share of the effective cost that commitments cover, from 0 to 1."""
        total = _sum(self.daily)
        return min(max(_sum(self.daily_committed) / total, Decimal(0)), Decimal(1)) if total > 0 else Decimal(0)

    @property
    def uncommitted(self) -> dict[date, Decimal]:
        """Effective cost of each day that no commitment covers: what falls when less is used."""
        return {
            day: max(cost - self.daily_committed.get(day, Decimal(0)), Decimal(0)) for day, cost in self.daily.items()
        }

    @property
    def is_spot(self) -> bool:
        return self.pricing_category == "Dynamic"

    @property
    def is_current(self) -> bool:
        """Whether it is still there: charged in the last week of the window. What is gone cannot be saved."""
        return bool(self.daily) and max(self.daily) > self.window.last - timedelta(days=_STILL_THERE_DAYS)


def _sum(amounts: Mapping[date, Decimal]) -> Decimal:
    with localcontext(prec=60):
        return sum(amounts.values(), Decimal(0))
