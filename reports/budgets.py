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
    scope_type,
    scope_name,
    budget_currency,
    budget_cost,
    charged_cost,
    counted_currencies,
    left_out_currencies
from finops.chargeback_budgets
where billing_period = %(period)s
"""

_KINDS = {"team": "team", "cost_center": "cost centre", "project": "project", "service": "service"}


@dataclass(frozen=True)
class BudgetLine:
    """A budget. `note`: which currencies it counts or leaves out, where these are not just its own."""

    kind: str
    name: str
    currency: str
    budget: Decimal
    charged: Decimal
    note: str

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
