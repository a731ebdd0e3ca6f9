"""Millions of measurements, a batch at a time, to a histogram of each resource, metric and day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from ml.savings.histogram import buckets
from orchestration.lib.errors import FinopsError
from orchestration.lib.utilisation.units import HIGHEST_PERCENT, series_of

COLUMNS = ("resource_id", "metric", "unit", "timestamp", "value")
_BUCKET_BITS, _DAY_BITS = 16, 20
_BUCKET_OFFSET = 1 << (_BUCKET_BITS - 1)
_DAY_SECONDS = 86_400
_MOST_KEYS = 3_000_000
"""Buckets that are held before they are handed on: some hundred megabytes, whatever the size of the files."""
_WIDEST = 1 << 22
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True)
class DayDigest:
    """One resource, metric and day: `buckets` (int16) and `counts` (int32) as little-endian bytes, `first` and `last` in seconds."""

    resource_id: str
    metric: str
    unit: str
    usage_date: date
    count: int
    minimum: float
    maximum: float
    total: float
    first: int
    last: int
    buckets: bytes
    counts: bytes


@dataclass
class Digest:
    """Takes batches of one file in, and hands digests out when enough are held.

    A day of a series comes out more than once where the file tells of it in places far apart: digests can be merged.
    """

    file: str
    points: int = 0
    days: set[date] = field(default_factory=set)
    _series: dict[tuple[str, str], tuple[int, str]] = field(default_factory=dict)
    _names: list[tuple[str, str, str]] = field(default_factory=list)
    _counts: list[pa.Table] = field(default_factory=list)
    _stats: list[pa.Table] = field(default_factory=list)
    _held: int = 0

    def add(self, batch: pa.RecordBatch) -> Iterator[DayDigest]:
        """Take in a batch with `COLUMNS`. Raises FinopsError that names row and value of what is no measurement."""
        first_row, self.points = self.points + 1, self.points + batch.num_rows
        rows = np.flatnonzero(batch["value"].is_valid().to_numpy(zero_copy_only=False))
        if len(rows) < batch.num_rows:
            batch = batch.take(pa.array(rows))
        if not batch.num_rows:
            return
        series, factor, is_percent = self._series_of(batch, first_row, rows)
        values = batch["value"].to_numpy(zero_copy_only=False) * factor
        highest = np.where(is_percent, HIGHEST_PERCENT, np.inf)
        self._refuse(
            ~((values >= 0) & (values < np.inf) & (values <= highest)), batch, rows + first_row, "is out of range"
        )
        seconds = _seconds(batch["timestamp"])
        moments = (series << 40) + seconds
        # Files in the order of time and resource, as most are, cannot tell anything twice.
        if not (np.diff(moments) > 0).all() and pc.count_distinct(pa.array(moments)).as_py() < batch.num_rows:
            order = np.argsort(moments, kind="stable")
            again = np.zeros(batch.num_rows, bool)
            again[order[1:]] = moments[order][1:] == moments[order][:-1]
            self._refuse(again, batch, rows + first_row, "is told twice for this resource, metric and time")
        days, in_day = np.divmod(seconds, _DAY_SECONDS)
        first_day = int(days.min())
        span = int(days.max()) - first_day + 1
        codes, group = _dense(series * span + (days - first_day))
        groups = (codes // span << _DAY_BITS) + codes % span + first_day
        held = buckets(values) + _BUCKET_OFFSET
        kinds, kind = _dense(held)
        cells, counted = _counted(group * len(kinds) + kind)
        keys = (groups[cells // len(kinds)] << _BUCKET_BITS) + kinds[cells % len(kinds)]
        self._counts.append(pa.table({"key": keys, "n": counted}))
        measured = {"group": group, "least": values, "most": values, "total": values, "first": in_day, "last": in_day}
        stats = _stats_in_order(measured) if (np.diff(group) >= 0).all() else _stats(pa.table(measured))
        self._stats.append(stats.set_column(0, "group", pa.array(groups[stats["group"].to_numpy()])))
        self._held += self._counts[-1].num_rows
        if self._held > _MOST_KEYS:
            self._compact()
            if self._held > _MOST_KEYS // 2:
                yield from self.rest()

    def rest(self) -> Iterator[DayDigest]:
        """All that is held, by series and day."""
        if not self._counts:
            return
        self._compact()
        counts, stats = self._counts[0].sort_by("key"), self._stats[0].sort_by("group")
        self._counts, self._stats, self._held = [], [], 0
        keys, numbers = counts["key"].to_numpy(), counts["n"].to_numpy().astype("<i4")
        held = ((keys & ((1 << _BUCKET_BITS) - 1)) - _BUCKET_OFFSET).astype("<i2")
        ends = np.searchsorted(keys >> _BUCKET_BITS, stats["group"].to_numpy(), side="right")
        begin = 0
        sums = np.add.reduceat(numbers.astype(np.int64), np.concatenate(([0], ends[:-1])))
        columns = (stats[name].to_pylist() for name in ("group", "least", "most", "total", "first", "last"))
        for end, count, group, least, most, total, first, last in zip(ends, sums, *columns, strict=True):
            day = _EPOCH + timedelta(days=group & ((1 << _DAY_BITS) - 1))
            self.days.add(day)
            chosen = slice(begin, end)
            begin = end
            resource_id, metric, unit = self._names[group >> _DAY_BITS]
            yield DayDigest(
                resource_id, metric, unit, day, int(count), least, most, total, first, last,
                held[chosen].tobytes(), numbers[chosen].tobytes(),
            )  # fmt: skip

    def _compact(self) -> None:
        if len(self._counts) == 1:
            return
        self._counts = [_summed(pa.concat_tables(self._counts))]
        self._stats = [_stats(pa.concat_tables(self._stats))]
        self._held = self._counts[0].num_rows

    def _series_of(
        self, batch: pa.RecordBatch, first_row: int, rows: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of each row the number of its series, the factor of its unit, and whether it is in per cent."""
        texts = []
        combined = np.zeros(batch.num_rows, np.int64)
        for name in COLUMNS[:3]:
            column = batch[name]
            encoded = column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()
            missing = encoded.indices.is_null().to_numpy(zero_copy_only=False)
            self._refuse(missing, batch, rows + first_row, "has no value", name)
            texts.append(encoded.dictionary.to_pylist())
            combined = combined * (len(texts[-1]) + 1) + encoded.indices.to_numpy(zero_copy_only=False)
        distinct, where = _dense(combined)
        numbers, factors, percents = (np.empty(len(distinct), kind) for kind in (np.int64, np.float64, bool))
        for place, code in enumerate(distinct.tolist()):
            code, unit_index = divmod(code, len(texts[2]) + 1)
            resource_index, metric_index = divmod(code, len(texts[1]) + 1)
            resource, unit = texts[0][resource_index], texts[2][unit_index]
            try:
                metric, kept, factors[place] = series_of(texts[1][metric_index], unit)
                known = self._series.setdefault((resource, metric), (len(self._names), kept))
                if known[1] != kept:
                    raise ValueError(
                        f"{metric} is in {kept}, and above in {known[1]}. A metric of a resource has one unit"
                    )
            except ValueError as error:
                row = rows[int(np.argmax(where == place))] + first_row
                raise FinopsError(f"{self.file}: row {row}, resource {resource}: {error}.") from None
            if known[0] == len(self._names):
                self._names.append((resource, metric, kept))
            numbers[place], percents[place] = known[0], kept == "Percent"
        return numbers[where], factors[where], percents[where]

    def _refuse(
        self, wrong: np.ndarray, batch: pa.RecordBatch, numbers: np.ndarray, why: str, column: str = "value"
    ) -> None:
        if wrong.any():
            index = int(np.argmax(wrong))
            row = {name: batch[name][index].as_py() for name in COLUMNS}
            raise FinopsError(
                f"{self.file}: row {numbers[index]}, column {column}: {row[column]!r} {why} "
                f"({row['metric']} in {row['unit']} of {row['resource_id']} at {row['timestamp']})."
            )


