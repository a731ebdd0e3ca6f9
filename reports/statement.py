"""What a chargeback report says: exact amounts, one statement for each currency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from reports.ai import AiReport
from reports.anomalies import Unusual
from reports.budgets import BudgetLine
from reports.completeness import Progress
from reports.forecast import MonthEnd
from reports.formatting import to_cents
from reports.recommendations import Savings

UNALLOCATED = "unallocated"


@dataclass(frozen=True)
class TeamLine:
    """What a team costs: its own charges, its part of the pools, and what has changed in closed months.

    `markup`: what it pays on top. `previous`: None where nothing is compared.
    """

    team: str
    cost_centers: tuple[str, ...]
    direct: Decimal
    shared: Decimal
    adjusted: Decimal
    markup: Decimal
    previous: Decimal | None

    @property
    def total(self) -> Decimal:
        """What the team costs altogether."""
        return self.direct + self.shared + self.adjusted

    @property
    def to_pay(self) -> Decimal:
        """What the team pays: its cost and the mark-up on it."""
        return self.total + self.markup

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
class AdjustmentLine:
    """What has changed for a team in a closed month since it was signed. `close_hash`: of that close, if there is one."""

    period: date
    team: str
    close_hash: str | None
    cost: Decimal
    markup: Decimal


@dataclass(frozen=True)
class Closed:
    """By whom and when a month was closed, and the hash of what was signed."""

    closed_at: datetime
    closed_by: str
    content_hash: str


@dataclass(frozen=True)
class SourceLine:
    """The bill of a source on its way: as delivered, as reported, as charged back.

    `charged_later`: the part that later statements charge, as it changed after the month was closed. `basis_…`: the same in the
    cost basis of the report. `from_other_months`: what was delivered with another month.
    """

    source: str
    lines: int
    delivered: Decimal
    reported: Decimal
    charged: Decimal
    charged_later: Decimal
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
    """Everything that is said about one currency. `total`: the cost of the month with its adjustments, without mark-ups.

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
    adjustments: tuple[AdjustmentLine, ...]
    months: tuple[date, ...]
    history: Mapping[str, tuple[Decimal, ...]]

    @property
    def lines(self) -> tuple[TeamLine, ...]:
        """Every line of the team table."""
        return (*self.teams, self.unallocated) if self.unallocated else self.teams

    @property
    def shared_total(self) -> Decimal:
        """What was shared, over all teams."""
        return sum((line.shared for line in self.lines), Decimal(0))

    @property
    def adjusted_total(self) -> Decimal:
        """What has changed in closed months, over all teams."""
        return sum((line.adjusted for line in self.lines), Decimal(0))

    @property
    def markup_total(self) -> Decimal:
        """What is paid on top of the cost, over all teams."""
        return sum((line.markup for line in self.lines), Decimal(0))

    @property
    def own_total(self) -> Decimal:
        """The cost of the month itself, without what has changed in closed months."""
        return self.total - self.adjusted_total

    @property
    def direct_total(self) -> Decimal:
        """What was not shared, the unallocated included."""
        return self.own_total - self.shared_total

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
class Report:
    """A month: who it is for, how complete it is, what was paid in each currency, its budgets, incidents, savings and rules.

    `ends`: where it will end, of a month in progress. `ai`: the AI models that were used, None without any.
    `closed`: None while it is open. `mode`: whether teams pay (chargeback) or are shown (showback) what it says.
    """

    organization: str
    period: date
    basis: str
    mode: str
    closed: Closed | None
    progress: tuple[Progress, ...]
    statements: tuple[Statement, ...]
    budgets: tuple[BudgetLine, ...]
    ends: tuple[MonthEnd, ...]
    unusual: Unusual
    ai: AiReport | None
    savings: Savings
    rules: tuple[Mapping[str, Any], ...]

    @property
    def complete(self) -> bool:
        """Whether every source has delivered the month to its end; else it could not have been closed."""
        return self.closed is not None or (bool(self.progress) and all(source.complete for source in self.progress))

    @property
    def most_used(self) -> Decimal:
        """Charged over budgeted of the budget that is used most: what the longest bar stands for."""
        return max((line.charged / line.budget for line in self.budgets if line.budget > 0), default=Decimal(1))

    @property
    def open_sources(self) -> list[Progress]:
        """Sources that have not delivered the month to its end."""
        return [] if self.complete else [source for source in self.progress if not source.complete]
