"""Dated list prices of classes of storage."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

Component = Literal["storage", "put_request", "get_request", "transition_request", "retrieval", "monitoring"]
COMPONENTS: tuple[Component, ...] = (
    "storage",
    "put_request",
    "get_request",
    "transition_request",
    "retrieval",
    "monitoring",
)
"""What a GB and month costs, what a request (put, get, transition) and what a GB read costs, what watching an object a month."""


@dataclass(frozen=True)
class StoragePrice:
    """A price that holds from `valid_from` on until a later one. Prices are for one GB, request or object."""

    region_id: str
    storage_class: str
    component: Component
    unit_price: Decimal
    valid_from: date


@dataclass(frozen=True)
class StoragePrices:
    """All of them."""

    prices: tuple[StoragePrice, ...]

    def of(self, region_id: str | None, day: date) -> tuple[ClassPrices, str | None]:
        """The prices of a region on a day, and the region that they are of: those of us-east-1 where its own are not known."""
        regions = {price.region_id for price in self.prices if price.valid_from <= day}
        region = region_id if region_id in regions else "us-east-1" if "us-east-1" in regions else None
        found: dict[tuple[str, str], Decimal] = {}
        for price in sorted(self.prices, key=lambda price: price.valid_from):
            if price.region_id == region and price.valid_from <= day:
                found[price.storage_class, price.component] = price.unit_price
        return ClassPrices(found), region


@dataclass(frozen=True)
class ClassPrices:
    """Prices by class and component. One that is not there is not known, except that a class may have no charge for reading."""

    prices: dict[tuple[str, str], Decimal]

    def get(self, storage_class: str, component: Component) -> Decimal | None:
        return self.prices.get((storage_class, component))
