"""Keep alerts, and put those that are due into messages: one for each receiver."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from orchestration.lib.alerts.alert import Alert, Figure, rank
from orchestration.lib.alerts.routing import receivers_of
from orchestration.lib.config_alerting import Alerting

_BUNDLE_LOCK = 7_204_081
# More than people read at once, and less than any channel refuses.
MOST_ALERTS = 40

_INSERT = """
insert into alerts.alerts (alert_id, kind, severity, team, title, facts, body, occurred_on, link, figure, queued_at)
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
on conflict (alert_id) do nothing
"""
_ALERTS = """
select a.alert_id, a.kind, a.severity, a.team, a.title, a.facts, a.body, a.occurred_on, a.link, a.figure
from alerts.outbox as o
inner join alerts.alerts as a using (alert_id)
where o.message_id = %s
"""
_DUE = """
select
    receiver,
    array_agg(alert_id order by array_position(array['critical', 'high', 'medium', 'low'], severity), occurred_on, alert_id)
from alerts.outbox
inner join alerts.alerts using (alert_id)
where message_id is null and due_at <= %s
group by receiver
order by receiver
"""


@dataclass(frozen=True)
class Message:
    """What is sent to a receiver at once, the most severe first. `message_id` is the same each time it is tried."""

    message_id: str
    receiver: str
    alerts: tuple[Alert, ...]

    @property
    def worst(self) -> Alert:
        """The most severe of its alerts."""
        return self.alerts[0]

    @property
    def subject(self) -> str:
        """All of it in a line."""
        others = len(self.alerts) - 1
        more = f" and {others} more alert{'s' if others > 1 else ''}" if others else ""
        return f"[{self.worst.severity}] {' '.join(self.worst.title.split())}{more}"


def queue(
    connection: psycopg.Connection[Any], alerts: Iterable[Alert], settings: Alerting, now: datetime, zone: ZoneInfo
) -> int:
    """Keep those alerts that are new, each with its receivers, in one transaction. Returns how many were new."""
    count = 0
    with connection.transaction():
        # In one order, so that two that queue the same at once wait for each other and never in a circle.
        for alert in sorted(alerts, key=lambda alert: alert.alert_id):
            values = (
                alert.alert_id,
                alert.kind,
                alert.severity,
                alert.team,
                alert.title,
                Jsonb(alert.facts),
                alert.text,
                alert.occurred_on,
                alert.link,
                alert.figure and Jsonb(_figure_json(alert.figure)),
                now,
            )
            if not connection.execute(_INSERT, values).rowcount:
                continue
            count += 1
            for receiver, due in sorted(receivers_of(settings, alert, now, zone).items()):
                connection.execute(
                    "insert into alerts.outbox (alert_id, receiver, due_at) values (%s, %s, %s)",
                    (alert.alert_id, receiver, due),
                )
    return count


def bundle(connection: psycopg.Connection[Any], now: datetime) -> int:
    """Make a message for each receiver of what is due to it. Returns how many."""
    made = 0
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_BUNDLE_LOCK])
        for receiver, due in connection.execute(_DUE, [now]).fetchall():
            for start in range(0, len(due), MOST_ALERTS):
                alert_ids = due[start : start + MOST_ALERTS]
                message_id = sha256("\0".join((receiver, *alert_ids)).encode()).hexdigest()[:32]
                connection.execute(
                    "insert into alerts.messages (message_id, receiver, created_at, next_at) values (%s, %s, %s, %s)",
                    (message_id, receiver, now, now),
                )
                connection.execute(
                    "update alerts.outbox set message_id = %s where receiver = %s and alert_id = any(%s)",
                    (message_id, receiver, alert_ids),
                )
                made += 1
    return made


def read_message(connection: psycopg.Connection[Any], message_id: str, receiver: str) -> Message:
    """A message with its alerts."""
    alerts = [
        Alert(
            alert_id=row["alert_id"],
            kind=row["kind"],
            severity=row["severity"],
            team=row["team"],
            title=row["title"],
            facts=tuple((name, value) for name, value in row["facts"]),
            text=row["body"],
            occurred_on=row["occurred_on"],
            link=row["link"],
            figure=_figure(row["figure"]) if row["figure"] else None,
        )
        for row in connection.cursor(row_factory=dict_row).execute(_ALERTS, [message_id]).fetchall()
    ]
    alerts.sort(key=lambda alert: (-rank(alert.severity), -alert.occurred_on.toordinal(), alert.alert_id))
    return Message(message_id, receiver, tuple(alerts))


def known_ids(connection: psycopg.Connection[Any]) -> frozenset[str]:
    """The ids of all alerts that were ever kept."""
    return frozenset(row[0] for row in connection.execute("select alert_id from alerts.alerts"))


def _figure_json(figure: Figure) -> dict[str, Any]:
    return {
        "title": figure.title,
        "currency": figure.currency,
        "marked": [day.isoformat() for day in figure.marked],
        "dates": [day.isoformat() for day in figure.dates],
        # Texts, so that no decimal becomes a float on its way.
        "actual": [None if value is None else str(value) for value in figure.actual],
        "expected": [None if value is None else str(value) for value in figure.expected],
    }


def _figure(kept: dict[str, Any]) -> Figure:
    actual, expected = (
        tuple(None if value is None else Decimal(value) for value in kept[name]) for name in ("actual", "expected")
    )
    dates, marked = (tuple(map(date.fromisoformat, kept[name])) for name in ("dates", "marked"))
    return Figure(kept["title"], dates, actual, expected, kept["currency"], marked)
