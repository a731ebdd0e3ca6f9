"""Lines as a table of AWS CUR 2.0."""

from datetime import date

import numpy as np
import pyarrow as pa

from .calendar import Month
from .charges import (
    COVERED,
    CREDIT,
    DISCOUNT,
    FEE,
    MARKETPLACE_INVOICE,
    NEGATION,
    PLAN_FEE,
    PLAN_UPFRONT,
    RESERVATION_FEE,
    RESERVED,
    TAX,
    USAGE,
    Charge,
)
from .cur_columns import CUR_COLUMNS, MAP, NUMBER, TEXT, TIME
from .lines import Lines, dense
from .organization import Source
from .profiles import Attributes, Profiles, chosen, intervals
from .units import SCALE, FloatArray, IntArray, to_float

TIMESTAMP = pa.timestamp("ms", tz="UTC")
_TYPES = {TEXT: pa.string(), NUMBER: pa.float64(), TIME: TIMESTAMP}
_PER_LINE = ("identity_line_item_id", "identity_time_interval", "bill_invoice_id")
_PLANS = (COVERED, NEGATION, PLAN_FEE, PLAN_UPFRONT)
# 65,536 words of four letters: thirteen of them make an id as AWS writes it.
_LETTERS = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", dtype=np.uint8)
_WORDS = _LETTERS[np.random.Generator(np.random.SFC64(0)).integers(0, 32, (1 << 16, 4))].reshape(-1).view(np.uint32)


class CurTable:
    """Builds tables whose lines point to `charges` by index; charges may be appended between calls."""

    def __init__(self, source: Source, charges: list[Charge]) -> None:
        self._source = source
        self._charges = charges
        self._profiles = Profiles(
            [name for name, kind in CUR_COLUMNS.items() if kind == TEXT and name not in _PER_LINE],
            ["product", "resource_tags", "cost_category"],
        )
        self._kinds: list[str] = []

    def table(self, lines: Lines, month: Month, invoices: dict[str, str | None], rng: np.random.Generator) -> pa.Table:
        """Return the lines with all columns of CUR 2.0; `invoices` maps invoice kinds to ids, None in an open month."""
        for charge in self._charges[self._profiles.size :]:
            self._profiles.add(_attributes(charge, self._source))
            self._kinds.append(charge.kind)
        size = lines.size
        numbers = self._numbers(lines)
        times: dict[str, int | IntArray] = {
            "bill_billing_period_start_date": month.start_ms,
            "bill_billing_period_end_date": month.end_ms,
            "line_item_usage_start_date": lines.start_ms,
            "line_item_usage_end_date": lines.end_ms,
        }
        on_market = np.array([charge.invoice == MARKETPLACE_INVOICE for charge in self._charges])[lines.profile].astype(
            np.int32
        )
        empty = {kind: pa.nulls(size, type_) for kind, type_ in _TYPES.items()}
        columns: dict[str, pa.Array] = {}
        for name, kind in CUR_COLUMNS.items():
            if name == "identity_line_item_id":
                columns[name] = _ids(rng, size)
            elif name == "identity_time_interval":
                columns[name] = intervals(month, lines.start_ms, lines.end_ms)
            elif name == "bill_invoice_id":
                columns[name] = chosen(list(invoices.values()), on_market)
            elif name == "discount":
                # Discounts are lines of their own in this export, so the map is empty.
                columns[name] = _no_entries(size)
            elif kind == MAP:
                columns[name] = self._profiles.maps(name, lines.profile)
            elif kind == TIME:
                columns[name] = pa.array(np.full(size, times[name])).cast(TIMESTAMP)
            elif kind == NUMBER:
                columns[name] = pa.array(numbers[name], from_pandas=True) if name in numbers else empty[NUMBER]
            else:
                taken = self._profiles.text(name, lines.profile)
                columns[name] = empty[TEXT] if taken is None else taken
        return pa.table(columns)

    def _numbers(self, lines: Lines) -> dict[str, FloatArray]:
        kinds = np.array(self._kinds)
        covered = (kinds == COVERED)[lines.profile]
        reserved = (kinds == RESERVED)[lines.profile]
        billed = to_float(lines.billed)
        effective = to_float(lines.effective)
        advance = np.array([charge.plan.upfront if charge.plan else 0.0 for charge in self._charges])[lines.profile]
        prepaid = np.rint(lines.effective * advance)
        rate = np.array([_plan_rate(charge) for charge in self._charges])[lines.profile]
        numbers = {name: dense(lines, name) for name in lines.extras}
        return numbers | {
            "line_item_usage_amount": lines.quantity,
            "line_item_unblended_cost": billed,
            "line_item_blended_cost": billed,
            "pricing_public_on_demand_cost": to_float(lines.list_units),
            "savings_plan_savings_plan_effective_cost": np.where(covered, effective, np.nan),
            "savings_plan_savings_plan_rate": np.where(covered, rate, np.nan),
            "reservation_effective_cost": np.where(reserved, effective, np.nan),
            "reservation_amortized_upfront_cost_for_usage": np.where(reserved, prepaid / SCALE, np.nan),
            "reservation_recurring_fee_for_usage": np.where(reserved, (lines.effective - prepaid) / SCALE, np.nan),
        }


