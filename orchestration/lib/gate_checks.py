"""What suites of the gate are made of: a check, a suite, and the rules that several marts share.

A check is the name of a Great Expectations class and its arguments, or a query that finds the rows which break a rule.
In a query `{batch}` is the mart, and `{delivered}` a condition that leaves out months which were not delivered anew. A query that
joins names the mart itself: Great Expectations does so for others only, and PostgreSQL before 16 wants a name.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

CHARGE_CATEGORIES = ["Usage", "Purchase", "Tax", "Credit", "Adjustment"]
COST_TYPES = ["direct", "shared", "unallocated"]
COST_BASES = ("billed_cost", "effective_cost", "contracted_cost", "list_cost")


@dataclass(frozen=True)
class Check:
    """One expectation. `meaning`: what it says, in words; unique in its suite."""

    meaning: str
    kind: str
    arguments: dict[str, Any]

    @property
    def column(self) -> str | None:
        """The column that is checked, None for a rule over whole rows."""
        return self.arguments.get("column")


@dataclass(frozen=True)
class Suite:
    """The checks of a mart of schema finops.

    `shown`: the columns by which a failing row is named.
    `for_closing`: whether what a month is signed for rests on it.
    `by_delivery`: whether the mart is kept by `delivery_period`: what was not delivered anew need not be checked again.
    """

    shown: tuple[str, ...]
    checks: tuple[Check, ...]
    by_delivery: bool = False
    for_closing: bool = True


def filled(*columns: str) -> tuple[Check, ...]:
    kind = "ExpectColumnValuesToNotBeNull"
    return tuple(Check(f"{column} is never empty", kind, {"column": column}) for column in columns)


def one_of(column: str, values: list[str]) -> Check:
    allowed = ", ".join(values)
    return Check(
        f"{column} is one of {allowed}", "ExpectColumnValuesToBeInSet", {"column": column, "value_set": values}
    )


def no_rows(meaning: str, query: str) -> Check:
    return Check(meaning, "RowsThatBreakARule", {"query": query})


def unique(*columns: str) -> Check:
    keys = ", ".join(columns)
    return no_rows(
        f"{keys} {'is' if len(columns) == 1 else 'together are'} unique",
        f"select {keys}, count(*) from {{batch}} where {{delivered}} group by {keys} having count(*) > 1",  # noqa: S608
    )


def same_totals(meaning: str, keys: str, columns: dict[str, str]) -> Check:
    """Sums by some keys are those of daily_costs. `columns`: of the mart -> of daily_costs."""
    own = ", ".join(f"sum({column}) as {column}" for column in columns)
    daily = ", ".join(f"sum({other}) as daily_{column}" for column, other in columns.items())
    shown = ", ".join(f"{column}, daily_{column}" for column in columns)
    different = " or ".join(f"{column} is distinct from daily_{column}" for column in columns)
    return no_rows(
        meaning,
        f"""
        select {keys}, {shown}
        from (select {keys}, {own} from {{batch}} as batch where {{delivered}} group by {keys}) as mart
        full join (
            select {keys}, {daily} from finops.daily_costs where {{delivered}} group by {keys}
        ) as daily using ({keys})
        where {different}
        """,  # noqa: S608
    )


HAS_ROWS = Check("it has rows", "ExpectTableRowCountToBeBetween", {"min_value": 1})
CURRENCY = Check(
    "billing_currency is a code of three letters",
    "ExpectColumnValuesToMatchRegex",
    {"column": "billing_currency", "regex": "^[A-Z]{3}$"},
)
TEAM = Check("team is not blank", "ExpectColumnValuesToMatchRegex", {"column": "team", "regex": r"\S"})
PERIOD_IS_A_MONTH = no_rows(
    "billing_period is the first day of a month",
    "select distinct billing_period from {batch} where {delivered} and extract(day from billing_period) <> 1",
)
