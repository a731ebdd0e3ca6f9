"""Incidents of AI usage in the hours in progress."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from decimal import Decimal
from typing import Any

import psycopg

from ml.anomalies.drivers import OTHER, Driver
from ml.anomalies.feedback import verdict_on
from ml.anomalies.hourly import HISTORY_DAYS, hourly_incidents
from ml.anomalies.incident import Incident
from ml.anomalies.settings import Settings
from ml.series import Key
from orchestration.lib.anomalies.find import Found
from orchestration.lib.anomalies.read import read_feedback

# What usage costs at known prices: charges come by the day, and later.
_HOURS = """
select coalesce(model, operation), team, cost_currency, usage_hour, sum(computed_cost)
from finops.ai_usage_hourly
where not is_repeated and computed_cost is not null
    and charge_date >= (select max(charge_date) from finops.ai_usage_hourly) - %(days)s::int
group by 1, 2, 3, 4
"""


def search_hours(connection: psycopg.Connection[Any], settings: Settings) -> list[Found]:
    """Incidents of the newest hours by AI model, with the teams whose usage moved."""
    series: dict[Key, dict[datetime, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    teams: dict[tuple[Key, str], dict[datetime, Decimal]] = defaultdict(dict)
    until: datetime | None = None
    for model, team, currency, hour, cost in connection.execute(_HOURS, {"days": HISTORY_DAYS}):
        key = Key("ai_model", model, currency)
        series[key][hour] += cost
        teams[key, team][hour] = cost
        until = max(until or hour, hour)
    if until is None:
        return []
    given = read_feedback(connection)
    return [
        _found(
            one,
            {team: hours for (key, team), hours in teams.items() if key == one.key},
            verdict_on(one.incident_id, given),
        )
        for one in hourly_incidents(series, until, settings)
    ]


def _found(incident: Incident, teams: dict[str, dict[datetime, Decimal]], verdict: str | None) -> Found:
    """Teams by what they paid on the day beyond their share of what was expected; the rest is `other`."""
    day = incident.started_on
    paid = {
        team: sum((cost for hour, cost in hours.items() if hour.date() == day), Decimal(0))
        for team, hours in teams.items()
    }
    dearest = max(paid, key=lambda team: (paid[team], team))
    moved = min(paid[dearest], incident.impact)
    found = [Driver("team", dearest, moved)]
    if moved != incident.impact:
        found.append(Driver("team", OTHER, incident.impact - moved))
    return Found(incident, tuple(found), {"team": tuple(found)}, verdict)
