"""The lines of an AWS Cost and Usage Report: usage, what commitments take off and cost, discounts and fees."""

from collections import defaultdict
from dataclasses import replace

import numpy as np

from .bill import Bill, Sums
from .calendar import Month
from .catalogue import AWS, MARKETPLACE
from .charges import (
    COVERED,
    CREDIT,
    DISCOUNT,
    FEE,
    MARKETPLACE_INVOICE,
    NEGATION,
    PLAN_FEE,
    PLAN_UPFRONT,
    REFUND,
    RESERVATION_FEE,
    RESERVED,
    USAGE,
    Charge,
    Plan,
    derived_key,
)
from .estate import Estate
from .lines import LineList, Lines
from .organization import Account
from .units import SCALE, units
from .usage import Usage

DISCOUNT_PERCENT = 6


class CurBill(Bill):
    """Lines of CUR 2.0.

    `effective` is the amortised cost: of a plan's fee the part that nobody used, of its upfront fee nothing.
    """

    tax_percent = 4.0

    def __init__(self, estate: Estate) -> None:
        super().__init__(estate)
        kinds = np.array([charge.kind for charge in self.charges])
        self._reserved = np.flatnonzero(kinds == RESERVED)
        self._committed = np.flatnonzero((kinds == COVERED) | (kinds == RESERVED))
        self._negations = self._groups(COVERED, NEGATION)
        self._discounts = self._groups(USAGE, DISCOUNT)

    def _groups(self, kind: str, derived: str) -> list[tuple[int, np.ndarray]]:
        """(profile of the derived line, series) of the series of a kind that share account, product and usage type."""
        members: dict[object, list[int]] = defaultdict(list)
        for index, charge in enumerate(self.charges[: self.estate.size]):
            if charge.kind == kind:
                # A discount is a line per product, a negation one per usage type and plan.
                key: object = (
                    derived_key(charge)[:2]
                    if derived == DISCOUNT
                    else (*derived_key(charge), charge.plan.key if charge.plan else "")
                )
                members[key].append(index)
        groups = []
        for key, series in members.items():
            charge = self.charges[series[0]].without_resource(derived)
            groups.append((self.profile(charge, key), np.array(series)))
        return groups

    def lines(self, usage: Usage) -> list[Lines]:
        """Return the lines of usage, of discounts and of commitments in each slot."""
        billed = usage.list_units.copy()
        billed[self._reserved] = 0
        effective = usage.list_units.copy()
        effective[self._committed] = usage.committed_units[self._committed]
        result = [self.usage_lines(usage, billed, effective)]
        nothing = np.zeros(usage.slots.size, dtype=np.int64)
        for profile, series in self._negations:
            covered = usage.list_units[series].sum(axis=0)
            quantity = usage.quantity[series].sum(axis=0)
            result.append(
                self.slot_lines(usage, profile, listed=-covered, billed=-covered, effective=nothing, quantity=quantity)[
                    0
                ]
            )
        for profile, series in self._discounts:
            discount = -(usage.list_units[series].sum(axis=0) * DISCOUNT_PERCENT // 100)
            result.append(
                self.slot_lines(usage, profile, listed=nothing, billed=discount, effective=discount, quantity=nothing)[
                    0
                ]
            )
        result.extend(
            self._plan_fee(usage, index, plan) for index, plan in enumerate(self.estate.plans) if plan.is_savings_plan
        )
        return result

    def _plan_fee(self, usage: Usage, index: int, plan: Plan) -> Lines:
        hours = usage.slots.hours
        begun = self.begun(plan, usage)
        used = usage.committed_units[self.estate.plan == index].sum(axis=0)
        fee = np.where(begun, plan.recurring_committed * hours, 0)
        total = np.where(begun, plan.committed * hours, 0)
        charge = Charge(PLAN_FEE, plan.buyer, AWS["ec2"].skus[0], "global", plan.resource_id, plan=plan)
        lines, slots = self.slot_lines(
            usage,
            self.profile(charge, plan.key),
            listed=fee,
            billed=fee,
            effective=total - used,
            quantity=np.full(usage.slots.size, hours),
        )
        rows = np.arange(lines.size)
        advance = np.full(lines.size, plan.upfront_committed * hours / SCALE)
        lines.extras = {
            "savings_plan_total_commitment_to_date": (rows, total[slots] / SCALE),
            "savings_plan_used_commitment": (rows, used[slots] / SCALE),
            "savings_plan_recurring_commitment_for_billing_period": (rows, fee[slots] / SCALE),
            "savings_plan_amortized_upfront_commitment_for_billing_period": (rows, advance),
        }
        return lines

    def closing(self, month: Month, sums: Sums) -> Lines:
        """Return the lines that come once a month."""
        single = LineList()
        period = (month.start_ms, month.end_ms)
        for index, plan in self.active(month):
            if not plan.is_savings_plan:
                self._reservation_fee(month, sums, single, index, plan)
            if plan.upfront and plan.start == month.first:
                kind = PLAN_UPFRONT if plan.is_savings_plan else FEE
                charge = Charge(kind, plan.buyer, plan.sku or AWS["ec2"].skus[0], "global", plan.resource_id, plan=plan)
                value = {} if plan.is_savings_plan else {"reservation_upfront_value": plan.upfront_fee / SCALE}
                single.add(self.profile(charge, plan.key), period, billed=plan.upfront_fee, effective=0, extras=value)
        if month.first.month % 3 == 0:
            self._once(single, period, CREDIT, "halden-data", "s3", "Migration programme credit", "-2500")
        if month.first.month % 4 == 1:
            self._once(single, period, REFUND, "halden-search", "s3", "Refund for replication that failed", "-318.42")
        self.support_and_tax(month, sums, single)
        for name, amount in (("halden-platform", "4850"), ("halden-payments", "1240.5")):
            charge = Charge(USAGE, self._account(name), MARKETPLACE, "global", invoice=MARKETPLACE_INVOICE)
            single.add(self.profile(charge), period, billed=units(amount), effective=units(amount))
        return single.lines()

    def _reservation_fee(self, month: Month, sums: Sums, single: LineList, index: int, plan: Plan) -> None:
        series = np.flatnonzero(self.estate.plan == index)
        hours = month.days * 24
        unused = plan.committed * hours - int(sums.effective[series].sum())
        advance = round(unused * plan.upfront)
        billed = plan.recurring_committed * ((month.end_ms - month.start_ms) // 3_600_000)
        charge = Charge(
            RESERVATION_FEE, plan.buyer, plan.sku or AWS["rds"].skus[0], self.estate.source.regions[0], plan=plan
        )
        single.add(
            self.profile(charge, plan.key),
            (month.start_ms, month.end_ms),
            billed=billed,
            effective=unused,
            quantity=float(plan.count * (month.end_ms - month.start_ms) // 3_600_000),
            extras={
                "reservation_unused_quantity": plan.count * hours - int(sums.quantity[series].sum()) / 1_000_000,
                "reservation_unused_amortized_upfront_fee_for_billing_period": advance / SCALE,
                "reservation_unused_recurring_fee": (unused - advance) / SCALE,
                "reservation_amortized_upfront_fee_for_billing_period": plan.upfront_committed * hours / SCALE,
            },
        )

    def _once(
        self, single: LineList, period: tuple[int, int], kind: str, name: str, service: str, text: str, amount: str
    ) -> None:
        charge = replace(
            Charge(kind, self._account(name), AWS[service].skus[0], self.estate.source.regions[0]), description=text
        )
        single.add(self.profile(charge), period, billed=units(amount), effective=units(amount), listed=0)

    def _account(self, name: str) -> Account:
        return next(account for account in self.estate.source.accounts if account.name == name)
