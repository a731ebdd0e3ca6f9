"""Lines as a FOCUS table: 1.2 as AWS exports it, and 1.2-preview as Microsoft does."""

from enum import Enum

import numpy as np
import pyarrow as pa

from .calendar import Month
from .charges import (
    COVERED,
    CREDIT,
    MARKETPLACE_INVOICE,
    PLAN_FEE,
    REFUND,
    RESERVED,
    ROUNDING,
    TAX,
    UNUSED,
    USAGE,
    Charge,
)
from .focus_bill import CONTRACTED_PERCENT
from .lines import Lines
from .organization import Source
from .profiles import Attributes, Profiles, chosen, constant, moments
from .units import IntArray, to_float

_COMMON = [
    "AvailabilityZone",
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "CapacityReservationId",
    "CapacityReservationStatus",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "CommitmentDiscountCategory",
    "CommitmentDiscountId",
    "CommitmentDiscountName",
    "CommitmentDiscountQuantity",
    "CommitmentDiscountStatus",
    "CommitmentDiscountType",
    "CommitmentDiscountUnit",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyEffectiveCost",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceDetails",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
]
_AWS = [*_COMMON, "x_CostCategories", "x_Discounts", "x_Operation", "x_ServiceCode", "x_UsageType"]
_MICROSOFT = [
    *_COMMON,
    "x_BillingProfileId",
    "x_CostCenter",
    "x_InvoiceSectionName",
    "x_ResourceGroupName",
    "x_SkuMeterCategory",
]
_COSTS = ("BilledCost", "ContractedCost", "EffectiveCost", "ListCost", "PricingCurrencyEffectiveCost")
_NUMBERS = (
    *_COSTS,
    "CommitmentDiscountQuantity",
    "ConsumedQuantity",
    "ContractedUnitPrice",
    "ListUnitPrice",
    "PricingCurrencyContractedUnitPrice",
    "PricingCurrencyListUnitPrice",
    "PricingQuantity",
)
_TIMES = ("BillingPeriodEnd", "BillingPeriodStart", "ChargePeriodEnd", "ChargePeriodStart")
_MAPS = ("Tags", "x_CostCategories", "x_Discounts")
_REGIONS = {
    "eu-central-1": "Europe (Frankfurt)",
    "westeurope": "EU West",
    "eu-west-1": "Europe (Ireland)",
    "us-east-1": "US East (N. Virginia)",
}
_CATEGORIES = {PLAN_FEE: "Purchase", TAX: "Tax", CREDIT: "Credit", ROUNDING: "Adjustment"}


class Shape(Enum):
    """How values are written: as text, with the maps and doubles of AWS, or with the JSON and decimals of Microsoft."""

    CSV = "csv"
    AWS_PARQUET = "aws_parquet"
    MICROSOFT_PARQUET = "microsoft_parquet"