def _ids(rng: np.random.Generator, size: int) -> pa.Array:
    """Line ids: 52 letters each, new ones in every delivery."""
    letters = _WORDS[rng.integers(0, 1 << 16, (size, 13), dtype=np.uint16)]
    offsets = np.arange(size + 1, dtype=np.int32) * 52
    return pa.StringArray.from_buffers(size, pa.py_buffer(offsets), pa.py_buffer(letters.reshape(-1)))


def _no_entries(size: int) -> pa.Array:
    keys, values = pa.array([], pa.string()), pa.array([], pa.float64())
    return pa.MapArray.from_arrays(pa.array(np.zeros(size + 1, dtype=np.int32)), keys, values)


def _plan_rate(charge: Charge) -> float:
    return charge.sku.price * (1 - charge.plan.discount) if charge.plan else 0.0


def _attributes(charge: Charge, source: Source) -> Attributes:
    sku, account = charge.sku, charge.account
    market = charge.invoice == MARKETPLACE_INVOICE
    kind = FEE if charge.kind == "Support" else charge.kind
    rate = None if charge.kind in (TAX, CREDIT, DISCOUNT, PLAN_UPFRONT) else f"{sku.price:.10f}"
    product = {"product_name": sku.name, "region": charge.region}
    if sku.instance_type:
        product["instance_type_family"] = sku.instance_type.rsplit(".", 1)[0]
    attributes: dict[str, str | dict[str, str] | None] = {
        "bill_bill_type": "Refund"
        if charge.kind == "Refund"
        else "Purchase"
        if charge.kind == PLAN_UPFRONT
        else "Anniversary",
        "bill_billing_entity": "AWS Marketplace" if market else "AWS",
        "bill_invoicing_entity": source.issuer,
        "bill_payer_account_id": source.payer_id,
        "bill_payer_account_name": source.payer_name,
        "line_item_availability_zone": f"{charge.region}a" if sku.hourly and charge.region != "global" else None,
        "line_item_currency_code": source.currency,
        "line_item_iam_principal": charge.principal,
        "line_item_legal_entity": "Lumenwatch BV" if market else source.issuer,
        "line_item_line_item_description": charge.description or _description(charge),
        "line_item_line_item_type": kind,
        "line_item_operation": sku.operation,
        "line_item_product_code": "ComputeSavingsPlans" if charge.kind in (PLAN_FEE, PLAN_UPFRONT) else sku.code,
        "line_item_resource_id": charge.resource_id,
        "line_item_tax_type": "VAT" if charge.kind == TAX else None,
        "line_item_unblended_rate": rate,
        "line_item_blended_rate": rate,
        "line_item_usage_account_id": account.account_id,
        "line_item_usage_account_name": account.name,
        "line_item_usage_type": _usage_type(charge),
        "pricing_currency": source.currency,
        "pricing_public_on_demand_rate": rate,
        "pricing_rate_code": f"{sku.sku_id}.JRTCKXETXF.6YS6EN2CT7",
        "pricing_rate_id": str(
            sum(ord(letter) * (index + 7) for index, letter in enumerate(sku.usage_type)) + 1_000_000_000
        ),
        "pricing_term": "Reserved"
        if charge.kind == RESERVED
        else "OnDemand"
        if charge.kind in (USAGE, COVERED, NEGATION)
        else None,
        "pricing_unit": sku.unit if charge.kind in (USAGE, COVERED, RESERVED, NEGATION) else None,
        "product": product,
        "product_instance_type": sku.instance_type,
        "product_operation": sku.operation,
        "product_product_family": sku.family,
        "product_region_code": charge.region,
        "product_servicecode": sku.code,
        "product_sku": sku.sku_id,
        "product_usagetype": _usage_type(charge),
        "resource_tags": {f"user_{key}": value for key, value in charge.tags},
        "cost_category": {
            "business_unit": "Shared services" if account.mapped_to in (None, "Platform Engineering") else "Digital"
        },
    }
    return attributes | _commitment(charge)


