"""Lines of a bill as arrays, before they take the shape of a provider's file."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from .units import FloatArray, IntArray


@dataclass
class Lines:
    """n lines.

    `profile` is the index of the charge that they belong to, times are milliseconds since the epoch, costs 10^-10
    units. `extras` holds numbers that few lines have: column name to (line indexes, values in currency units).
    """

    profile: IntArray
    start_ms: IntArray
    end_ms: IntArray
    quantity: FloatArray
    list_units: IntArray
    billed: IntArray
    effective: IntArray
    extras: dict[str, tuple[IntArray, FloatArray]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """How many lines there are."""
        return len(self.profile)


@dataclass
class LineList:
    """Single lines that are collected one by one: fees, taxes, credits."""

    rows: list[tuple[int, int, int, float, int, int, int]] = field(default_factory=list)
    extras: dict[str, tuple[list[int], list[float]]] = field(default_factory=dict)

    def add(
        self,
        profile: int,
        period: tuple[int, int],
        *,
        billed: int,
        effective: int,
        listed: int | None = None,
        quantity: float = 1.0,
        extras: Mapping[str, float] | None = None,
    ) -> None:
        """Return a line of one charge; `listed` is the list cost, which is the billed cost unless given.

        Costs are 10^-10 units.
        """
        for name, value in (extras or {}).items():
            indexes, values = self.extras.setdefault(name, ([], []))
            indexes.append(len(self.rows))
            values.append(value)
        self.rows.append((profile, *period, quantity, billed if listed is None else listed, billed, effective))

    def lines(self) -> Lines:
        """Return the collected lines as arrays."""
        columns = list(zip(*self.rows, strict=True)) or [()] * 7
        whole = [np.array(column, dtype=np.int64) for column in columns]
        extras = {
            name: (np.array(index, dtype=np.int64), np.array(values)) for name, (index, values) in self.extras.items()
        }
        quantity = np.array(columns[3], dtype=np.float64)
        return Lines(whole[0], whole[1], whole[2], quantity, whole[4], whole[5], whole[6], extras)


def concatenate(parts: list[Lines]) -> Lines:
    """Return the lines of all parts in order."""
    offsets = np.cumsum([0, *(part.size for part in parts)])
    extras: dict[str, tuple[IntArray, FloatArray]] = {}
    for name in sorted({name for part in parts for name in part.extras}):
        found = [
            (part.extras[name], offset) for part, offset in zip(parts, offsets, strict=False) if name in part.extras
        ]
        extras[name] = (
            np.concatenate([index + offset for (index, _), offset in found]),
            np.concatenate([values for (_, values), _ in found]),
        )

    def joined(name: str) -> IntArray:
        return np.concatenate([getattr(part, name) for part in parts])

    quantity = np.concatenate([part.quantity for part in parts])
    return Lines(
        joined("profile"),
        joined("start_ms"),
        joined("end_ms"),
        quantity,
        joined("list_units"),
        joined("billed"),
        joined("effective"),
        extras,
    )


def dense(lines: Lines, name: str) -> FloatArray:
    """Return an extra column with NaN where a line has no such number."""
    column = np.full(lines.size, np.nan)
    if name in lines.extras:
        indexes, values = lines.extras[name]
        column[indexes] = values
    return column