class FocusTable:
    """Builds FOCUS tables whose lines point to `charges` by index; charges may be appended between calls."""

    def __init__(self, source: Source, charges: list[Charge], shape: Shape) -> None:
        self._source = source
        self._charges = charges
        self._shape = shape
        self.columns = _MICROSOFT if source.name == "azure" else _AWS
        maps = _MAPS if shape is Shape.AWS_PARQUET else ()
        skipped = (*_NUMBERS, *_TIMES, *maps, "InvoiceId")
        self._maps = maps
        self._profiles = Profiles([name for name in self.columns if name not in skipped], maps)

    def table(self, lines: Lines, month: Month, invoices: dict[str, str | None], _rng: np.random.Generator) -> pa.Table:
        """Return the lines with all columns of the export; `invoices` maps kinds to ids, None in an open month."""
        for charge in self._charges[self._profiles.size :]:
            self._profiles.add(_attributes(charge, self._source))
        numbers = self._numbers(lines)
        on_market = np.array([charge.invoice == MARKETPLACE_INVOICE for charge in self._charges])[lines.profile].astype(
            np.int32
        )
        columns: dict[str, pa.Array] = {}
        for name in self.columns:
            if name in _NUMBERS:
                columns[name] = numbers[name]
            elif name in _TIMES:
                columns[name] = self._time(name, lines, month)
            elif name in self._maps:
                columns[name] = self._profiles.maps(name, lines.profile)
            elif name == "InvoiceId":
                columns[name] = chosen(list(invoices.values()), on_market)
            else:
                taken = self._profiles.text(name, lines.profile)
                columns[name] = pa.nulls(lines.size, pa.string()) if taken is None else taken
        return pa.table(columns)

    def _time(self, name: str, lines: Lines, month: Month) -> pa.Array:
        if self._shape is Shape.CSV:
            if name.startswith("Billing"):
                return constant(month.start_text if name.endswith("Start") else month.end_text, lines.size)
            return moments(month, lines.start_ms if name.endswith("Start") else lines.end_ms)
        times: dict[str, int | IntArray] = {
            "BillingPeriodStart": month.start_ms,
            "BillingPeriodEnd": month.end_ms,
            "ChargePeriodStart": lines.start_ms,
            "ChargePeriodEnd": lines.end_ms,
        }
        return pa.array(np.full(lines.size, times[name])).cast(pa.timestamp("ms", tz="UTC"))

    def _numbers(self, lines: Lines) -> dict[str, pa.Array]:
        percent = CONTRACTED_PERCENT[self._source.name]
        kinds = np.array([charge.kind for charge in self._charges])
        priced = np.isin(kinds, (USAGE, COVERED, RESERVED))[lines.profile]
        committed = np.isin(kinds, (COVERED, RESERVED, UNUSED, PLAN_FEE))[lines.profile]
        price = np.array([charge.sku.price for charge in self._charges])[lines.profile]
        # A discount agreed with the provider is not of what others sell on its marketplace.
        on_market = np.array([charge.invoice == MARKETPLACE_INVOICE for charge in self._charges])[lines.profile]
        agreed = np.where(on_market, 100, percent)
        negotiated = np.round(price * agreed / 100, 12)
        # Fees and credits have no list price beside what they cost.
        contracted = np.where(priced, lines.list_units * agreed // 100, lines.billed)
        listed = np.where(priced, lines.list_units, lines.billed)
        costs = {
            "BilledCost": lines.billed,
            "EffectiveCost": lines.effective,
            "ContractedCost": contracted,
            "ListCost": listed,
        }
        numbers = {name: self._cost(units) for name, units in costs.items()}
        return numbers | {
            "PricingCurrencyEffectiveCost": numbers["EffectiveCost"],
            "CommitmentDiscountQuantity": _where(committed, lines.quantity),
            "ConsumedQuantity": _where(priced, lines.quantity),
            "PricingQuantity": pa.array(lines.quantity),
            "ListUnitPrice": _where(priced, price),
            "ContractedUnitPrice": _where(priced, negotiated),
            "PricingCurrencyListUnitPrice": _where(priced, price),
            "PricingCurrencyContractedUnitPrice": _where(priced, negotiated),
        }

    def _cost(self, units: IntArray) -> pa.Array:
        if self._shape is Shape.MICROSOFT_PARQUET:
            whole = pa.array(units).cast(pa.decimal128(19, 0))
            return pa.Array.from_buffers(pa.decimal128(28, 10), len(whole), whole.buffers()).cast(pa.decimal128(38, 18))
        return pa.array(to_float(units))


def _where(rows: np.ndarray, values: np.ndarray) -> pa.Array:
    return pa.array(values, mask=~rows)


def _attributes(charge: Charge, source: Source) -> Attributes:
    sku, account = charge.sku, charge.account
    microsoft = source.name == "azure"
    provider = "Microsoft" if microsoft else "AWS"
    market = charge.invoice == MARKETPLACE_INVOICE
    committed = charge.plan is not None
    is_usage = charge.kind in (USAGE, COVERED, RESERVED)
    shared: dict[str, str | dict[str, str] | None] = {
        "AvailabilityZone": f"{charge.region}a" if sku.hourly and not microsoft else None,
        "BillingAccountId": source.payer_id,
        "BillingAccountName": source.payer_name,
        "BillingAccountType": "Billing Account" if microsoft else "Payer",
        "BillingCurrency": source.currency,
        "ChargeCategory": _CATEGORIES.get(charge.kind, "Usage"),
        "ChargeClass": "Correction" if charge.kind == REFUND else None,
        "ChargeDescription": charge.description or f"{sku.name}: {sku.usage_type}",
        "ChargeFrequency": "Usage-Based"
        if is_usage or charge.kind == UNUSED
        else "Recurring"
        if charge.kind == PLAN_FEE
        else "One-Time",
        "ConsumedUnit": sku.unit if is_usage else None,
        "InvoiceIssuerName": source.issuer,
        "PricingCategory": None if charge.kind == TAX else "Committed" if committed else "Standard",
        "PricingCurrency": source.currency,
        "PricingUnit": sku.unit if is_usage else None,
        "ProviderName": provider,
        "PublisherName": ("Gridline Software" if microsoft else "Lumenwatch BV")
        if market
        else provider
        if microsoft
        else source.issuer,
        "RegionId": charge.region if charge.region != "global" else None,
        "RegionName": _REGIONS.get(charge.region),
        "ResourceId": charge.resource_id,
        "ResourceName": charge.resource_name,
        "ResourceType": sku.resource_type if charge.resource_id and charge.kind not in (PLAN_FEE, UNUSED) else None,
        "ServiceCategory": sku.category,
        "ServiceName": sku.name,
        "ServiceSubcategory": sku.subcategory,
        "SkuId": sku.sku_id,
        "SkuMeter": sku.usage_type,
        "SkuPriceDetails": f'{{"InstanceType":"{sku.instance_type}"}}' if sku.instance_type else None,
        "SkuPriceId": f"{sku.sku_id}.JRTCKXETXF.6YS6EN2CT7",
        "SubAccountId": account.account_id,
        "SubAccountName": account.name,
        "SubAccountType": "Subscription" if microsoft else "Account",
        "Tags": {key if microsoft else f"user:{key}": value for key, value in charge.tags},
    }
    if charge.plan:
        shared |= {
            "CommitmentDiscountCategory": "Spend" if charge.plan.is_savings_plan else "Usage",
            "CommitmentDiscountId": charge.plan.resource_id,
            "CommitmentDiscountName": charge.plan.key,
            "CommitmentDiscountStatus": {PLAN_FEE: None, UNUSED: "Unused"}.get(charge.kind, "Used"),
            "CommitmentDiscountType": "Savings Plan" if charge.plan.is_savings_plan else "Reservation",
            "CommitmentDiscountUnit": "Hours",
        }
    if microsoft:
        return shared | {
            "x_BillingProfileId": f"{source.payer_id}/billingProfiles/HRG-EU",
            "x_CostCenter": "",
            "x_InvoiceSectionName": "Halden",
            "x_ResourceGroupName": charge.resource_id.split("/")[4] if charge.resource_id and is_usage else None,
            "x_SkuMeterCategory": sku.name,
        }
    return shared | {
        "x_CostCategories": {},
        "x_Discounts": {},
        "x_Operation": sku.operation,
        "x_ServiceCode": sku.code,
        "x_UsageType": sku.usage_type,
    }
