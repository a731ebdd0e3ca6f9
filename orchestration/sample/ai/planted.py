"""What is planted in the AI deliveries, and when: differences of cost reports, and one hour that is stated anew."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from ..calendar import Month
from ..commitments import month_before
from .prices import REQUESTS, SEARCHES
from .traffic import SONNET
from .usage import Use

# Kinds of difference between what usage costs at the catalogue's prices and what is reported.
PRIORITY_TIER = "priority_tier"
CODE_EXECUTION = "code_execution"
ROUNDING = "rounding"
MISSING_PRICE = "missing_price"
MISSING_REPORT = "missing_report"
# No difference in the sum: usage counts searches beside its model, costs have a line of their own without one.
WEB_SEARCH = "web_search"
LATE_REPORT = "late_report"
# Of Bedrock: the bill has what no log shows.
LOGGING_OFF = "logging_off"

DISCOUNTED_MODEL, DISCOUNT = SONNET, Decimal("0.08")
# How many months before the last one it began.
DISCOUNT_MONTHS = 3
# An hour of code execution, in dollars: the cost report has it, the usage report does not.
CODE_EXECUTION_HOUR = Decimal("0.05")


@dataclass(frozen=True)
class Plan:
    """The days of what is planted. Without a closed month in the window only the last day is special.

    `renamed_from`: the first day on which the usage report names a model anew. `missing`: Anthropic's cost report of the
    day has nothing. `late`: OpenAI's has nothing yet. `restated`: the day and hour whose usage is corrected later.
    """

    end: date
    discounted_from: date
    renamed_from: date | None = None
    missing: date | None = None
    restated: tuple[date, int] | None = None

    @property
    def late(self) -> date:
        """The last delivered day: its costs come later than its usage."""
        return self.end

    def is_renamed(self, day: date) -> bool:
        """Whether the usage report uses the new name on a day."""
        return self.renamed_from is not None and day >= self.renamed_from

    def discount(self, model: str, day: date) -> Decimal:
        """Return the negotiated share that is taken off the list price."""
        return DISCOUNT if model == DISCOUNTED_MODEL and day >= self.discounted_from else Decimal(0)


def plan_of(window: list[Month]) -> Plan:
    """Return what is planted in a window of months."""
    end = window[-1].last
    plan = Plan(end, month_before(end, DISCOUNT_MONTHS))
    closed = [month for month in window if month.closed]
    if not closed:
        return plan
    first = closed[-1].first
    return replace(
        plan,
        renamed_from=first,
        missing=first + timedelta(days=14),
        restated=(first + timedelta(days=9), 14),
    )


def restated(use: Use) -> Use:
    """Return an hour as the provider states it later: a quarter more was used."""
    more = {
        name: count if name == SEARCHES else count + count // 4
        for name, count in use.counts.items()
        if name != REQUESTS
    }
    return replace(use, counts=more | {REQUESTS: use.counts[REQUESTS] * 5 // 4})
