"""What a chargeback report says: exact amounts, one statement for each currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from reports.budgets import BudgetLine
from reports.formatting import to_cents

UNALLOCATED = "unallocated"


@dataclass(frozen=True)
class TeamLine:
    """What a team pays: its own charges and its part of the pools. `previous`: None where nothing is compared."""

    team: str
    cost_centers: tuple[str, ...]
    direct: Decimal
    shared: Decimal
    previous: Decimal | None

    @property
    def total(self) -> Decimal:
        """What the team pays altogether."""
        return self.direct + self.shared

    @property
    def change(self) -> Decimal | None:
        """How much more it pays than the month before."""
        return None if self.previous is None else self.total - self.previous


@dataclass(frozen=True)
class ServiceLine:
    """What a service cost, of one team where `team` is given."""

    name: str
    category: str
    cost: Decimal
    previous: Decimal | None
    team: str = ""

    @property
    def change(self) -> Decimal | None:
        """How much more it cost than the month before."""
        return None if self.previous is None else self.cost - self.previous


@dataclass(frozen=True)
class AccountLine:
    """An account with charges of no team, and the services that they are for, the dearest first."""

    source: str
    account_id: str
    name: str
    services: tuple[str, ...]
    cost: Decimal


@dataclass(frozen=True)
class SourceLine:
    """The bill of a source on its way: as delivered, as reported, as charged back.

    `basis_…`: the same in the cost basis of the report. `from_other_months`: what was delivered with another month.
    """

    source: str
    lines: int
    delivered: Decimal
    reported: Decimal
    charged: Decimal
    basis_reported: Decimal
    basis_charged: Decimal
    from_other_months: Decimal

    @property
    def difference(self) -> Decimal:
        """What was delivered and not charged back."""
        return self.delivered - self.charged

    @property
    def agrees(self) -> bool:
        """Whether nothing was lost or added on the way, to the last digit."""
        return self.delivered == self.reported == self.charged and self.basis_reported == self.basis_charged


@dataclass(frozen=True)
class InvoiceLine:
    """An invoice beside what was delivered for it in the month. `invoiced`, `difference`: None where not entered."""

    issuer: str
    invoice_id: str
    delivered: Decimal
    invoiced: Decimal | None
    difference: Decimal | None

    @property
    def agrees(self) -> bool:
        """Whether delivery and invoice are the same to the cent: invoices have no smaller unit."""
        return self.difference is not None and to_cents(self.difference) == 0

    @property
    def spans(self) -> bool:
        """Whether the invoice covers more than this month's lines."""
        return self.invoiced is not None and self.delivered - self.invoiced != self.difference


@dataclass(frozen=True)
class PoolLine:
    """What the pools of an allocation rule held. `left_over`: what nobody could be found to share by."""

    rule: str
    cost: Decimal
    left_over: Decimal
    teams: int


@dataclass(frozen=True)
class Statement:
    """Everything that is said about one currency.

    `change` and the changes of lines: None where the month before is absent or cannot be compared.
    `other_…`: how many are not listed, and their sum. `history`: team -> cost in each of `months`.
    """

    currency: str
    total: Decimal
    previous_total: Decimal | None
    change: Decimal | None
    billed: Decimal
    previous_billed: Decimal | None
    unknown_rows: int
    teams: tuple[TeamLine, ...]
    unallocated: TeamLine | None
    services: tuple[ServiceLine, ...]
    other_services: ServiceLine | None
    changes: tuple[ServiceLine, ...]
    accounts: tuple[AccountLine, ...]
    other_accounts: tuple[int, Decimal]
    sources: tuple[SourceLine, ...]
    invoices: tuple[InvoiceLine, ...]
    other_invoices: tuple[int, Decimal]
    pools: tuple[PoolLine, ...]
    months: tuple[date, ...]
    history: Mapping[str, tuple[Decimal, ...]]

    @property
    def shared_total(self) -> Decimal:
        """What was shared, over all teams."""
        lines = (*self.teams, self.unallocated) if self.unallocated else self.teams
        return sum((line.shared for line in lines), Decimal(0))

    @property
    def direct_total(self) -> Decimal:
        """What was not shared, the unallocated included."""
        return self.total - self.shared_total

    @property
    def basis_reported(self) -> Decimal:
        """What all sources report in the cost basis of the report."""
        return sum((source.basis_reported for source in self.sources), Decimal(0))

    @property
    def basis_charged(self) -> Decimal:
        """What is charged back of all sources in the cost basis of the report."""
        return sum((source.basis_charged for source in self.sources), Decimal(0))

    @property
    def unallocated_cost(self) -> Decimal:
        """What no team pays."""
        return self.unallocated.total if self.unallocated else Decimal(0)

    @property
    def agrees(self) -> bool:
        """Whether the whole bill arrived in the chargeback."""
        return all(source.agrees for source in self.sources)


@dataclass(frozen=True)
class Progress:
    """How far a source has delivered the month."""

    source: str
    last_day: date
    complete: bool


@dataclass(frozen=True)
class Report:
    """A month: who it is for, how complete it is, what was paid in each currency, its budgets, and the rules it was shared by."""

    organization: str
    period: date
    basis: str
    progress: tuple[Progress, ...]
    statements: tuple[Statement, ...]
    budgets: tuple[BudgetLine, ...]
    rules: tuple[Mapping[str, Any], ...]

    @property
    def complete(self) -> bool:
        """Whether every source has delivered the month to its end."""
        return bool(self.progress) and all(source.complete for source in self.progress)

    @property
    def most_used(self) -> Decimal:
        """Charged over budgeted of the budget that is used most: what the longest bar stands for."""
        return max((line.charged / line.budget for line in self.budgets if line.budget > 0), default=Decimal(1))

    @property
    def open_sources(self) -> list[Progress]:
        """Sources that have not delivered the month to its end."""
        return [source for source in self.progress if not source.complete]
