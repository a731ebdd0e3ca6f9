"""The daily series that are forecast: each value that matters by itself, what is too small to matter together as `other`."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import psycopg

from ml.series import PARTS, Key

if TYPE_CHECKING:
    import pandas as pd

OTHER = "other"
RECENT_DAYS = 90
"""What a value cost in these last days says whether it matters: one that was dear a year ago may be gone."""

_SHARES = """
with recent as (
    select *, max(charge_date) over (partition by billing_currency) as last_day from intermediate.int_daily_series
),

costs as (
    select dimension, dimension_value, billing_currency, sum(abs(cost)) as cost
    from recent
    where charge_date > last_day - %(days)s and billing_currency is not null
    group by 1, 2, 3
)

select dimension, dimension_value, billing_currency, cost / nullif(sum(cost) over (partition by dimension, billing_currency), 0)
from costs
"""
_SERIES = """
select
    dimension, dimension_value, billing_currency, charge_date, curve_cost, scheduled_cost, irregular_cost, is_complete
from intermediate.int_daily_series
where billing_currency is not null
order by 1, 2, 3, 4
"""
Day = tuple[Decimal, Decimal, Decimal, bool]


def read_series(
    connection: psycopg.Connection[Any], minimum_share: Decimal, always: Collection[tuple[str, str]]
) -> dict[Key, pd.DataFrame]:
    """The series by key: values with a share of their dimension's recent cost, those named in `always`, and `other`."""
    import pandas as pd

    shares = {
        Key(dimension, value, currency): share or Decimal(0)
        for dimension, value, currency, share in connection.execute(_SHARES, {"days": RECENT_DAYS})
    }
    alone = {key for key, share in shares.items() if share >= minimum_share}
    rows = [
        (Key(dimension, value, currency), day, (curve, scheduled, irregular, is_complete))
        for dimension, value, currency, day, curve, scheduled, irregular, is_complete in connection.execute(_SERIES)
    ]
    alone |= {key for key, *_ in rows if key.dimension == "total" or (key.dimension, key.value) in always}
    found: defaultdict[Key, dict[date, Day]] = defaultdict(dict)
    for key, day, content in rows:
        kept = key if key in alone else Key(key.dimension, OTHER, key.currency)
        found[kept][day] = _added(found[kept].get(day), content)
    return {
        key: pd.DataFrame(
            [(day, *content) for day, content in sorted(days.items())], columns=["date", *PARTS, "is_complete"]
        )
        for key, days in sorted(found.items())
    }


def last_days(series: Mapping[Key, pd.DataFrame]) -> list[date]:
    """The last complete day of each total that has one."""
    totals = (frame[frame["is_complete"]] for key, frame in series.items() if key.dimension == "total")
    return [max(frame["date"]) for frame in totals if len(frame)]


def _added(one: Day | None, other: Day) -> Day:
    if one is None:
        return other
    return one[0] + other[0], one[1] + other[1], one[2] + other[2], one[3] and other[3]
