"""What suites are made of: a check as data, and the checks that most marts need. See gate_suites."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


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
