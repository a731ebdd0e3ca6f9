"""When a month is complete: the one rule, for the report that shows it and for the close that needs it."""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from operator import itemgetter
from typing import Any

import psycopg

# One row per source with charges in the month: its last day there, and whether it has delivered a later month.
_PROGRESS = """
select
    source_name,
    max(charge_date) filter (where billing_period = %(period)s) as last_day,
    max(billing_period) > %(period)s as has_later_months
from finops.daily_costs
where billing_period >= %(period)s
group by 1
having count(*) filter (where billing_period = %(period)s) > 0
"""


@dataclass(frozen=True)
class Progress:
    """How far a source has delivered a month."""

    source: str
    last_day: date
    complete: bool


def read_progress(connection: psycopg.Connection[Any], period: date) -> tuple[Progress, ...]:
    """How far each source with charges in a month has delivered it.

    Complete is what has a charge on the last day, or is followed by a later month. No clock decides it.
    """
    last = date(period.year, period.month, calendar.monthrange(period.year, period.month)[1])
    rows = connection.execute(_PROGRESS, {"period": period}).fetchall()
    return tuple(
        Progress(source, last_day, has_later_months or last_day >= last)
        for source, last_day, has_later_months in sorted(rows, key=itemgetter(0))
    )
