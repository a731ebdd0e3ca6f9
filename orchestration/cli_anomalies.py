"""The commands `finops anomalies`: what costs more than expected, why, and what people say of it."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import Any

import click

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
def anomalies() -> None:
    """Incidents of costs: list them, see why, and say what they are.

    Example: finops anomalies list
    """


@anomalies.command("list")
@click.option("--all", "everything", is_flag=True, help="Those that are over or judged too.")
@click.option("--team", help="Those of one team.")
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 1000), help="How many at most.")
def list_(everything: bool, team: str | None, limit: int) -> None:
    """List incidents, the newest first. Without --all: those that last, or ended in the last 31 days, and nobody judged.

    Example: finops anomalies list --team payments
    """
    from orchestration.lib.anomalies.shown import listed

    rows = _ask(lambda connection: listed(connection, everything=everything, team=team, limit=limit))
    if not rows:
        click.echo("No incident." if everything else "No incident is open. See those that are over with: --all")
        return
    table = _table("id", "severity", "state", "what", "since", "days", "expected", "cost", "more", "mostly")
    for row in rows:
        table.add_row(
            row["anomaly_id"][:10],
            row["severity"],
            row["feedback"] or row["state"],
            f"{row['dimension'].replace('_', ' ')} {row['dimension_value']}",
            f"{row['started_on']}",
            str((row["last_seen_on"] - row["started_on"]).days + 1),
            _money(row["expected_cost"]),
            _money(row["actual_cost"]),
            f"+{_money(row['impact_cost'])} {row['billing_currency']}",
            _mostly(row["drivers"]),
        )
    _print(table)
    click.echo("What moved in one of them: finops anomalies show ID")


@anomalies.command()
@click.argument("anomaly_id")
def show(anomaly_id: str) -> None:
    """Show an incident with its drivers and days. ANOMALY_ID may be shortened.

    Example: finops anomalies show 3f2a9c0d1e
    """
    from orchestration.lib.anomalies.shown import days_of, one

    row, days = _ask(
        lambda connection: ((found := one(connection, anomaly_id)), days_of(connection, found["anomaly_id"]))
    )
    currency = row["billing_currency"]
    click.echo(
        f"{row['severity']}, {row['feedback'] or row['state']}: {row['dimension'].replace('_', ' ')} {row['dimension_value']} cost "
        f"{_money(row['impact_cost'])} {currency} more than expected from {row['started_on']} to {row['last_seen_on']}"
    )
    table = _table("by", "what", f"change in {currency}", title="What moved")
    for level, drivers in row["breakdown"].items():
        for number, driver in enumerate(drivers):
            table.add_row(
                "" if number else level.replace("_", " "), driver["value"], _money(driver["change"], signed=True)
            )
    _print(table)
    table = _table("day", "expected", "cost", "more", title="Days")
    for day in days:
        table.add_row(
            str(day["charge_date"]),
            _money(day["expected_cost"]),
            _money(day["actual_cost"]),
            _money(day["impact_cost"], signed=True),
        )
    _print(table)


_REASON = click.option("--reason", required=True, help="Why, for those who read it later.")


@anomalies.command()
@click.argument("anomaly_id")
@_REASON
def ack(anomaly_id: str, reason: str) -> None:
    """Say that somebody looks after an incident: it is not told again.

    Example: finops anomalies ack 3f2a9c0d1e --reason "INC-104, Ada"
    """
    _judge(anomaly_id, "acknowledged", reason)
    click.echo("Acknowledged. It stays in the list of all until it is over.")


@anomalies.command("false")
@click.argument("anomaly_id")
@_REASON
def false_(anomaly_id: str, reason: str) -> None:
    """Say that an incident is none: the next of its series has to be half as much again beyond what is expected.

    Example: finops anomalies false 3f2a9c0d1e --reason "load test of each quarter"
    """
    _judge(anomaly_id, "false", reason)
    click.echo("Noted. From the next run on, its series has to rise higher to be told.")


@anomalies.command()
@click.argument("anomaly_id", required=False)
@click.option("--dimension", help="Level of what is expected, such as team, service or account.")
@click.option("--value", help="Value of the level.")
@click.option("--from", "first", type=_DAY, help="First day that will cost more.")
@click.option("--to", "last", type=_DAY, help="Last day of that.")
@_REASON
def expect(
    anomaly_id: str | None,
    dimension: str | None,
    value: str | None,
    first: datetime | None,
    last: datetime | None,
    reason: str,
) -> None:
    r"""Say that an incident was expected, or that days to come are: of one series, or of everything.

    \b
    Example: finops anomalies expect 3f2a9c0d1e --reason "migration"
             finops anomalies expect --dimension team --value payments --from 2026-11-23 --to 2026-11-30 --reason "Black Friday"
    """
    from orchestration.lib.anomalies.judged import expect_days

    if anomaly_id is not None:
        if first or last or dimension or value:
            raise click.UsageError(
                "An incident has its own days and series. Leave out --dimension, --value, --from and --to."
            )
        _judge(anomaly_id, "expected", reason)
        click.echo("Noted.")
        return
    if first is None or last is None or (dimension is None) != (value is None):
        raise click.UsageError(
            "Name an incident, or days with --from and --to, and --dimension and --value together for one series."
        )
    _ask(lambda connection: expect_days(connection, dimension, value, first.date(), last.date(), reason))
    click.echo("Noted. From the next run on, incidents that begin on these days are not told.")


def _judge(anomaly_id: str, verdict: str, reason: str) -> None:
    from orchestration.lib.anomalies.judged import judge

    _ask(lambda connection: judge(connection, anomaly_id, verdict, reason))


def _ask(question: Any) -> Any:
    import psycopg

    from orchestration.lib import postgres
    from orchestration.lib.anomalies.tables import ensure_anomalies

    with psycopg.connect(postgres.ensure_running()) as connection:
        ensure_anomalies(connection)
        return question(connection)


def _table(*columns: str, title: str | None = None) -> Any:
    from rich.table import Table

    table = Table(title=title, title_justify="left", header_style="bold")
    for name in columns:
        table.add_column(
            name,
            justify="right" if name in ("days", "expected", "cost", "more") or name.startswith("change") else "left",
        )
    return table


def _print(table: Any) -> None:
    from rich.console import Console

    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console.width = max(console.width, 200)  # a log has no edge to wrap at
    console.print(table, markup=False)


def _money(value: object, *, signed: bool = False) -> str:
    from decimal import Decimal

    return f"{Decimal(str(value)):{'+' if signed else ''},.2f}"


def _mostly(drivers: list[dict[str, str]]) -> str:
    named = next((driver for driver in drivers if driver["value"] != "other"), None)
    return f"{named['level'].replace('_', ' ')} {named['value']}" if named else ""
