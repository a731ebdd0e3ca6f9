"""Encode the lines of a batch as CSV for COPY, with a digest of each day's lines."""

from __future__ import annotations

import io
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Context, Decimal, Inexact

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from orchestration.lib.checks import exact
from orchestration.lib.formats.columns import Format, Kind
from orchestration.lib.readers import Batch, time_texts

_EPOCH = date(1970, 1, 1)
_DAY = 86_400_000_000  # microseconds
_MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
_SECOND = np.uint64(0xC2B2AE3D27D4EB4F)
_SHIFT = np.uint64(29)
_MASK = (1 << 64) - 1
# Python's decimals round to 28 digits unless told otherwise; control totals never round.
_EXACT = Context(prec=200, traps=[Inexact])


@dataclass
class Day:
    """What a delivery says of one day: lines, exact sums, and a digest that does not depend on the order of the lines."""

    lines: int = 0
    billed: Decimal = Decimal(0)
    effective: Decimal = Decimal(0)
    first: int = 0
    second: int = 0

    def add(self, other: Day) -> None:
        self.lines += other.lines
        self.billed = _EXACT.add(self.billed, other.billed)
        self.effective = _EXACT.add(self.effective, other.effective)
        self.first = (self.first + other.first) & _MASK
        self.second = (self.second + other.second) & _MASK

    @property
    def digest(self) -> str:
        return f"{self.lines:x}-{self.first:016x}{self.second:016x}"


Days = defaultdict[date, Day]


def total(days: Days) -> Day:
    """All days as one."""
    found = Day()
    for day in days.values():
        found.add(day)
    return found


def line_column_names(format_: Format) -> list[str]:
    """The columns of an encoded line, in order."""
    return ["charge_date", "attributes_id", *(column.name for column in format_.line_columns)]


def encode(batch: Batch, format_: Format, ids: np.ndarray) -> tuple[bytes, Days]:
    """CSV of the lines of a checked batch, sorted by day, and what it says of each day.

    Days are kept together so that a block range index finds one day without reading the month.
    """
    start = batch.columns[format_.start]
    day_numbers = start.cast(pa.int64()).to_numpy() // _DAY
    days = pa.array(day_numbers.astype(np.int32), pa.date32()).dictionary_encode()
    dates = pa.DictionaryArray.from_arrays(days.indices, days.dictionary.cast(pa.string())).dictionary_decode()
    arrays = {"charge_date": dates, "attributes_id": pa.array(ids)}
    for column in format_.line_columns:
        array = batch.columns.get(column.name, None)
        if array is None:
            array = pa.nulls(batch.rows, pa.string())
        elif column.kind is Kind.TIME:
            array = time_texts(array).dictionary_decode()
        arrays[column.name] = array
    control = {"billed": format_.billed, "effective": format_.effective}
    money = {name: exact(batch, column) for name, column in control.items() if column}
    table = pa.table(arrays)
    if np.any(day_numbers[1:] < day_numbers[:-1]):
        order = np.argsort(day_numbers, kind="stable")
        day_numbers = day_numbers[order]
        taken = pa.array(order)
        table = table.take(taken)
        money = {name: array.take(taken) for name, array in money.items()}
    buffer = io.BytesIO()
    pa_csv.write_csv(table, buffer, pa_csv.WriteOptions(include_header=False, quoting_style="none"))
    encoded = buffer.getvalue()
    return encoded, _days(day_numbers, _line_hashes(encoded), money)


def _days(day_numbers: np.ndarray, hashes: np.ndarray, money: dict[str, pa.Array]) -> Days:
    starts = np.flatnonzero(np.concatenate([[True], day_numbers[1:] != day_numbers[:-1]]))
    ends = [*starts[1:], len(day_numbers)]
    first, second = np.add.reduceat(hashes, starts), np.add.reduceat(_mixed(hashes, _SECOND), starts)
    days: Days = defaultdict(Day)
    for position, (begin, end) in enumerate(zip(starts, ends, strict=True)):
        sums = {name: pc.sum(array.slice(begin, end - begin)).as_py() for name, array in money.items()}
        day = _EPOCH + timedelta(days=int(day_numbers[begin]))
        days[day] = Day(int(end - begin), **sums, first=int(first[position]), second=int(second[position]))
    return days


def _line_hashes(encoded: bytes) -> np.ndarray:
    """A 64-bit hash of every line of the encoded text, eight bytes at a time over all lines at once."""
    data = np.frombuffer(encoded + bytes(8), np.uint8)
    ends = np.flatnonzero(data[: len(encoded)] == ord("\n"))
    begins = np.concatenate([[0], ends[:-1] + 1])
    lengths = ends - begins
    words: np.ndarray = np.ndarray((len(encoded) + 1,), "<u8", buffer=data, strides=(1,))
    hashes: np.ndarray = lengths.astype(np.uint64)
    for offset in range(0, int(lengths.max()), 8):
        left = np.clip(lengths - offset, 0, 8).astype(np.uint64)
        mask = np.where(
            left >= 8, np.uint64(_MASK), (np.uint64(1) << (left * np.uint64(8) & np.uint64(63))) - np.uint64(1)
        )
        word = words[np.minimum(begins + offset, len(encoded))] & mask
        hashes[:] = np.where(left > 0, _mixed(hashes ^ word, _MULTIPLIER), hashes)
    return hashes


def _mixed(hashes: np.ndarray, multiplier: np.uint64) -> np.ndarray:
    product = hashes * multiplier
    return np.bitwise_xor(product, np.right_shift(product, _SHIFT))
