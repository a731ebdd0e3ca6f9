"""`finops rules` and `finops explain`: what allocation rules would take, and why a team pays what it pays."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.cli_options import CONFIG_OPTION
from orchestration.lib.errors import FinopsError

if TYPE_CHECKING:
    from rich.console import Console


@click.group()
def rules() -> None:
    """The rules of cost allocation, and those that read owners out of names.

    Example: finops rules check
    """


@rules.command()
@CONFIG_OPTION
def check(config: Path | None) -> None:
    """Show which of the delivered charges each rule of the file takes, before a run does it.

    Charges and their teams are those of the last run; rules and drivers those of the file. Costs are effective costs.

    Example: finops rules check --config config/finops-config.yaml
    """
    from rich.table import Table

    from orchestration.lib import postgres
    from orchestration.lib.config import load_config
    from orchestration.lib.rule_check import driver_gaps, taken_by_rules
    from orchestration.lib.settings import active_config

    settings = load_config(config) if config else active_config()
    with postgres.connect(postgres.ensure_running()) as connection:
        taken = taken_by_rules(connection, settings)
        gaps = driver_gaps(connection, settings, taken)
    console = _console()
    table = Table(
        "rule", "step", "charges", "currency", "cost", "months", "", title="Charges by rule", title_justify="left"
    )
    for rule in settings.cost_allocation.rules:
        mine = [item for item in taken if item.rule == rule]
        if not mine:
            table.add_row(rule.name, str(rule.step), "0", "", "", "", "takes nothing")
        for item in mine:
            note = f"taken first by {item.taken_by.name}" if item.taken_by else ""
            table.add_row(rule.name, str(rule.step), *_figures(item.lines, item.currency, item.cost, item.months), note)
    for item in taken:
        if item.rule is None:
            table.add_row(f"({item.otherwise})", "", *_figures(item.lines, item.currency, item.cost, item.months), "")
    console.print(table)
    for gap in gaps:
        falls = "evenly to the teams" if gap.rule.fallback == "even" else "to nobody: it stays unallocated"
        console.print(
            f"Driver {gap.what}: {gap.rule.driver} has nothing for {gap.month:%Y-%m}. The pool of {gap.rule.name} goes {falls}.",
            style="yellow",
        )
    if not gaps:
        console.print("Every driver has quantities for the months in which it is needed.")


@rules.command()
def usage() -> None:
    """Show what each virtual tag rule decided in the last run, and which never matched or are shadowed by another.

    Example: finops rules usage
    """
    from orchestration.lib import postgres
    from orchestration.lib.virtual_tag_report import rule_usage, usage_text

    with postgres.connect(postgres.ensure_running()) as connection:
        click.echo(usage_text(rule_usage(connection)))


@click.command()
@click.argument("team")
@click.argument("month")
@click.option("--top", type=click.IntRange(1, 1000), default=10, show_default=True, help="Rows before the rest row.")
@click.option("--basis", type=click.Choice(["effective_cost", "billed_cost", "contracted_cost", "list_cost"]))
def explain(team: str, month: str, top: int, basis: str | None) -> None:
    """Show why TEAM pays what it pays in MONTH: its own costs by service, and its part of each pool with the reason.

    Example: finops explain Search 2026-10 --top 5
    """
    from rich.table import Table

    from orchestration.lib import postgres
    from orchestration.lib.explanation import explanation_of
    from orchestration.lib.settings import active_config

    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise FinopsError(f"{month!r} is no month: write it as 2026-10")
    chosen = basis or active_config().reports.cost_basis
    with postgres.connect(postgres.ensure_running()) as connection:
        found = explanation_of(connection, team, date.fromisoformat(f"{month}-01"), chosen)
    console = _console()
    for part in found:
        title = f"{team}, {month}, {part.currency}, {chosen.replace('_', ' ')}: {_money(part.total)}"
        console.print(title, style="bold")
        own = Table("own costs by service", "cost")
        for name, cost in _top([(line.name, line.cost) for line in part.services], top):
            own.add_row(name, _money(cost))
        own.add_section()
        own.add_row("own costs", _money(part.own))
        console.print(own)
        for pool in part.pools:
            shared = Table("part of", "way", "driver", "share", "cost", title=pool.rule, title_justify="left")
            for origin in pool.origins[:top]:
                shared.add_row(origin.name, origin.path, origin.driver, f"{origin.share:.8%}", _money(origin.cost))
            if rest := pool.origins[top:]:
                shared.add_row(f"{len(rest)} more", "", "", "", _money(sum((o.cost for o in rest), Decimal(0))))
            shared.add_section()
            shared.add_row(f"{team}'s part of {pool.rule}", "", "", "", _money(pool.cost))
            console.print(shared)
            charges = Table(f"charges of the pool {pool.rule}", "cost of all teams")
            for name, cost in _top([(charge.name, charge.cost) for charge in pool.made_of], top):
                charges.add_row(name, _money(cost))
            charges.add_section()
            charges.add_row("the pool", _money(pool.total))
            console.print(charges)
        if part.other:
            console.print(f"Adjustments that are in the chargeback of the month: {_money(part.other)}")


def _top(rows: Sequence[tuple[str, Decimal]], count: int) -> list[tuple[str, Decimal]]:
    rest = rows[count:]
    return [*rows[:count], *([(f"{len(rest)} more", sum((cost for _, cost in rest), Decimal(0)))] if rest else [])]


def _figures(lines: int, currency: str, cost: Decimal, months: Sequence[date]) -> tuple[str, str, str, str]:
    span = f"{months[0]:%Y-%m}" if len(months) == 1 else f"{months[0]:%Y-%m} to {months[-1]:%Y-%m}"
    return f"{lines:,}", currency, f"{cost:,.2f}", span


def _money(amount: Decimal) -> str:
    """Every digit that there is, two at least."""
    text = f"{amount.normalize():,f}"
    whole, _, digits = text.partition(".")
    return f"{whole}.{digits.ljust(2, '0')}"


def _console() -> Console:
    from rich.console import Console

    console = Console(markup=False, highlight=False)  # names of services and rules may hold brackets
    if not console.is_terminal:
        console.width = max(console.width, 160)  # a log has no edge to wrap at
    return console
