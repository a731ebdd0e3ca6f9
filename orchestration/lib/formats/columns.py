"""How a delivery format is described: one table of columns, from which headers are matched, values checked and tables made."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property


class Kind(StrEnum):
    """What a column holds, which decides how it is checked and where it is kept."""

    TEXT = "text"
    NUMBER = "numeric"
    TIME = "timestamptz"
    MAP = "map"


@dataclass(frozen=True)
class Column:
    """One column of a format.

    `name` is its name in the warehouse (snake_case); headers match it whatever their case and punctuation.
    `needed`: a file without it is rejected. `filled`: a row without a value in it is rejected.
    `on_line`: kept on the narrow line row; else in the attributes that lines share.
    """

    name: str
    kind: Kind
    needed: bool = False
    filled: bool = False
    on_line: bool = False

    @property
    def stored_name(self) -> str:
        """The column's name in its table: maps are interned, so the row holds an id."""
        return f"{self.name}_id" if self.kind is Kind.MAP else self.name

    @property
    def sql_type(self) -> str:
        return "bigint" if self.kind is Kind.MAP else self.kind.value


@dataclass(frozen=True)
class Format:
    """A delivery format and the pair of raw tables it is loaded into.

    `start`, `end`: the charge period. `billing_period`: start of the billing period of a row.
    `billed`, `effective`: money columns whose sums are the control totals (None where the format has no such column).
    `folded`: header prefixes whose unknown columns are entries of a map column (legacy CUR spreads maps over columns).
    `one_of`: groups of columns of which a file needs at least one.
    """

    name: str
    line_table: str
    attribute_table: str
    columns: tuple[Column, ...]
    start: str
    end: str
    billing_period: str
    billed: str | None
    effective: str | None
    folded: tuple[tuple[str, str], ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()

    @cached_property
    def by_header(self) -> dict[str, Column]:
        return {squash(column.name): column for column in self.columns}

    @cached_property
    def line_columns(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if column.on_line)

    @cached_property
    def attribute_columns(self) -> tuple[Column, ...]:
        return tuple(column for column in self.columns if not column.on_line)


def squash(header: str) -> str:
    """Fold a header to what is compared: `lineItem/UnblendedCost` and `line_item_unblended_cost` are the same column.

    >>> squash("lineItem/UnblendedCost") == squash("line_item_unblended_cost")
    True
    """
    return re.sub(r"[^a-z0-9]", "", header.lower())


def texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.TEXT) for name in names)


def maps(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.MAP) for name in names)


def numbers(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, Kind.NUMBER, on_line=True) for name in names)
