"""The commands `finops close` and `finops reopen`: sign a month, and take that back."""

from __future__ import annotations

from pathlib import Path

import click

from orchestration.cli_options import CONFIG_OPTION


@click.command()
@click.argument("month", required=False)
@click.option("--list", "show_list", is_flag=True, help="List every close there ever was instead.")
@click.option(
    "--accept-difference", "invoices", multiple=True, help="Id of an invoice whose difference is accepted. Repeatable."
)
@click.option("--reason", "reasons", multiple=True, help="Why; once for each accepted difference, in their order.")
@CONFIG_OPTION
def close(
    month: str | None, show_list: bool, invoices: tuple[str, ...], reasons: tuple[str, ...], config: Path | None
) -> None:
    """Sign a month: what teams pay for it is kept as it is, and what changes later is adjusted in the first open month.

    Example: finops close 2026-10 --accept-difference INV-7 --reason "rounding of the provider"
    """
    from orchestration.lib import postgres
    from orchestration.lib.close import close_and_report
    from orchestration.lib.config import load_config
    from orchestration.lib.months import first_day
    from orchestration.lib.settings import active_config

    if show_list:
        _list()
        return
    if month is None:
        raise click.UsageError("Which month? Example: finops close 2026-10")
    if len(invoices) != len(reasons):
        raise click.UsageError("Give one --reason for each --accept-difference.")
    first = first_day(month)
    chosen = load_config(config) if config else active_config()
    url = postgres.ensure_running()
    done, page = close_and_report(url, chosen, first, dict(zip(invoices, reasons, strict=True)))
    click.echo(f"{month} is closed: {done.row_count:,} rows, hash {done.content_hash}")
    for total in done.record["totals"]:
        what = f"adjustments of {total['adjusts_billing_period'][:7]}" if total["adjusts_billing_period"] else "charges"
        click.echo(
            f"  {total['source_name']}, {what}: {total['billing_currency']} {total['billed_cost']} billed,"
            f" {total['effective_cost']} effective"
        )
    if done.record["invoices_without_amount"]:
        click.echo(f"Not compared, as no amount was entered: {', '.join(done.record['invoices_without_amount'])}")
    click.echo(f"Report   {page}")


@click.command()
@click.argument("month")
@click.option("--reason", required=True, help="Why it is reopened.")
def reopen(month: str, reason: str) -> None:
    """Take back the close of the last closed month. What was signed is kept, beside the reason.

    Example: finops reopen 2026-10 --reason "an invoice was missing"
    """
    from orchestration.lib import postgres
    from orchestration.lib.close import reopen_month
    from orchestration.lib.months import first_day

    first = first_day(month)
    close_id = reopen_month(postgres.ensure_running(), first, reason)
    click.echo(f"{month} is open again (close {close_id} is taken back). `finops run` brings its figures up to date.")


def _list() -> None:
    import psycopg

    from orchestration.lib import ledger, postgres
    from orchestration.lib.close import list_closes
    from orchestration.lib.warehouse import ensure_warehouse

    with psycopg.connect(postgres.ensure_running(), autocommit=True, options=ledger.UTC) as connection:
        ensure_warehouse(connection)
        closes = list_closes(connection)
    if not closes:
        click.echo("No month was ever closed.")
    for one in closes:
        line = f"{one.close_id}  {one.billing_period:%Y-%m}  {one.closed_at:%Y-%m-%d %H:%M}  {one.closed_by}"
        line += f"  {one.row_count:,} rows  {one.content_hash}"
        if one.reopening is not None:
            line += f"  reopened {one.reopening.reopened_at:%Y-%m-%d %H:%M} by {one.reopening.reopened_by}: {one.reopening.reason}"
        click.echo(line)
