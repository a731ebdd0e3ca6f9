"""The outbox of alerts in a real database: each alert once to each receiver, whoever dies, hangs or sends at the same time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg
import pytest
from pydantic import SecretStr

from orchestration.lib.alerts.alert import Alert
from orchestration.lib.alerts.channels.all import channels
from orchestration.lib.alerts.listing import messages
from orchestration.lib.alerts.outcome import Channel, Later, Outcome, Refused, Sent
from orchestration.lib.alerts.sending import Sender, try_again
from orchestration.lib.alerts.store import Message, known_ids, queue
from orchestration.lib.alerts.tables import ensure_alerts
from orchestration.lib.config_alerting import Alerting, EmailSettings, QuietHours, Route, WebhookSettings
from tests.support.alerts import FIGURE, alert
from tests.support.receivers import LOOPBACK, http_receiver, mail_receiver

_NOW = datetime(2026, 10, 20, 12, 30, tzinfo=UTC)
_BERLIN = ZoneInfo("Europe/Berlin")
_SECRET = "s3cret-of-nobody"


class Clock:
    """A clock that a test sets; whoever sleeps moves it."""

    def __init__(self) -> None:
        self.now = _NOW

    def __call__(self) -> datetime:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as opened:
        ensure_alerts(opened)
        yield opened


def _hooks(url: str, *names: str) -> Alerting:
    secret = SecretStr(_SECRET)
    return Alerting(
        webhooks=tuple(WebhookSettings(name=name, url=SecretStr(f"{url}/{name}"), secret=secret) for name in names)
    )


def _queue(connection: psycopg.Connection[Any], settings: Alerting, *alerts: Alert, now: datetime = _NOW) -> int:
    return queue(connection, alerts, settings, now, _BERLIN)


def _sender(database: str, clock: Clock, send: Callable[[Message], Outcome] | None = None, **more: Any) -> Sender:
    by_name: dict[str, Channel] = {"webhook": send} if send else {}
    return Sender(database, by_name, clock=clock, sleep=clock.sleep, **more)


def _states(connection: psycopg.Connection[Any]) -> dict[str, int]:
    return dict(Counter(one.state for one in messages(connection, 1000)))


def test_alerts_of_one_run_are_one_message_to_each_receiver_for_ever(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    clock, sent = Clock(), list[Message]()
    settings = _hooks("https://example.com", "one", "two")

    def keep(message: Message) -> Outcome:
        sent.append(message)
        return Sent()

    assert _queue(connection, settings, alert("a", severity="low"), alert("b", figure=FIGURE), alert("c")) == 3
    _sender(database, clock, keep).send_due()
    assert sorted(message.receiver for message in sent) == ["webhook:one", "webhook:two"]
    assert [one.alert_id for one in sent[0].alerts] == ["b", "c", "a"]
    assert sent[0].alerts[0] == alert("b", figure=FIGURE)
    assert sent[0].subject.endswith("and 2 more alerts")
    assert _queue(connection, settings, alert("b"), alert("d")) == 1
    _sender(database, clock, keep).send_due()
    assert [[one.alert_id for one in message.alerts] for message in sent[2:]] == [["d"], ["d"]]
    assert known_ids(connection) == {"a", "b", "c", "d"}
    assert _states(connection) == {"sent": 4}


def test_a_receiver_that_is_down_loses_nothing_and_gets_nothing_twice(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    clock, taken = Clock(), list[str]()
    is_down = True

    def send(message: Message) -> Outcome:
        if is_down and message.receiver == "webhook:down":
            return Later("it is down")
        taken.append(message.receiver)
        return Sent()

    _queue(connection, _hooks("https://example.com", "up", "down"), alert())
    _sender(database, clock, send, patience=0.0).send_due()
    assert taken == ["webhook:up"]
    _sender(database, clock, send, patience=0.0).send_due()
    assert connection.execute("select count(*) from alerts.attempts").fetchone() == (2,)
    for _ in range(4):
        clock.sleep(5 * 3600)
        _sender(database, clock, send, patience=0.0).send_due()
    is_down = False
    clock.sleep(3600)
    for _ in range(2):
        _sender(database, clock, send, patience=0.0).send_due()
    assert taken == ["webhook:up", "webhook:down"]
    assert _states(connection) == {"sent": 2}


def test_what_is_given_up_can_be_tried_again(database: str, connection: psycopg.Connection[Any]) -> None:
    clock = Clock()
    _queue(connection, _hooks("https://example.com", "one"), alert())
    for _ in range(9):
        _sender(database, clock, lambda _: Later("it is down"), patience=0.0).send_due()
        clock.sleep(10 * 3600)
    assert [(one.state, one.outcome) for one in messages(connection, 9)] == [("failed", "it is down")]
    assert try_again(connection, clock()) == 1
    _sender(database, clock, lambda _: Sent()).send_due()
    assert _states(connection) == {"sent": 1}


def test_a_receiver_is_left_alone_for_as_long_as_it_asks(database: str, connection: psycopg.Connection[Any]) -> None:
    clock = Clock()
    with http_receiver((429, {"Retry-After": "12"}, b""), 500, 200) as receiver:
        settings = _hooks(receiver.url, "one")
        _queue(connection, settings, alert())
        Sender(database, channels(settings, 1.0), clock=clock, sleep=clock.sleep, patience=60.0).send_due()
    assert (clock.now - _NOW).total_seconds() == 12 + 10
    assert len({request.headers["webhook-id"] for request in receiver.requests}) == 1
    assert len(receiver.requests) == 3


def test_a_refusal_and_a_fault_of_a_channel_stop_nobody_else(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    clock, taken = Clock(), list[str]()

    def send(message: Message) -> Outcome:
        if message.receiver == "webhook:wrong":
            raise RuntimeError(_SECRET)
        if message.receiver == "webhook:closed":
            return Refused("it is closed")
        taken.append(message.receiver)
        return Sent()

    _queue(connection, _hooks("https://example.com", "closed", "fine", "wrong"), alert())
    _sender(database, clock, send, patience=0.0).send_due()
    assert taken == ["webhook:fine"]
    assert _states(connection) == {"sent": 1, "failed": 1, "queued": 1}


def test_two_senders_at_once_send_each_message_once(database: str, connection: psycopg.Connection[Any]) -> None:
    clock = Clock()
    names = [f"hook{number}" for number in range(12)]

    def slow(request: Any) -> int:
        time.sleep(0.05)
        return 200

    with http_receiver(slow) as receiver:
        settings = _hooks(receiver.url, *names)
        _queue(connection, settings, alert())
        senders = [Sender(database, channels(settings, 5.0), clock=clock, sleep=clock.sleep) for _ in range(2)]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(Sender.send_due, senders))
    assert sorted(request.path for request in receiver.requests) == sorted(f"/{name}" for name in names)
    assert sum(len(sender.results) for sender in senders) == 12


_SEND = """
import sys
from tests.integration.test_alert_outbox import _hooks
from orchestration.lib.alerts.channels.all import channels
from orchestration.lib.alerts.sending import Sender
Sender(sys.argv[1], channels(_hooks(sys.argv[2], "one"), 20.0)).send_due()
"""


def test_a_sender_that_is_killed_leaves_its_message_to_the_next(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    with http_receiver("hang", 200) as receiver:
        settings = _hooks(receiver.url, "one")
        _queue(connection, settings, alert())
        killed = subprocess.Popen([sys.executable, "-c", _SEND, database, receiver.url])
        _wait(lambda: bool(receiver.requests))
        # The message is in its hands: nobody else may send it.
        other = Sender(database, channels(settings, 1.0), patience=0.0)
        other.send_due()
        assert other.results == []
        os.kill(killed.pid, signal.SIGKILL)
        killed.wait()
        # The server notices that its client is gone.
        _wait(lambda: _sent_anything(other))
        other.send_due()
    assert [outcome for _, _, outcome in other.results] == [Sent()]
    first, second = receiver.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    attempts = connection.execute("select number, outcome from alerts.attempts order by number").fetchall()
    assert attempts == [(1, None), (2, "sent")]


def test_a_message_that_kills_its_senders_is_given_up(database: str, connection: psycopg.Connection[Any]) -> None:
    class Killed(BaseException):
        pass

    clock, tries = Clock(), list[str]()

    def die(message: Message) -> Outcome:
        tries.append(message.message_id)
        raise Killed

    _queue(connection, _hooks("https://example.com", "one"), alert())
    for _ in range(5):
        with pytest.raises(Killed):
            _sender(database, clock, die).send_due()
    _sender(database, clock, die).send_due()
    assert len(tries) == 5
    assert _states(connection) == {"failed": 1}


def test_quiet_hours_wait_for_the_morning_and_critical_alerts_do_not(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    clock, sent = Clock(), list[str]()
    clock.now = datetime(2026, 10, 24, 23, 0, tzinfo=UTC)  # In Berlin 01:00 of the night in which summer time ends.
    quiet = QuietHours.model_validate({"start": "22:00", "end": "07:00"})
    settings = _hooks("https://example.com", "one").model_copy(update={"quiet_hours": quiet})

    def keep(message: Message) -> Outcome:
        sent.extend(one.alert_id for one in message.alerts)
        return Sent()

    _queue(connection, settings, alert("now"), alert("later", severity="high"), now=clock.now)
    _sender(database, clock, keep).send_due()
    assert sent == ["now"]
    assert _states(connection) == {"sent": 1, "waiting": 1}
    clock.now = datetime(2026, 10, 25, 5, 59, tzinfo=UTC)
    _sender(database, clock, keep).send_due()
    assert sent == ["now"]
    clock.now = datetime(2026, 10, 25, 6, 0, tzinfo=UTC)
    _sender(database, clock, keep).send_due()
    assert sent == ["now", "later"]


def test_a_digest_gathers_what_happens_until_its_time(database: str, connection: psycopg.Connection[Any]) -> None:
    clock, sent = Clock(), list[list[str]]()
    hooks = _hooks("https://example.com", "hourly", "daily")
    routes = (Route(to=("webhooks.hourly",), digest="hourly"), Route(to=("webhooks.daily",), digest="daily"))
    settings = hooks.model_copy(update={"routes": routes})

    def keep(message: Message) -> Outcome:
        sent.append([message.receiver.partition(":")[2], *sorted(one.alert_id for one in message.alerts)])
        return Sent()

    _queue(connection, settings, alert("a"), now=clock.now)
    clock.sleep(1700)
    _queue(connection, settings, alert("b"), now=clock.now)
    _sender(database, clock, keep).send_due()
    assert sent == []
    clock.sleep(100)
    _sender(database, clock, keep).send_due()
    assert sent == [["hourly", "a", "b"]]
    clock.now = datetime(2026, 10, 21, 6, 0, tzinfo=UTC)  # 08:00 in Berlin
    _sender(database, clock, keep).send_due()
    assert sent[1:] == [["daily", "a", "b"]]


def test_a_receiver_that_hangs_keeps_nobody_waiting_and_no_secret_is_kept(
    database: str, connection: psycopg.Connection[Any]
) -> None:
    with http_receiver("hang") as hanging, mail_receiver() as mail:
        recipients: dict[str, tuple[str, ...]] = {"all": ("ops@example.com", "OPS@example.com")}
        by_mail = EmailSettings(
            smtp_server=LOOPBACK, smtp_port=mail.port, starttls=False, sender="f@example.com", recipients=recipients
        )
        settings = _hooks(f"{hanging.url}/{_SECRET}", "one").model_copy(update={"email": by_mail})
        _queue(connection, settings, alert(figure=FIGURE), now=datetime.now(UTC))
        Sender(database, channels(settings, 0.5), patience=0.0).send_due()
        assert len(mail.mails) == 1
    assert _states(connection) == {"sent": 1, "queued": 1}
    kept = [
        str(connection.execute(f"select jsonb_agg(to_jsonb(t)) from alerts.{table} as t").fetchone())
        for table in ("alerts", "messages", "outbox", "attempts")
    ]
    assert _SECRET not in "".join(kept)
    assert "127.0.0.1" not in "".join(kept)


def _sent_anything(sender: Sender) -> bool:
    sender.send_due()
    return bool(sender.results)


def _wait(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + 30
    while not is_so():
        assert time.monotonic() < until, "it did not happen"
        time.sleep(0.05)