def _commitment(charge: Charge) -> dict[str, str | dict[str, str] | None]:
    plan = charge.plan
    if plan is None:
        return {}
    start, end = _zulu(plan.start), _zulu(plan.end)
    term = f"{plan.years}yr"
    if charge.kind in _PLANS:
        return {
            "savings_plan_savings_plan_a_r_n": plan.resource_id,
            "savings_plan_offering_type": "ComputeSavingsPlans",
            "savings_plan_payment_option": plan.payment_option,
            "savings_plan_purchase_term": term,
            "savings_plan_region": "global",
            "savings_plan_start_time": start,
            "savings_plan_end_time": end,
        }
    return {
        "reservation_reservation_a_r_n": plan.resource_id,
        "reservation_subscription_id": str(9_000_000_000 + plan.count * 7919 + plan.years),
        "reservation_number_of_reservations": str(plan.count),
        "reservation_units_per_reservation": "1",
        "reservation_modification_status": "Original",
        "reservation_start_time": start,
        "reservation_end_time": end,
        "pricing_lease_contract_length": term,
        "pricing_offering_class": "standard",
        "pricing_purchase_option": plan.payment_option,
    }


def _zulu(day: date) -> str:
    return f"{day:%Y-%m-%d}T00:00:00.000Z"


def _usage_type(charge: Charge) -> str:
    if charge.plan and charge.kind in (PLAN_FEE, PLAN_UPFRONT):
        return f"ComputeSP:{charge.plan.years}yr{charge.plan.payment_option.replace(' ', '')}"
    if charge.kind in (RESERVATION_FEE, FEE) and charge.plan:
        return charge.sku.usage_type.replace("InstanceUsage", "HeavyUsage")
    return charge.sku.usage_type


def _description(charge: Charge) -> str:
    sku = charge.sku
    plan = charge.plan
    texts = {
        USAGE: f"${sku.price:.10g} per {sku.unit} {sku.usage_type}",
        COVERED: f"${sku.price:.10g} per {sku.unit} {sku.usage_type}, covered by a Compute Savings Plan",
        NEGATION: f"SavingsPlanNegation used by AccountId : {charge.account.account_id} and UsageSku : {sku.sku_id}",
        PLAN_FEE: f"{plan.years} year {plan.payment_option} Compute Savings Plan" if plan else "",
        PLAN_UPFRONT: f"{plan.years} year {plan.payment_option} Compute Savings Plan, upfront fee" if plan else "",
        RESERVED: f"{sku.name}, {sku.instance_type} reserved instance applied",
        RESERVATION_FEE: f"{sku.name}, {sku.instance_type} reserved instance, recurring fee",
        FEE: f"Sign up charge for subscription: {plan.resource_id}" if plan else "",
        DISCOUNT: f"Enterprise Discount Program discount for {sku.name}",
        "Support": "AWS Support (Business)",
    }
    return texts.get(charge.kind, sku.name)
