"""CPU by hour: the highest of each hour of a day, which a histogram of the day does not tell."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import numpy as np
import psycopg
import pyarrow as pa
import pyarrow.compute as pc

from ml.savings.hours import HOURS, HoursOfWeek
from ml.savings.recommendation import Window
from ml.savings.sizing import CPU
from orchestration.lib.utilisation.units import series_of

_EPOCH = date(1970, 1, 1)
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
    """Takes batches of measurements in, and holds the highest CPU of each resource and hour."""

    def __init__(self) -> None:
        self._parts: list[pa.Table] = []

    def add(self, batch: pa.RecordBatch) -> None:
        """Take in a batch whose values have been checked."""
        metrics, units = (batch[name].cast(pa.string()) for name in ("metric", "unit"))
        for metric in metrics.unique().to_pylist():
            of_metric = pc.equal(metrics, metric)
            for unit in units.filter(of_metric).unique().to_pylist():
                name, _, factor = series_of(metric, unit)
                if name == CPU:
                    chosen = pc.and_(pc.and_(of_metric, pc.equal(units, unit)), batch["value"].is_valid())
                    self._add(batch.filter(chosen), factor)

    def _add(self, chosen: pa.RecordBatch, factor: float) -> None:
        if not chosen.num_rows:
            return
        times = chosen["timestamp"].cast(pa.timestamp("s", tz=chosen["timestamp"].type.tz), safe=False)
        table = pa.table(
            {
                "resource": chosen["resource_id"].cast(pa.string()),
                "hour": pa.array(np.asarray(times.cast(pa.int64())) // 3600),
                "value": pa.array(chosen["value"].to_numpy(zero_copy_only=False) * factor),
            }
        )
        self._parts.append(_highest(table))
        if len(self._parts) > 8:
            self._parts = [_highest(pa.concat_tables(self._parts))]

    def rows(self) -> Iterator[tuple[str, date, list[float | None]]]:
        """(resource, day, 24 values) of all that was taken in."""
        if not self._parts:
            return
        days: dict[tuple[str, int], list[float | None]] = defaultdict(lambda: [None] * 24)
        table = _highest(pa.concat_tables(self._parts))
        for resource, hour, value in zip(*(table[name].to_pylist() for name in table.column_names), strict=True):
            days[resource, hour // 24][hour % 24] = value
        for (resource, day), values in sorted(days.items()):
            yield resource, _EPOCH + timedelta(days=day), values


def _highest(table: pa.Table) -> pa.Table:
    found = table.group_by(["resource", "hour"], use_threads=False).aggregate([("value", "max")])
    return found.select(["resource", "hour", "value_max"]).rename_columns(["resource", "hour", "value"])


def copy_hours(connection: psycopg.Connection[Any], file_id: int, digest: HourDigest) -> None:
    """Write what a file tells of hours."""
    copied = "copy raw.utilisation_hours (file_id, resource_id, usage_date, highest) from stdin"
    with connection.cursor() as cursor, cursor.copy(copied) as out:
        for resource_id, day, values in digest.rows():
            out.write_row((file_id, resource_id, day, values))


def hours_of_week(connection: psycopg.Connection[Any], window: Window) -> dict[str, HoursOfWeek]:
    """Resource -> how busy each hour of its week was. Of a day that several files tell of, the last file counts."""
    highest: dict[str, np.ndarray] = defaultdict(lambda: np.full(HOURS, np.nan))
    samples: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(HOURS, np.int64))
    rows = connection.execute(
        "select distinct on (resource_id, usage_date) resource_id, usage_date, highest from raw.utilisation_hours"
        " where usage_date between %s and %s order by resource_id, usage_date, file_id desc",
        [window.first, window.last],
    )
    for resource_id, day, values in rows:
        at = slice(day.weekday() * 24, day.weekday() * 24 + 24)
        told = np.array([np.nan if value is None else value for value in values])
        highest[resource_id][at] = np.fmax(highest[resource_id][at], told)
        samples[resource_id][at] += ~np.isnan(told)
    return {resource_id: HoursOfWeek(found, samples[resource_id]) for resource_id, found in highest.items()}
