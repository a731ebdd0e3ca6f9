"""Budgets of a month beside what was charged back."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from reports.formatting import listed
from reports.queries import Row

# One row per budget that holds in the month.
BUDGETS = """
select
    budgets.scope_type,
    budgets.scope_name,
    budgets.budget_currency,
    budgets.budget_cost,
    budgets.charged_cost,
    budgets.counted_currencies,
    budgets.left_out_currencies,
    tracking.expected_cost,
    tracking.overrun_probability
from finops.chargeback_budgets as budgets
left join finops.budget_tracking as tracking
    on
        budgets.scope_type = tracking.scope_type
        and budgets.scope_name = tracking.scope_name
        and budgets.budget_currency = tracking.budget_currency
        and budgets.billing_period = tracking.period_start
        and tracking.period_kind = 'month'
        and not tracking.is_ended
where budgets.billing_period = %(period)s
"""

_KINDS = {
    "team": "team",
    "cost_center": "cost centre",
    "project": "project",
    "service": "service",
    "provider": "provider",
}


@dataclass(frozen=True)
class BudgetLine:
    """A budget. `note`: which currencies it counts or leaves out, where these are not just its own.

    `expected`: what will have been charged at the end of a month in progress, `overrun`: how probable it is that this is more than
    budgeted. None where that is not foreseen.
    """

    kind: str
    name: str
    currency: str
    budget: Decimal
    charged: Decimal
    note: str
    expected: Decimal | None = None
    overrun: Decimal | None = None

    @property
    def variance(self) -> Decimal:
        """What was charged above the budget."""
        return self.charged - self.budget


def budget_lines(rows: Iterable[Row]) -> tuple[BudgetLine, ...]:
    """Budgets in the order of the page: teams first, the largest first."""
    order = list(_KINDS)
    lines = [
        (
            order.index(row["scope_type"]),
            -row["budget_cost"],
            BudgetLine(
                _KINDS[row["scope_type"]],
                row["scope_name"],
                row["budget_currency"],
                row["budget_cost"],
                row["charged_cost"],
                _note(row),
                row["expected_cost"],
                row["overrun_probability"],
            ),
        )
        for row in rows
    ]
    return tuple(line for *_, line in sorted(lines, key=lambda item: (*item[:2], item[2].name, item[2].currency)))


def _note(row: Row) -> str:
    converted = [
        one for one in (row["counted_currencies"] or "").split(", ") if one not in ("", row["budget_currency"])
    ]
    notes = [f"with {listed(converted)} converted"] if converted else []
    if row["left_out_currencies"]:
        notes.append(f"without {row['left_out_currencies']}")
    return ", ".join(notes)
