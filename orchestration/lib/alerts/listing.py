"""What was told, for people to read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import class_row

_MESSAGES = """
with told as (
    select
        outbox.receiver,
        coalesce(messages.state, 'waiting') as state,
        coalesce(messages.ended_at, messages.next_at, outbox.due_at) as at,
        coalesce(messages.outcome, '') as outcome,
        coalesce(messages.message_id, outbox.alert_id) as id,
        alerts.title,
        row_number() over (
            partition by outbox.receiver, coalesce(messages.message_id, outbox.alert_id)
            order by array_position(array['critical', 'high', 'medium', 'low'], alerts.severity), alerts.number
        ) as place,
        count(*) over (partition by outbox.receiver, coalesce(messages.message_id, outbox.alert_id)) as alerts,
        (select count(*) from alerts.attempts where attempts.message_id = messages.message_id) as tries
    from alerts.outbox
    inner join alerts.alerts using (alert_id)
    left join alerts.messages using (message_id)
)

select at, state, receiver, tries, title, alerts, outcome
from told
where place = 1
order by at desc, receiver, id
limit %s
"""


_TALLY = """
select
    count(distinct alert_id) filter (where messages.state = 'sent' and messages.ended_at >= %(since)s),
    count(distinct alert_id) filter (where messages.state is null or messages.state = 'queued'),
    count(distinct alert_id) filter (where messages.state = 'failed' and messages.ended_at >= %(since)s)
from alerts.outbox
left join alerts.messages using (message_id)
"""


@dataclass(frozen=True)
class Listed:
    """A message, or an alert that waits to become part of one. `at`: when it was sent or given up, else when it is to be."""

    at: datetime
    state: str
    receiver: str
    tries: int
    title: str
    alerts: int
    outcome: str


def messages(connection: psycopg.Connection[Any], last: int) -> list[Listed]:
    """The newest messages, those that wait first."""
    return connection.cursor(row_factory=class_row(Listed)).execute(_MESSAGES, [last]).fetchall()


def tally(connection: psycopg.Connection[Any], since: datetime) -> tuple[int, int, int]:
    """How many alerts reached somebody since then, wait for somebody now, and were refused by somebody since then."""
    row = connection.execute(_TALLY, {"since": since}).fetchone()
    assert row is not None
    told, waiting, refused = row
    return told, waiting, refused
