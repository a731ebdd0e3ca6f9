"""`finops rules`: what allocation rules would take, and what rules on names decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.cli_options import CONFIG_OPTION

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
    console = console_of_rules()
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


def _figures(lines: int, currency: str, cost: Decimal, months: Sequence[date]) -> tuple[str, str, str, str]:
    span = f"{months[0]:%Y-%m}" if len(months) == 1 else f"{months[0]:%Y-%m} to {months[-1]:%Y-%m}"
    return f"{lines:,}", currency, f"{cost:,.2f}", span


def console_of_rules() -> Console:
    """A console for names that may hold brackets, wide where nobody sees an edge."""
    from rich.console import Console

    console = Console(markup=False, highlight=False)  # names of services and rules may hold brackets
    if not console.is_terminal:
        console.width = max(console.width, 160)  # a log has no edge to wrap at
    return console
