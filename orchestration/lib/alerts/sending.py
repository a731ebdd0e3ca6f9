"""Send what is due: each message by one worker at a time, tried again while what goes wrong may pass.

A worker holds the row of its message locked while it sends, so no other can take it; when it dies, its lock goes with its
connection. The attempt is noted before it is made, over a connection of its own, so that a message whose sender dies again
and again is given up in the end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from orchestration.lib.alerts.outcome import Channel, Later, Outcome, Refused, Sent, cause
from orchestration.lib.alerts.store import Message, bundle, read_message

_WORKERS = 4
_FIRST_WAIT = timedelta(seconds=5)
_LONGEST_WAIT = timedelta(hours=1)
_LONGEST_RETRY_AFTER = timedelta(days=1)
_GIVE_UP_AFTER = timedelta(days=3)
# How often a message may be the one at which its sender ends without a word.
_MOST_CUT_OFF = 5

_CLAIM = """
select message_id, receiver, created_at
from alerts.messages
where state = 'queued' and next_at <= %s and receiver <> all(%s)
order by next_at, message_id
limit 1
for no key update skip locked
"""
_ATTEMPT = """
insert into alerts.attempts (message_id, number, started_at)
select %(message_id)s, coalesce(max(number), 0) + 1, %(now)s from alerts.attempts where message_id = %(message_id)s
returning number, (select count(*) from alerts.attempts where message_id = %(message_id)s and ended_at is null)
"""
_NEXT = "select min(next_at) from alerts.messages where state = 'queued' and next_at > %s"


@dataclass
class Sender:
    """Sends over channels by name: what stands before the colon of a receiver.

    `patience`: how many seconds a pass may wait for a receiver that failed and is to be tried again.
    """

    url: str
    channels: Mapping[str, Channel]
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    patience: float = 20.0
    sleep: Callable[[float], None] = time.sleep
    results: list[tuple[str, str, Outcome]] = field(default_factory=list)
    """Message id, receiver and outcome of each attempt of this sender."""

    def send_due(self) -> None:
        """Send everything that is due now."""
        until = self.clock() + timedelta(seconds=self.patience)
        while True:
            with psycopg.connect(self.url, autocommit=True) as connection:
                bundle(connection, self.clock())
                ((waiting,),) = connection.execute(
                    "select count(*) from alerts.messages where state = 'queued' and next_at <= %s", [self.clock()]
                ).fetchall()
            if waiting:
                # Side by side, so that a receiver that hangs does not keep the others waiting.
                with ThreadPoolExecutor(min(_WORKERS, waiting)) as pool:
                    list(pool.map(lambda _: self._work(), range(min(_WORKERS, waiting))))
            now = self.clock()
            with psycopg.connect(self.url, autocommit=True) as connection:
                ((following,),) = connection.execute(_NEXT, [now]).fetchall()
            if following is None or following > until:
                return
            self.sleep((following - now).total_seconds())

    def _work(self) -> None:
        with (
            psycopg.connect(self.url, autocommit=True) as connection,
            psycopg.connect(self.url, autocommit=True) as log,
        ):
            failing: list[str] = []
            while self._send_one(connection, log, failing):
                pass

    def _send_one(self, connection: psycopg.Connection[Any], log: psycopg.Connection[Any], failing: list[str]) -> bool:
        """Send the next message that no other worker has; whether there was one. Receivers that fail are noted, and left out."""
        with connection.transaction():
            # A server that ends idle transactions would let go of the message while it is being sent.
            connection.execute("set local idle_in_transaction_session_timeout = 0")
            claimed = connection.execute(_CLAIM, (self.clock(), failing)).fetchone()
            if claimed is None:
                return False
            message_id, receiver, created_at = claimed
            message = read_message(connection, message_id, receiver)
            begun = log.execute(_ATTEMPT, {"message_id": message_id, "now": self.clock()}).fetchone()
            assert begun is not None
            number, cut_off = begun
            channel = self.channels.get(receiver.partition(":")[0])
            if cut_off >= _MOST_CUT_OFF:
                outcome: Outcome = Refused(f"its sender was cut off {cut_off} times, and may have sent it each time")
            elif channel is None:
                outcome = Refused("the receiver is no longer in the settings")
            else:
                outcome = _try(channel, message)
            now = self.clock()
            said = outcome.note if isinstance(outcome, Sent) else outcome.reason
            log.execute(
                "update alerts.attempts set ended_at = %s, outcome = %s where message_id = %s and number = %s",
                (now, f"{type(outcome).__name__.lower()}{said and f': {said}'}", message_id, number),
            )
            self._mark(connection, message_id, outcome, number, now, created_at)
        self.results.append((message_id, receiver, outcome))
        if isinstance(outcome, Later):
            failing.append(receiver)
        return True

    @staticmethod
    def _mark(
        connection: psycopg.Connection[Any],
        message_id: str,
        outcome: Outcome,
        number: int,
        now: datetime,
        created_at: datetime,
    ) -> None:
        following = now + wait(outcome, number)
        if isinstance(outcome, Later) and following <= created_at + _GIVE_UP_AFTER:
            connection.execute(
                "update alerts.messages set next_at = %s, outcome = %s where message_id = %s",
                (following, outcome.reason, message_id),
            )
            return
        state, said = ("sent", outcome.note) if isinstance(outcome, Sent) else ("failed", outcome.reason)
        connection.execute(
            "update alerts.messages set state = %s, ended_at = %s, outcome = %s where message_id = %s",
            (state, now, said or None, message_id),
        )


def wait(outcome: Outcome, number: int) -> timedelta:
    """How long to wait after the attempt of this number: twice as long each time, or longer where the receiver asks for it.

    >>> [wait(Later("down"), number).total_seconds() for number in (1, 2, 3, 30)]
    [5.0, 10.0, 20.0, 3600.0]
    >>> wait(Later("busy", after=90), 1).total_seconds()
    90.0
    """
    own = min(_LONGEST_WAIT, _FIRST_WAIT * (1 << min(number - 1, 20)))
    asked = timedelta(seconds=(isinstance(outcome, Later) and outcome.after) or 0)
    return max(own, min(asked, _LONGEST_RETRY_AFTER))


def _try(channel: Channel, message: Message) -> Outcome:
    """Whatever goes wrong in a channel, the messages of the others have to go out."""
    try:
        return channel(message)
    except Exception as error:  # noqa: BLE001
        return Later(f"cannot be sent: {cause(error)}")


def try_again(connection: psycopg.Connection[Any], now: datetime) -> int:
    """Queue every failed message anew, with as much time as a new one. Returns how many."""
    with connection.transaction():
        connection.execute(
            "update alerts.attempts as a set ended_at = %s, outcome = 'cut off' from alerts.messages as m "
            "where a.message_id = m.message_id and m.state = 'failed' and a.ended_at is null",
            [now],
        )
        return connection.execute(
            "update alerts.messages set state = 'queued', next_at = %(now)s, created_at = %(now)s, ended_at = null "
            "where state = 'failed'",
            {"now": now},
        ).rowcount
