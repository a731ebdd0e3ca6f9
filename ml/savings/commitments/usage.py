"""What is known of usage that commitments can cover, of the commitments that there are, and of what new ones cost."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal


@dataclass(frozen=True, order=True)
class Sku:
    """What a commitment has a price for: a product in a region."""

    sku_id: str
    region_id: str = ""
    meter: str = field(default="", compare=False)

    @property
    def title(self) -> str:
        name = self.meter or self.sku_id
        return f"{name} in {self.region_id}" if self.region_id else name


@dataclass(frozen=True)
class Hours:
    """So many hours from `start` on, each alike. Amounts are those of one hour, at contracted on-demand prices.

    `covered` is by commitment and product; `unused` is what each commitment paid for and nobody used.
    """

    start: datetime
    count: int
    uncovered: Mapping[Sku, Decimal]
    covered: Mapping[tuple[str, Sku], Decimal] = field(default_factory=dict)
    unused: Mapping[str, Decimal] = field(default_factory=dict)

    @property
    def day(self) -> date:
        return self.start.date()


@dataclass(frozen=True)
class Commitment:
    """A commitment on the bill. What the provider does not say of it is None.

    `ratios`: committed by on-demand price of the products that it covered. `hourly_cost`: what is paid for it, used or not.
    """

    commitment_id: str
    type: str
    is_spend: bool
    ratios: Mapping[Sku, Decimal]
    hourly_cost: Decimal
    hourly_used: Decimal
    term_months: int | None = None
    payment: str | None = None
    period_end: date | None = None

    @property
    def utilisation(self) -> Decimal | None:
        return self.hourly_used / self.hourly_cost if self.hourly_cost else None


@dataclass(frozen=True)
class Offer:
    """A commitment that can be bought: money an hour (`is_spend`), or hours of one product at `unit_price` each.

    `origin` says where its rates are from: the bill, or a file of reference rates. `like`: a commitment of the same kind.
    """

    type: str
    is_spend: bool
    ratios: Mapping[Sku, Decimal]
    origin: str
    term_months: int | None = None
    payment: str | None = None
    unit_price: Decimal | None = None
    like: str = ""

    @property
    def product(self) -> Sku | None:
        """The one product that a reservation is for."""
        return None if self.is_spend else next(iter(self.ratios))

    @property
    def programme(self) -> tuple[str, Sku | None]:
        """What offers stand in for each other: one of them is bought."""
        return self.type, self.product

    @property
    def title(self) -> str:
        years = f"{self.term_months} months" if self.term_months else "the term of the one you have"
        parts = [self.type, *([self.product.title] if self.product else []), years, self.payment or ""]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Pool:
    """Where a commitment applies: what one payer is billed by a source, in one currency.

    `unpriced`: on-demand cost of the window by programme of usage that is eligible, but whose committed price is not known.
    """

    source: str
    provider: str
    billing_account_id: str | None
    currency: str
    hours: tuple[Hours, ...]
    commitments: tuple[Commitment, ...] = ()
    offers: tuple[Offer, ...] = ()
    is_hourly: bool = True
    unpriced: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class CommitmentSettings:
    """Settings with their defaults; `config/finops-config.yaml.example` says what each means."""

    minimum_history_days: int = 28
    terms_months: tuple[int, ...] = (12, 36)
    payments: tuple[str, ...] = ("No Upfront", "Partial Upfront", "All Upfront")
    risk: Decimal = Decimal("0.05")
    unseen_change_per_year: Decimal = Decimal("0.1")
    maximum_coverage: Decimal = Decimal(1)
    purchases: int = 4
    days_between_purchases: int = 30
    expiry_notice_days: int = 90
