"""Incidents as people look at them."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg.rows import dict_row

from orchestration.lib.errors import FinopsError

# A month after the newest day that any incident was seen on, an incident that is over is history.
_LISTED = """
select * from ml.anomalies
where (%(everything)s or (feedback is null and (state = 'open' or last_seen_on > (select max(last_seen_on) - 31 from ml.anomalies))))
    and (%(team)s::text is null or team = %(team)s)
order by started_on desc, impact_cost desc, anomaly_id
limit %(limit)s
"""


def listed(
    connection: psycopg.Connection[Any], *, everything: bool, team: str | None, limit: int
) -> list[dict[str, Any]]:
    """Incidents, the newest first."""
    given = {"everything": everything, "team": team, "limit": limit}
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_LISTED, given).fetchall()


def one(connection: psycopg.Connection[Any], anomaly_id: str) -> dict[str, Any]:
    """The incident whose id begins so."""
    with connection.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            "select * from ml.anomalies where starts_with(anomaly_id, %s) order by anomaly_id limit 2", [anomaly_id]
        ).fetchall()
    if len(found) != 1:
        what = "no incident has" if not found else "several incidents have"
        raise FinopsError(f"{what} an id that begins with {anomaly_id!r}. See them with: finops anomalies list --all")
    return found[0]


def days_of(connection: psycopg.Connection[Any], anomaly_id: str) -> list[dict[str, Any]]:
    """The days of an incident."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "select * from ml.anomaly_days where anomaly_id = %s order by charge_date", [anomaly_id]
        ).fetchall()
