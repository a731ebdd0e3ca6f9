"""What every bill has in common: lines of usage, sums of a month, support and tax."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from .calendar import Month, day_number
from .catalogue import SUPPORT, TAXED
from .charges import (
    COVERED,
    FEE,
    MAIN_INVOICE,
    PLAN_FEE,
    PLAN_UPFRONT,
    RESERVATION_FEE,
    RESERVED,
    TAX,
    UNUSED,
    Charge,
    Plan,
)
from .estate import Estate
from .lines import LineList, Lines
from .organization import Account
from .units import CENT, SCALE, IntArray, whole_cents
from .usage import Usage

# Business support: share of the month's charges up to each bound, in currency units.
_SUPPORT_TIERS = ((10_000, 10), (80_000, 7), (250_000, 5), (10**12, 3))
_FEES = (PLAN_FEE, PLAN_UPFRONT, RESERVATION_FEE, FEE)


@dataclass
class Sums:
    """Totals of one month for every charge: 10^-10 units, and quantities in millionths."""

    billed: IntArray
    effective: IntArray
    quantity: IntArray

    @classmethod
    def zero(cls) -> "Sums":
        """Return the sums of no lines."""
        return cls(*(np.zeros(0, dtype=np.int64) for _ in range(3)))

    def add(self, lines: Lines) -> None:
        """Count some lines of the month in."""
        missing = int(lines.profile.max(initial=-1)) + 1 - len(self.billed)
        if missing > 0:
            self.billed, self.effective, self.quantity = (
                np.pad(a, (0, missing)) for a in (self.billed, self.effective, self.quantity)
            )
        np.add.at(self.billed, lines.profile, lines.billed)
        np.add.at(self.effective, lines.profile, lines.effective)
        np.add.at(self.quantity, lines.profile, np.rint(lines.quantity * 1_000_000).astype(np.int64))


class Bill(ABC):
    """Turns usage into the lines of one provider.

    `charges` are the attributes that the lines' `profile` points to: first those of the estate's series, then those of
    fees, taxes and the like.
    """

    tax_percent = 0.0

    def __init__(self, estate: Estate) -> None:
        self.estate = estate
        self.charges: list[Charge] = [row.charge for row in estate.resources]
        self._profiles: dict[object, int] = {}

    def profile(self, charge: Charge, *key: object) -> int:
        """Return the index of a charge that belongs to no series, made at its first use."""
        name = (charge.kind, charge.account.account_id, charge.sku.usage_type, charge.description, *key)
        if name not in self._profiles:
            self._profiles[name] = len(self.charges)
            self.charges.append(charge)
        return self._profiles[name]

    @abstractmethod
    def lines(self, usage: Usage) -> list[Lines]:
        """Return the lines of each slot: usage and what goes with it."""

    @abstractmethod
    def closing(self, month: Month, sums: Sums) -> Lines:
        """Return the lines that come once a month; `sums` holds the lines of its slots."""

    def active(self, month: Month) -> list[tuple[int, Plan]]:
        """(index, plan) of the commitments that have begun by the first of the month."""
        return [(index, plan) for index, plan in enumerate(self.estate.plans) if plan.start <= month.first]

    def usage_lines(self, usage: Usage, billed: IntArray, effective: IntArray) -> Lines:
        """Return a line for each series and slot that has one; the arrays have the shape (series, slots)."""
        cells = np.flatnonzero(usage.lines)
        series, slot = np.divmod(cells, usage.slots.size)

        def taken(array: IntArray) -> IntArray:
            return array.reshape(-1)[cells]

        return Lines(
            series,
            usage.slots.start_ms[slot],
            usage.slots.end_ms[slot],
            usage.quantity.reshape(-1)[cells],
            taken(usage.list_units),
            taken(billed),
            taken(effective),
        )

    def slot_lines(
        self,
        usage: Usage,
        profile: int,
        *,
        listed: IntArray,
        billed: IntArray,
        effective: IntArray,
        quantity: IntArray | np.ndarray,
    ) -> tuple[Lines, np.ndarray]:
        """One line of a charge in each slot in which it costs anything, and which slots these are."""
        keep = np.flatnonzero((billed != 0) | (effective != 0))
        profiles = np.full(len(keep), profile, dtype=np.int64)
        slots = usage.slots
        lines = Lines(
            profiles,
            slots.start_ms[keep],
            slots.end_ms[keep],
            np.asarray(quantity, dtype=np.float64)[keep],
            listed[keep],
            billed[keep],
            effective[keep],
        )
        return lines, keep

    def begun(self, plan: Plan, usage: Usage) -> np.ndarray:
        """In which slots a commitment runs."""
        return np.asarray(usage.slots.day >= day_number(plan.start))

    def support_and_tax(self, month: Month, sums: Sums, single: LineList) -> None:
        """Add support for the paying account and tax for each; the last tax line rounds the invoice to whole cents."""
        period = (month.start_ms, month.end_ms)
        payer = self.payer
        main = self.by_invoice(sums, MAIN_INVOICE)
        fee = _support(int(main.sum()) + sum(row[5] for row in single.rows))
        single.add(self.profile(Charge("Support", payer, SUPPORT, "global")), period, billed=fee, effective=fee)
        for account in self.estate.source.accounts[::-1]:
            own = sum(
                int(main[index]) for index, charge in enumerate(self.charges[: len(main)]) if charge.account is account
            )
            own += sum(row[5] for row in single.rows if self._taxed(row[0], account))
            tax = round(own * self.tax_percent / 100)
            if account is payer:
                tax += whole_cents(int(main.sum()) + tax + sum(row[5] for row in single.rows if self._on_main(row[0])))
            profile = self.profile(Charge(TAX, account, TAXED, "global", description="Tax"))
            single.add(profile, period, billed=tax, effective=tax)

    @property
    def payer(self) -> Account:
        """The account that buys for all others."""
        return self.estate.source.accounts[0]

    def _on_main(self, profile: int) -> bool:
        return self.charges[profile].invoice == MAIN_INVOICE

    def _taxed(self, profile: int, account: Account) -> bool:
        charge = self.charges[profile]
        return charge.account is account and charge.kind != TAX and charge.invoice == MAIN_INVOICE

    def by_invoice(self, sums: Sums, invoice: str) -> IntArray:
        """Billed sums of the charges on one of the month's invoices, 0 for the others."""
        chosen = np.array([charge.invoice == invoice for charge in self.charges[: len(sums.billed)]])
        return np.where(chosen, sums.billed, 0)

    def commitments(self, sums: Sums) -> list[tuple[Plan, int, int, int]]:
        """(plan, purchases billed, used effective cost, unused effective cost) of a month, 10^-10 units."""
        result = []
        for plan in self.estate.plans:
            own = [
                (index, charge.kind)
                for index, charge in enumerate(self.charges)
                if charge.plan is plan and index < len(sums.billed)
            ]
            billed = sum(int(sums.billed[index]) for index, kind in own if kind in _FEES)
            used = sum(int(sums.effective[index]) for index, kind in own if kind in (COVERED, RESERVED))
            unused = sum(int(sums.effective[index]) for index, kind in own if kind in (*_FEES, UNUSED))
            if billed or used or unused:
                result.append((plan, billed, used, unused))
        return result


def _support(charges: int) -> int:
    fee = 0
    floor = 0
    for bound, percent in _SUPPORT_TIERS:
        part = max(0, min(charges, bound * SCALE) - floor * SCALE)
        fee += part * percent // 100
        floor = bound
    return fee - fee % CENT
