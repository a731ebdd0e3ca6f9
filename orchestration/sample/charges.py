"""What a line says besides its numbers: one `Charge` serves every line of the same resource and kind."""

from dataclasses import dataclass, replace
from datetime import date

from .catalogue import Sku
from .organization import Account

# Kinds of charges, named as AWS names line item types; the FOCUS bills use the ones that they need.
USAGE = "Usage"
COVERED = "SavingsPlanCoveredUsage"
NEGATION = "SavingsPlanNegation"
PLAN_FEE = "SavingsPlanRecurringFee"
PLAN_UPFRONT = "SavingsPlanUpfrontFee"
RESERVED = "DiscountedUsage"
RESERVATION_FEE = "RIFee"
FEE = "Fee"
DISCOUNT = "EdpDiscount"
TAX = "Tax"
CREDIT = "Credit"
REFUND = "Refund"
# Kinds that only FOCUS has.
UNUSED = "Unused"
ROUNDING = "Rounding"

MAIN_INVOICE = "main"
MARKETPLACE_INVOICE = "marketplace"


@dataclass(frozen=True)
class Plan:
    """A commitment.

    `committed` is the cost of an hour of it in 10^-10 units, `upfront` the share of that paid when it began.
    """

    key: str
    resource_id: str
    kind: str
    buyer: Account
    start: date
    committed: int
    discount: float
    upfront: float = 0.0
    years: int = 3
    count: int = 0
    sku: Sku | None = None

    @property
    def is_savings_plan(self) -> bool:
        """Whether it commits to a spend, not to certain instances."""
        return self.kind == "SavingsPlan"

    @property
    def upfront_committed(self) -> int:
        """The part of an hour of the commitment that was paid in advance, in 10^-10 units."""
        return round(self.committed * self.upfront)

    @property
    def recurring_committed(self) -> int:
        """The part of an hour of the commitment that is paid as it goes, in 10^-10 units."""
        return self.committed - self.upfront_committed

    @property
    def upfront_fee(self) -> int:
        """The payment at the start of the term, in 10^-10 units. A year of a commitment has 8,760 hours."""
        return self.upfront_committed * 8760 * self.years

    @property
    def payment_option(self) -> str:
        """How it is paid, in the words of AWS."""
        return {0.0: "No Upfront", 1.0: "All Upfront"}.get(self.upfront, "Partial Upfront")

    @property
    def end(self) -> date:
        """The first day after its term."""
        return self.start.replace(year=self.start.year + self.years)


@dataclass(frozen=True)
class Charge:
    """The attributes of lines. `discount` is the commitment's reduction of the list price."""

    kind: str
    account: Account
    sku: Sku
    region: str
    resource_id: str | None = None
    resource_name: str | None = None
    tags: tuple[tuple[str, str], ...] = ()
    plan: Plan | None = None
    invoice: str = MAIN_INVOICE
    description: str | None = None
    principal: str | None = None

    def without_resource(self, kind: str) -> "Charge":
        """Return the same account and SKU as a charge that belongs to no resource."""
        return replace(self, kind=kind, resource_id=None, resource_name=None, tags=(), principal=None)


def derived_key(charge: Charge) -> tuple[str, str, str]:
    """Lines that providers sum up (negations, discounts) are one per account, product and usage type."""
    return charge.account.account_id, charge.sku.code, charge.sku.usage_type
