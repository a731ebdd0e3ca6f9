"""Close in PagerDuty what is over: it opened an event for each alert, and waits for a person to close it otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

import psycopg

from orchestration.lib.alerts.alert import RESOLVES, Alert, Severity

# Only what has arrived: an alert that still waits would open again what its end has closed.
_OPENED = """
select alerts.alert_id, alerts.severity, alerts.team, alerts.title, alerts.occurred_on
from alerts.alerts
inner join alerts.outbox using (alert_id)
inner join alerts.messages using (message_id)
where
    outbox.receiver = 'pagerduty'
    and messages.state = 'sent'
    and alerts.kind = 'anomaly'
    and not starts_with(alerts.alert_id, %(resolves)s)
    and not exists (select from alerts.alerts as ended where ended.alert_id = %(resolves)s || alerts.alert_id)
order by alerts.number
"""


def resolving(connection: psycopg.Connection[Any], anomalies: Iterable[Mapping[str, Any]]) -> list[Alert]:
    """The end of each incident that PagerDuty was told of: closed, judged, or gone with the bill that showed it.

    `anomalies`: all rows of finops.anomalies.
    """
    lasting = {row["anomaly_id"] for row in anomalies if row["state"] == "open" and row["feedback"] is None}
    return [
        _end(*opened)
        for opened in connection.execute(_OPENED, {"resolves": RESOLVES})
        if opened[0].split(":")[1] not in lasting
    ]


def _end(alert_id: str, severity: Severity, team: str | None, title: str, occurred_on: date) -> Alert:
    return Alert(f"{RESOLVES}{alert_id}", "anomaly", severity, team, f"Over: {title}", (), "It is over.", occurred_on)
