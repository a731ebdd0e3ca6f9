"""The commands `finops recommendations`: what could be saved, and what became of it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from orchestration.lib.errors import FinopsError

if TYPE_CHECKING:
    import psycopg
    from rich.console import Console

DAY = click.DateTime(["%Y-%m-%d"])
_ID = click.argument("recommendation_id")


@click.group()
def recommendations() -> None:
    """What could be saved, and what became of it. A recommendation is named by its id, or by the beginning of it.

    Example: finops recommendations list --team Checkout
    """


@recommendations.command(name="list")
@click.option("--team", help="Only those of a team.")
@click.option("--kind", help="Only those of a kind, such as right_sizing.")
@click.option(
    "--state", type=click.Choice(["open", "accepted", "dismissed", "done", "verified"]), help="Only those in a state."
)
@click.option(
    "--all",
    "everything",
    is_flag=True,
    help="Also those that do not count: excluded by another, for later, dismissed or done.",
)
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True, help="How many rows at most.")
def list_(team: str | None, kind: str | None, state: str | None, everything: bool, limit: int) -> None:
    """List what counts, what saves most first. Those of others and those that another excludes are shown with --all.

    Example: finops recommendations list --state accepted
    """
    from orchestration.lib.recommendation_list import listed, totals

    with _warehouse() as connection:
        rows = listed(connection, team=team, kind=kind, state=state, everything=everything)
        sums = totals(rows)
    if not rows:
        click.echo("There is none.")
        return
    console = _console()
    table = _table(
        "id", "kind", "what", "change to", "team", "saving a month", "counts", "effort", "risk", "sure", "state"
    )
    for row in rows[:limit]:
        table.add_row(
            row["recommendation_id"][:8],
            row["kind"],
            row["resource_id"] or row["current"],
            row["proposed"],
            row["team"] or "",
            f"{row['monthly_saving']:,.2f} {row['currency']}",
            "yes" if row["is_counted"] else f"no: {row['why_not_counted']}",
            row["effort"],
            row["risk"],
            row["confidence"],
            row["state"],
        )
    console.print(table, markup=False)
    if len(rows) > limit:
        click.echo(f"{len(rows) - limit} more: --limit {len(rows)}")
    for currency, total in sums:
        click.echo(f"All that count would save {total:,.2f} {currency} a month, nothing twice.")


@recommendations.command()
@_ID
def show(recommendation_id: str) -> None:
    """Show all that is known of one: why, what it rests on, how to do it, and what became of it.

    Example: finops recommendations show 3fa85f64
    """
    from orchestration.lib.recommendation_list import described

    with _warehouse() as connection:
        facts, events = described(connection, recommendation_id)
    console = _console()
    table = _table("", "")
    table.show_header = False
    for name, value in facts:
        table.add_row(name, value)
    console.print(table, markup=False)
    history = _table("day", "state", "by", "why", "until")
    for event in events:
        history.add_row(*event)
    console.print(history, markup=False)


@recommendations.command()
@_ID
@click.option("--reason", help="Why, for those who ask later.")
def accept(recommendation_id: str, reason: str | None) -> None:
    """Say that it will be done. It counts before all that it excludes.

    Example: finops recommendations accept 3fa85f64
    """
    _decide(recommendation_id, "accepted", reason=reason)


@recommendations.command()
@_ID
@click.option("--reason", required=True, help="Why it is not done.")
@click.option("--until", type=DAY, help="Show it again from this day on. Default: never.")
def dismiss(recommendation_id: str, reason: str, until: datetime | None) -> None:
    """Say that it will not be done. It is not shown until the day that is given, and what it excluded may count.

    Example: finops recommendations dismiss 3fa85f64 --reason "Needed for the sale in January" --until 2027-02-01
    """
    _decide(recommendation_id, "dismissed", reason=reason, until=until)


@recommendations.command()
@_ID
@click.option("--on", type=DAY, help="Day of the change. Default: today.")
@click.option("--reason", help="What was done, where it is not just that.")
def done(recommendation_id: str, on: datetime | None, reason: str | None) -> None:
    """Say that it is done. What it saves is measured on the days after, and shown by finops recommendations realised.

    Example: finops recommendations done 3fa85f64 --on 2026-11-02
    """
    if on is not None and on.date() > datetime.now(UTC).date():
        raise FinopsError(f"--on {on:%Y-%m-%d} is yet to come: say that it is done once it is.")
    _decide(recommendation_id, "done", reason=reason, on=on)


@recommendations.command()
def realised() -> None:
    """Show what changes that are done really saved, and how far what was promised holds by kind.

    Example: finops recommendations realised
    """
    from orchestration.lib.recommendation_list import calibration, measured

    with _warehouse() as connection:
        rows, kinds = measured(connection), calibration(connection)
    if not rows:
        click.echo("Nothing is done yet: finops recommendations done ID")
        return
    console = _console()
    table = _table("id", "kind", "what", "done on", "days", "promised a month", "saves a month", "how it is measured")
    for row in rows:
        saved = row["realised_monthly_saving"]
        table.add_row(
            row["recommendation_id"][:8],
            row["kind"],
            row["resource_id"] or "",
            str(row["done_on"]),
            str(row["days_after"]),
            f"{row['predicted_monthly_saving']:,.2f} {row['currency']}",
            "" if saved is None else f"{saved:,.2f} {row['currency']}",
            ", ".join(filter(None, (row["method"], row["note"]))),
        )
    console.print(table, markup=False)
    for row in kinds:
        share = "" if row["realised_share"] is None else f", {100 * row['realised_share']:.0f} % of what was promised"
        click.echo(
            f"{row['kind']}: {row['realised_monthly_saving']:,.2f} {row['currency']} a month{share}; "
            f"{row['changes_in_band']} of {row['changes']} in their band"
        )


def _decide(
    recommendation_id: str, state: Any, *, until: datetime | None = None, on: datetime | None = None, **why: Any
) -> None:
    from orchestration.lib.recommendation_states import decide

    with _warehouse() as connection:
        key = decide(
            connection,
            recommendation_id,
            state,
            until=until.date() if until else None,
            on=on.date() if on else None,
            **why,
        )
    click.echo(f"{key[:8]} is {state}" + (f" until {until:%Y-%m-%d}" if until else ""))


def _warehouse() -> psycopg.Connection[Any]:
    """The warehouse, with what recommendations need."""
    import psycopg

    from orchestration.lib import postgres
    from orchestration.lib.warehouse import ensure_warehouse

    connection = psycopg.connect(postgres.ensure_running())
    ensure_warehouse(connection)
    connection.commit()
    return connection


def _console() -> Console:
    from rich.console import Console

    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console.width = max(console.width, 200)  # a log has no edge to wrap at
    return console


def _table(*names: str) -> Any:
    from rich.table import Table

    table = Table(header_style="bold")
    for name in names:
        table.add_column(name, justify="right" if name.endswith("a month") else "left", overflow="fold")
    return table
