"""Tell people: keep what is new, and send what is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from orchestration.lib.alerts.alert import Alert
from orchestration.lib.alerts.channels.all import channels
from orchestration.lib.alerts.collect import collect
from orchestration.lib.alerts.from_deliveries import from_deliveries
from orchestration.lib.alerts.from_runs import from_run
from orchestration.lib.alerts.outcome import Outcome, Sent
from orchestration.lib.alerts.sending import Sender
from orchestration.lib.alerts.store import queue
from orchestration.lib.config import Config
from orchestration.lib.warehouse import ensure_warehouse


@dataclass(frozen=True)
class Told:
    """What came of it: how many alerts were new, and each attempt to send a message: its id, receiver and outcome."""

    new: int
    attempts: tuple[tuple[str, str, Outcome], ...]

    @property
    def outcomes(self) -> dict[str, int]:
        """How many messages were sent, are to be tried again, or were refused."""
        last = {message_id: type(outcome).__name__.lower() for message_id, _, outcome in self.attempts}
        return dict(Counter(last.values()))

    @property
    def problems(self) -> list[str]:
        """What did not arrive, in words."""
        last = {message_id: (receiver, outcome) for message_id, receiver, outcome in self.attempts}
        return [f"{receiver}: {one.reason}" for receiver, one in last.values() if not isinstance(one, Sent)]


def tell_from_marts(url: str, config: Config, **sender: Any) -> Told:
    """Tell what the marts have to tell, and which deliveries were refused. `sender`: further settings of the Sender."""
    if not config.alerting.receivers:
        return Told(0, ())
    with psycopg.connect(url, autocommit=True) as connection:
        ensure_warehouse(connection)
        alerts = collect(connection, config.alerting.link_base) + from_deliveries(
            connection, config.organization.time_zone
        )
    return tell(url, config, alerts, **sender)


def tell_of_run(
    url: str,
    config: Config,
    job: str,
    run_id: str,
    failed_gates: list[str],
    failed_steps: list[tuple[str, str]],
    **sender: Any,
) -> Told:
    """Tell the operators that a run failed, and which deliveries were refused. `sender`: further settings of the Sender."""
    if not config.alerting.receivers:
        return Told(0, ())
    day = datetime.now(ZoneInfo(config.organization.time_zone)).date()
    with psycopg.connect(url, autocommit=True) as connection:
        ensure_warehouse(connection)
        refused = from_deliveries(connection, config.organization.time_zone)
    return tell(url, config, from_run(job, run_id, day, failed_gates, failed_steps) + refused, **sender)


def tell(url: str, config: Config, alerts: Iterable[Alert], **sender: Any) -> Told:
    """Keep those alerts that are new, and send everything that is due. Without receivers nothing is kept: it would be told later.

    `sender`: further settings of the Sender.
    """
    if not config.alerting.receivers:
        return Told(0, ())
    now = datetime.now(UTC)
    with psycopg.connect(url, autocommit=True) as connection:
        ensure_warehouse(connection)
        new = queue(connection, alerts, config.alerting, now, ZoneInfo(config.organization.time_zone))
    return Told(new, send_due(url, config, **sender))


def send_due(url: str, config: Config, **sender: Any) -> tuple[tuple[str, str, Outcome], ...]:
    """Send what is due. Returns each attempt: message id, receiver and outcome."""
    sending = Sender(url, channels(config.alerting), **sender)
    sending.send_due()
    return tuple(sending.results)
