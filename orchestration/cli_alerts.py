"""The commands `finops alerts`: try the receivers, see what was told, send what waits."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.cli_options import CONFIG_OPTION

if TYPE_CHECKING:
    from orchestration.lib.config import Config


@click.group()
def alerts() -> None:
    """Who is told of incidents, budgets and failures, and what became of each message.

    Example: finops alerts test
    """


@alerts.command()
@CONFIG_OPTION
@click.option(
    "--receiver", help="Only this one, as the settings call it, such as slack.critical. Default: everyone, once."
)
def test(config: Path | None, receiver: str | None) -> None:
    """Send a test alert with a picture to the receivers, and say what they answer. Nothing of it is kept.

    Examples: finops alerts test, finops alerts test --receiver email.critical_alerts
    """
    from datetime import UTC, datetime
    from uuid import uuid4

    from orchestration.lib.alerts.channels.all import channels
    from orchestration.lib.alerts.outcome import Sent
    from orchestration.lib.alerts.store import Message
    from orchestration.lib.alerts.telling import example
    from orchestration.lib.config_document import nearest
    from orchestration.lib.errors import FinopsError

    settings = _settings(config).alerting
    known = settings.receivers
    if not known:
        raise FinopsError(
            "nobody is told: the settings name no receiver. Add the section alerting, as in config/finops-config.yaml.example."
        )
    if receiver is not None and receiver not in known:
        raise FinopsError(
            f"{receiver!r} is none of the receivers.{nearest(receiver, list(known))} Allowed: {', '.join(known)}."
        )
    asked = known[receiver] if receiver else tuple(dict.fromkeys(one for all_ in known.values() for one in all_))
    senders, failed = channels(settings), False
    rows = []
    for one in asked:
        message = Message(uuid4().hex, one, (example(datetime.now(UTC).date(), settings.link_base),))
        outcome = senders[one.partition(":")[0]](message)
        is_sent = isinstance(outcome, Sent)
        failed |= not is_sent
        said = outcome.note if isinstance(outcome, Sent) else outcome.reason
        rows.append(("sent" if is_sent else "not sent", one, said))
    _show(("", "receiver", "what it says"), rows)
    if failed:
        sys.exit(1)


@alerts.command(name="list")
@CONFIG_OPTION
@click.option(
    "--last", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many messages to show."
)
def list_(config: Path | None, last: int) -> None:
    """Show the newest messages, what they told, and what became of them. Times are those of the organisation.

    Example: finops alerts list --last 20
    """
    from zoneinfo import ZoneInfo

    import psycopg

    from orchestration.lib import postgres
    from orchestration.lib.alerts.listing import messages
    from orchestration.lib.warehouse import ensure_warehouse

    zone = ZoneInfo(_settings(config).organization.time_zone)
    with psycopg.connect(postgres.ensure_running(), autocommit=True) as connection:
        ensure_warehouse(connection)
        found = messages(connection, last)
    rows = [
        (
            f"{one.at.astimezone(zone):%Y-%m-%d %H:%M}",
            one.state,
            one.receiver,
            str(one.tries),
            f"{one.title}{f' (+{one.alerts - 1} more)' if one.alerts > 1 else ''}",
            one.outcome,
        )
        for one in found
    ]
    if rows:
        _show(("when", "state", "receiver", "tries", "what", "outcome"), rows)
    else:
        click.echo("Nothing was told yet.")


@alerts.command()
@CONFIG_OPTION
@click.option("--failed", is_flag=True, help="Also try again what was given up.")
def send(config: Path | None, failed: bool) -> None:
    """Send what is due: messages that wait for a receiver that was down, and digests and quiet hours that are over.

    Examples: finops alerts send, finops alerts send --failed
    """
    from datetime import UTC, datetime

    import psycopg

    from orchestration.lib import postgres
    from orchestration.lib.alerts.sending import try_again
    from orchestration.lib.alerts.telling import tell
    from orchestration.lib.warehouse import ensure_warehouse

    settings = _settings(config)
    url = postgres.ensure_running()
    if failed:
        with psycopg.connect(url, autocommit=True) as connection:
            ensure_warehouse(connection)
            try_again(connection, datetime.now(UTC))
    told = tell(url, settings, ())
    click.echo(f"{told.outcomes.get('sent', 0)} messages sent")
    for problem in told.problems:
        click.secho(problem, fg="red", err=True)
    if told.problems:
        sys.exit(1)


def _settings(config: Path | None) -> Config:
    from orchestration.lib.config import load_config
    from orchestration.lib.settings import active_config

    return load_config(config) if config else active_config()


def _show(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console.width = max(console.width, 200)  # a log has no edge to wrap at
    table = Table(*columns, header_style="bold")
    for row in rows:
        table.add_row(*map(Text, row))
    console.print(table)
