"""What is known of the AI usage before any pipeline has read it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class AiTotal:
    """A month of a provider, team and model: counts by class, what they cost at the prices, and what is reported.

    Costs are decimal texts in US dollars. `computed_cost` leaves out what has no price, `reported_cost` is the provider's
    cost report, or the bill; of the model None it has what has no model.
    """

    provider: str
    billing_period: str
    team: str
    model: str | None
    counts: dict[str, int]
    computed_cost: str
    reported_cost: str


@dataclass(frozen=True)
class AiDifference:
    """What is computed from usage and what is reported, where these differ in a month; `days` where it is a few.

    Of `web_search` both are the same, but the report has no model.
    """

    kind: str
    provider: str
    billing_period: str
    project_id: str
    model: str | None
    computed_cost: str
    reported_cost: str
    days: list[str]


@dataclass(frozen=True)
class AiSaving:
    """A planted chance to save, what it is about, and what would have been saved in the 28 days up to the end."""

    kind: str
    provider: str
    team: str
    project_id: str | None
    api_key_id: str | None
    model: str | None
    proposed: str
    current_cost: str
    saving: str


@dataclass(frozen=True)
class AiRestatement:
    """A page file that is stated anew, and the reported cost and tokens that come with it."""

    provider: str
    kind: str
    day: str
    added_tokens: int
    added_cost: str


@dataclass
class AiTruth:
    """Everything planted and counted. `days`: provider -> day -> team -> [tokens, computed cost, reported cost]."""

    usage_rows: int = 0
    cost_rows: int = 0
    log_records: int = 0
    totals: list[AiTotal] = field(default_factory=list)
    days: dict[str, dict[str, dict[str, tuple[int, str, str]]]] = field(default_factory=dict)
    differences: list[AiDifference] = field(default_factory=list)
    savings: list[AiSaving] = field(default_factory=list)
    restatements: list[AiRestatement] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