def _dense(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct codes in order, and of each code its place among them; without sorting where they lie close together."""
    least = int(codes.min())
    width = int(codes.max()) - least + 1
    if width > _WIDEST:
        distinct, where = np.unique(codes, return_inverse=True)
        return distinct, where
    present = np.zeros(width, bool)
    present[codes - least] = True
    places = np.cumsum(present) - 1
    return np.flatnonzero(present) + least, places[codes - least]


def _counted(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct codes in order, and how often each occurs."""
    if int(codes.max()) > _WIDEST:
        return np.unique(codes, return_counts=True)
    counted = np.bincount(codes)
    filled = np.flatnonzero(counted)
    return filled, counted[filled]


def _seconds(times: pa.Array) -> np.ndarray:
    whole = times.cast(pa.timestamp("s", tz=times.type.tz), safe=False)
    return np.asarray(whole.cast(pa.int64()))


def _summed(table: pa.Table) -> pa.Table:
    return table.group_by("key", use_threads=False).aggregate([("n", "sum")]).rename_columns(["key", "n"])


def _stats_in_order(measured: dict[str, np.ndarray]) -> pa.Table:
    """The same of groups that follow one another: no need to hash."""
    group = measured["group"]
    starts = np.flatnonzero(np.concatenate(([True], np.diff(group) > 0)))
    ways = {"least": np.minimum, "most": np.maximum, "total": np.add, "first": np.minimum, "last": np.maximum}
    return pa.table(
        {"group": group[starts], **{name: way.reduceat(measured[name], starts) for name, way in ways.items()}}
    )


def _stats(table: pa.Table) -> pa.Table:
    names = ["least", "most", "total", "first", "last"]
    ways = ["min", "max", "sum", "min", "max"]
    found = table.group_by("group", use_threads=False).aggregate(list(zip(names, ways, strict=True)))
    return found.rename_columns(["group", *names])
