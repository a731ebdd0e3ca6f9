"""What each resource used in a window, put together from the digests of its days."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby
from typing import Any

import numpy as np
import psycopg

from ml.savings.histogram import Histogram
from ml.savings.recommendation import Window
from ml.savings.sizing import Use

# Of stretches of a day that overlap, the file that was loaded last counts: it restates what the others said.
_ROWS = """
select resource_id, metric, usage_date, minimum, maximum, total, buckets, counts
from raw.utilisation as told
where
    usage_date between %(first)s and %(last)s
    and not exists (
        select 1 from raw.utilisation as later
        where
            later.resource_id = told.resource_id
            and later.metric = told.metric
            and later.usage_date = told.usage_date
            and later.file_id > told.file_id
            and later.first_second <= told.last_second
            and later.last_second >= told.first_second
    )
order by resource_id, metric, usage_date, first_second
"""


def uses(connection: psycopg.Connection[Any], window: Window) -> dict[str, Use]:
    """Resource -> its use, read as a stream: of one metric of one resource at a time all days are held."""
    metrics: dict[str, dict[str, Histogram]] = defaultdict(dict)
    days: dict[str, int] = {}
    with connection.transaction(), connection.cursor(name="uses", binary=True) as cursor:
        cursor.itersize = 10_000
        cursor.execute(_ROWS, {"first": window.first, "last": window.last})
        for (resource, metric), group in groupby(cursor, key=lambda row: (row[0], row[1])):
            rows = list(group)
            metrics[resource][metric] = _merged(rows)
            days[resource] = max(days.get(resource, 0), len({row[2] for row in rows}))
    return {resource: Use(found, days[resource]) for resource, found in metrics.items()}


def _merged(rows: list[Any]) -> Histogram:
    found = np.frombuffer(b"".join(row[6] for row in rows), "<i2").astype(np.int64)
    counts = np.frombuffer(b"".join(row[7] for row in rows), "<i4")
    distinct, place = np.unique(found, return_inverse=True)
    summed = np.bincount(place, weights=counts).astype(np.int64)
    return Histogram(
        distinct, summed, min(row[3] for row in rows), max(row[4] for row in rows), float(sum(row[5] for row in rows))
    )
