"""CPU by hour: the highest of each hour of a day, which a histogram of the day does not tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa

from ml.savings.hours import HOURS, HoursOfWeek
from ml.savings.recommendation import Window
from ml.savings.sizing import CPU
from orchestration.lib.utilisation.units import series_of

_EPOCH = date(1970, 1, 1)
_HOUR_BITS = 24
_HOURS = (1 << _HOUR_BITS) - 1
_MOST_PARTS = 8
_MOST_KEYS = 2_000_000
"""Hours that are held before they are handed on, whatever the size of the files."""

HoursOfDay = tuple[str, date, list[float | None]]
"""Resource, day, and the highest of each hour."""
HOURS_TABLE = """
create table if not exists raw.utilisation_hours (
    file_id bigint not null references raw.utilisation_files on delete cascade,
    usage_date date not null,
    resource_id text not null,
    highest double precision[] not null
);
create index if not exists utilisation_hours_file on raw.utilisation_hours (file_id);
comment on table raw.utilisation_hours is
'One row per file, resource, and day: the highest CPU of each hour (UTC) in per cent, null where none was measured.';
"""


class HourDigest:
    """Takes batches of measurements in, and hands the highest CPU of each resource and hour out when enough are held."""

    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._parts: list[pa.Table] = []

    def add(self, batch: pa.RecordBatch) -> Iterator[HoursOfDay]:
        """Take in a batch whose values have been checked."""
        if batch["value"].null_count:
            batch = batch.filter(batch["value"].is_valid())
        metrics, units = (_encoded(batch[name]) for name in ("metric", "unit"))
        names, kinds = metrics.dictionary.to_pylist(), units.dictionary.to_pylist()
        pairs = np.asarray(metrics.indices).astype(np.int64) * len(kinds) + np.asarray(units.indices)
        for pair in np.flatnonzero(np.bincount(pairs)).tolist():
            name, _, factor = series_of(names[pair // len(kinds)], kinds[pair % len(kinds)])
            if name == CPU:
                chosen = pairs == pair
                self._add(batch if chosen.all() else batch.filter(pa.array(chosen)), factor)
        if len(self._parts) > _MOST_PARTS:
            self._parts = [_highest(pa.concat_tables(self._parts))]
            if self._parts[0].num_rows > _MOST_KEYS:
                yield from self.rest()

    def _add(self, chosen: pa.RecordBatch, factor: float) -> None:
        encoded = _encoded(chosen["resource_id"])
        codes = np.array([self._codes.setdefault(name, len(self._codes)) for name in encoded.dictionary.to_pylist()])
        times = chosen["timestamp"].cast(pa.timestamp("s", tz=chosen["timestamp"].type.tz), safe=False)
        hours = np.asarray(times.cast(pa.int64())) // 3600
        keys = (codes[encoded.indices.to_numpy(zero_copy_only=False)] << _HOUR_BITS) + hours
        values = chosen["value"].to_numpy(zero_copy_only=False) * factor
        # Most files have the measurements of an hour side by side: to hash one of each hour is enough.
        starts = np.flatnonzero(np.concatenate(([True], np.diff(keys) != 0)))
        runs = {"key": keys[starts], "value": np.maximum.reduceat(values, starts)}
        self._parts.append(_highest(pa.table(runs)))

    def rest(self) -> Iterator[HoursOfDay]:
        """All that is held, by resource and day."""
        if not self._parts:
            return
        table = _highest(pa.concat_tables(self._parts)).sort_by("key")
        self._parts = []
        names = list(self._codes)
        pairs = zip(table["key"].to_numpy().tolist(), table["value"].to_numpy().tolist(), strict=True)
        for key, group in groupby(pairs, key=lambda pair: (pair[0] >> _HOUR_BITS, (pair[0] & _HOURS) // 24)):
            values: list[float | None] = [None] * 24
            for of_hour, value in group:
                values[(of_hour & _HOURS) % 24] = value
            yield names[key[0]], _EPOCH + timedelta(days=key[1]), values


def _encoded(column: pa.Array) -> pa.DictionaryArray:
    return column if isinstance(column, pa.DictionaryArray) else column.dictionary_encode()


def _highest(table: pa.Table) -> pa.Table:
    found = table.group_by("key", use_threads=False).aggregate([("value", "max")])
    return found.select(["key", "value_max"]).rename_columns(["key", "value"])


def copy_hours(connection: psycopg.Connection[Any], file_id: int, rows: Iterable[HoursOfDay]) -> None:
    """Write what a file tells of hours."""
    copied = "copy raw.utilisation_hours (file_id, resource_id, usage_date, highest) from stdin"
    with connection.cursor() as cursor, cursor.copy(copied) as out:
        for row in rows:
            out.write_row((file_id, *row))


_ROWS = """
select resource_id, usage_date, highest
from (
    select *, max(file_id) over (partition by resource_id, usage_date) as last_file_id
    from raw.utilisation_hours
    where usage_date between %s and %s
) as told
where file_id = last_file_id
order by resource_id, usage_date
"""


def hours_of_week(connection: psycopg.Connection[Any], window: Window) -> dict[str, HoursOfWeek]:
    """Resource -> how busy each hour of its week was. Of a day that several files tell of, the last file counts."""
    highest: dict[str, np.ndarray] = defaultdict(lambda: np.full(HOURS, np.nan))
    samples: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(HOURS, np.int64))
    rows = connection.execute(_ROWS, [window.first, window.last])
    for (resource_id, day), stretches in groupby(rows, key=lambda row: (row[0], row[1])):
        at = slice(day.weekday() * 24, day.weekday() * 24 + 24)
        told = np.full(24, np.nan)
        for *_, values in stretches:
            told = np.fmax(told, np.array([np.nan if value is None else value for value in values]))
        highest[resource_id][at] = np.fmax(highest[resource_id][at], told)
        samples[resource_id][at] += ~np.isnan(told)
    return {resource_id: HoursOfWeek(found, samples[resource_id]) for resource_id, found in highest.items()}
