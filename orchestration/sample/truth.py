"""What is known about a sample before any pipeline has read it."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .ai_truth import AiTruth


@dataclass(frozen=True)
class ControlTotal:
    """Exact totals of a delivered month. Amounts are decimal texts; `effective_cost` of a CUR is its amortised cost."""

    source: str
    billing_period: str
    currency: str
    closed: bool
    files: int
    lines: int
    billed_cost: str
    effective_cost: str


@dataclass(frozen=True)
class InvoiceTotal:
    """An invoice of a closed month: the sum of its lines, and what was invoiced; a difference was planted."""

    source: str
    billing_period: str
    invoice_issuer_name: str
    invoice_id: str
    billing_currency: str
    delivered: str
    invoiced: str


@dataclass(frozen=True)
class CommitmentTotal:
    """A commitment in a month: fees billed, effective cost used and left unused.

    An upfront fee is billed in one month for all.
    """

    source: str
    billing_period: str
    commitment_discount_id: str
    payment_option: str
    purchased: str
    used: str
    unused: str


@dataclass(frozen=True)
class AnomalyLabel:
    """A planted anomaly; `extra_cost` maps its days to the cost beyond the usual, before any discount lines."""

    kind: str
    source: str
    sub_account_id: str
    service_name: str
    resource_id: str
    start: str
    end: str
    extra_cost: dict[str, str]


@dataclass(frozen=True)
class WasteLabel:
    """Planted waste, and what ending it would save in an average month: a decimal text, of what is really paid.

    A saving of 0 is waste that a commitment pays for anyway. `kind` is the kind of recommendation that finds it.
    """

    kind: str
    source: str
    sub_account_id: str
    resource_id: str
    monthly_saving: str
    detail: str


@dataclass(frozen=True)
class RestatedMonth:
    """What a restatement changes: its days, how many lines go, change and come, and the totals after it."""

    source: str
    billing_period: str
    days: list[str]
    removed: int
    changed: int
    added: int
    total: ControlTotal


@dataclass
class Truth:
    """Everything that a test or an evaluation may hold a pipeline's result against."""

    seed: int
    factor: float
    end: str
    months: int
    totals: list[ControlTotal] = field(default_factory=list)
    invoices: list[InvoiceTotal] = field(default_factory=list)
    commitments: list[CommitmentTotal] = field(default_factory=list)
    anomalies: list[AnomalyLabel] = field(default_factory=list)
    waste: list[WasteLabel] = field(default_factory=list)
    restatement: RestatedMonth | None = None
    ai: AiTruth = field(default_factory=AiTruth)
    ai_totals: list[ControlTotal] = field(default_factory=list)
    ai_invoices: list[InvoiceTotal] = field(default_factory=list)

    @property
    def lines(self) -> int:
        """How many lines all deliveries have."""
        return sum(total.lines for total in self.totals)

    def write(self, path: Path) -> None:
        """Write the truth as JSON with a fixed order of keys."""
        path.write_text(json.dumps(asdict(self), indent=1, sort_keys=True) + "\n", encoding="utf-8")
