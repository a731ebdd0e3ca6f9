"""The lines of a FOCUS bill, of AWS or of Microsoft: commitments appear as purchases, used and unused parts."""

import numpy as np

from .bill import Bill, Sums
from .calendar import Month
from .catalogue import AWS, AZURE, AZURE_MARKETPLACE, MARKETPLACE
from .charges import (
    COVERED,
    CREDIT,
    MARKETPLACE_INVOICE,
    PLAN_FEE,
    REFUND,
    RESERVED,
    ROUNDING,
    UNUSED,
    USAGE,
    Charge,
    Plan,
)
from .estate import Estate
from .lines import LineList, Lines
from .units import units, whole_cents
from .usage import Usage

# What a negotiated agreement leaves of the list price, in percent.
CONTRACTED_PERCENT = {"aws_subsidiary": 95, "azure": 97}


class FocusBill(Bill):
    """Lines of FOCUS.

    A commitment's purchase is billed and has no effective cost; used and unused parts have nothing but that.
    """

    tax_percent = 4.0

    def __init__(self, estate: Estate) -> None:
        super().__init__(estate)
        kinds = np.array([charge.kind for charge in self.charges])
        self._committed = np.flatnonzero((kinds == COVERED) | (kinds == RESERVED))
        self._percent = CONTRACTED_PERCENT[estate.source.name]
        self._microsoft = estate.source.name == "azure"

    def lines(self, usage: Usage) -> list[Lines]:
        """Return the lines of usage, of discounts and of commitments in each slot."""
        billed = usage.list_units * self._percent // 100
        effective = billed.copy()
        effective[self._committed] = usage.committed_units[self._committed]
        billed[self._committed] = 0
        result = [self.usage_lines(usage, billed, effective)]
        for index, plan in enumerate(self.estate.plans):
            result.extend(self._commitment(usage, index, plan))
        return result

    def _commitment(self, usage: Usage, index: int, plan: Plan) -> list[Lines]:
        hours = usage.slots.hours
        nothing = np.zeros(usage.slots.size, dtype=np.int64)
        purchase = np.where(self.begun(plan, usage), plan.committed * hours, 0)
        unused = purchase - usage.committed_units[self.estate.plan == index].sum(axis=0)
        quantity = np.full(usage.slots.size, float(hours))
        services = AZURE if self._microsoft else AWS
        sku = plan.sku or services["vm" if self._microsoft else "ec2"].skus[0]
        parts = []
        for kind, billed, effective in ((PLAN_FEE, purchase, nothing), (UNUSED, nothing, unused)):
            charge = Charge(kind, plan.buyer, sku, self.estate.source.regions[0], plan.resource_id, plan=plan)
            profile = self.profile(charge, plan.key)
            parts.append(
                self.slot_lines(usage, profile, listed=billed, billed=billed, effective=effective, quantity=quantity)[0]
            )
        return parts

    def closing(self, month: Month, sums: Sums) -> Lines:
        """Return the lines that come once a month."""
        single = LineList()
        period = (month.start_ms, month.end_ms)
        account = self.estate.source.accounts[1]
        sku = AZURE["storage"].skus[0] if self._microsoft else AWS["s3"].skus[0]
        region = self.estate.source.regions[0]
        if month.first.month % 3 == 1:
            charge = Charge(CREDIT, account, sku, region, description="Partner programme credit")
            single.add(self.profile(charge), period, billed=units("-640"), effective=units("-640"), listed=0)
        if month.first.month % 4 == 2:
            charge = Charge(REFUND, account, sku, region, description="Correction of storage that was charged twice")
            single.add(self.profile(charge), period, billed=units("-87.21"), effective=units("-87.21"), listed=0)
        if self._microsoft:
            total = int(sums.billed.sum()) + sum(row[5] for row in single.rows)
            charge = Charge(ROUNDING, self.payer, sku, region, description="Rounding adjustment")
            single.add(self.profile(charge), period, billed=whole_cents(total), effective=whole_cents(total), listed=0)
        else:
            self.support_and_tax(month, sums, single)
        amount = units("1190" if self._microsoft else "865.4")
        software = AZURE_MARKETPLACE if self._microsoft else MARKETPLACE
        charge = Charge(USAGE, account, software, region, invoice=MARKETPLACE_INVOICE)
        single.add(self.profile(charge), period, billed=amount, effective=amount)
        return single.lines()
