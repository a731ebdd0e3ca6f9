"""Tell people: keep what is new, and send what is due."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import psycopg

from orchestration.lib.alerts.alert import Alert
from orchestration.lib.alerts.channels.all import channels
from orchestration.lib.alerts.collect import collect
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
    """Tell what the marts have to tell. `sender`: further settings of the Sender."""
    if not config.alerting.receivers:
        return Told(0, ())
    with psycopg.connect(url, autocommit=True) as connection:
        ensure_warehouse(connection)
        alerts = collect(connection, config.alerting.link_base)
    return tell(url, config, alerts, **sender)


def tell_of_run(
    url: str, config: Config, job: str, run_id: str, failed_gates: list[str], failed_steps: list[tuple[str, str]]
) -> Told:
    """Tell the operators that a run failed."""
    day = datetime.now(ZoneInfo(config.organization.time_zone)).date()
    return tell(url, config, from_run(job, run_id, day, failed_gates, failed_steps))


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


def example(day: date, link: str | None) -> Alert:
    """An alert of nothing, to see whether and how alerts arrive."""
    from datetime import timedelta
    from decimal import Decimal

    from orchestration.lib.alerts.alert import Figure

    days = tuple(day - timedelta(days=back) for back in range(27, -1, -1))
    usual = [Decimal(380 + (40 if one.weekday() < 5 else 0) + one.day % 4 * 7) for one in days]
    figure = Figure(
        title="Service Example Compute",
        dates=days,
        actual=(*usual[:-2], Decimal(930), Decimal(1015)),
        expected=tuple(usual),
        currency="USD",
        marked=days[-2:],
    )
    return Alert(
        alert_id="test",
        kind="anomaly",
        severity="critical",
        team=None,
        title="Test: service Example Compute, 1,105.00 USD more than expected",
        facts=(("cost", "1,945.00 USD, expected 840.00 USD (+132 %)"), ("account 000123456789", "+1,105.00 USD")),
        text="This is a test of the alerts. Nothing has happened, and there is nothing to do.",
        occurred_on=day,
        link=link and link.replace("{month}", f"{day:%Y-%m}"),
        figure=figure,
    )
