"""What people say of incidents: kept for ever, and seen at once."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg

from orchestration.lib.anomalies.shown import one
from orchestration.lib.audit import current_actor
from orchestration.lib.errors import FinopsError

_INSERT = """
insert into ml.anomaly_feedback (anomaly_id, dimension, dimension_value, first_date, last_date, verdict, reason, given_by)
values (%s, %s, %s, %s, %s, %s, %s, %s)
"""
DIMENSIONS = ("provider", "team", "cost_center", "project", "service", "account", "account_service", "ai_model")


def judge(connection: psycopg.Connection[Any], anomaly_id: str, verdict: str, reason: str) -> None:
    """Keep a verdict on an incident."""
    with connection.transaction():
        found = one(connection, anomaly_id)
        named = (
            found["anomaly_id"],
            found["dimension"],
            found["dimension_value"],
            found["started_on"],
            found["last_seen_on"],
        )
        connection.execute(_INSERT, [*named, verdict, reason, current_actor()])
        connection.execute("update ml.anomalies set feedback = %s where anomaly_id = %s", [verdict, named[0]])


def expect_days(
    connection: psycopg.Connection[Any], dimension: str | None, value: str | None, first: date, last: date, reason: str
) -> None:
    """Keep that a series, or all of them, will cost more on some days."""
    if last < first:
        raise FinopsError(f"the days go from {first} to {last}: --to must not be before --from")
    if dimension is not None and dimension not in DIMENSIONS:
        raise FinopsError(f"{dimension!r} is no level of a series. Levels are {', '.join(DIMENSIONS)}.")
    with connection.transaction():
        connection.execute(_INSERT, [None, dimension, value, first, last, "expected", reason, current_actor()])
