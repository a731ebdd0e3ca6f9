"""`finops rules`: what allocation rules would take, and what rules on names decided."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.cli_options import CONFIG_OPTION

if TYPE_CHECKING:
    from rich.console import Console

    from orchestration.lib.config_models import AllocationRule
    from orchestration.lib.rule_check import Taken
    from orchestration.lib.rule_drivers import Gap


@click.group()
def rules() -> None:
    """The rules of cost allocation, and those that read owners out of names.

    Example: finops rules check
    """


@rules.command()
@CONFIG_OPTION
def check(config: Path | None) -> None:
    """Show which charges each rule of the file takes, which are taken twice or by none, and what pools cannot be divided by.

    Charges and their teams are those of the last run; rules and drivers those of the file. Costs are effective costs. Before the
    first run, what the rules and drivers themselves tell is shown.

    Example: finops rules check --config config/finops-config.yaml
    """
    from orchestration.lib import postgres
    from orchestration.lib.config import load_config
    from orchestration.lib.rule_check import has_charges, loaded_months, overlaps, taken_by_rules
    from orchestration.lib.rule_drivers import driver_gaps, owner_gaps
    from orchestration.lib.settings import active_config

    settings = load_config(config) if config else active_config()
    with postgres.connect(postgres.ensure_running()) as connection:
        is_built, months = has_charges(connection), loaded_months(connection)
        taken = taken_by_rules(connection, settings)
        gaps = [*driver_gaps(connection, settings, taken), *owner_gaps(connection, settings, taken)]
    console = console_of_rules()
    if is_built:
        _print_taken(console, settings.cost_allocation.rules, taken)
    else:
        console.print(_not_built(settings.cost_allocation.rules, months), style="yellow", soft_wrap=True)
    for overlap in overlaps(settings):
        if overlap.is_whole:
            text = (
                f"Shadowed: {overlap.rule.name} takes nothing that {overlap.earlier.name} does not take first. Narrow"
            )
            console.print(
                f"{text} {overlap.earlier.name}, put {overlap.rule.name} before it, or remove it.", style="yellow"
            )
        elif not is_built:
            console.print(f"Both match: what {overlap.earlier.name} and {overlap.rule.name} match goes to the first.")
    for rule, what, spans in _by_rule(gaps):
        console.print(
            f"{_WHAT_IS_MISSING[what].format(rule=rule, months=spans)} {_falls(rule)}", style="yellow", soft_wrap=True
        )
    if is_built and not gaps:
        console.print("Every pool has something to be divided by in each month.")


_WHAT_IS_MISSING = {
    "missing": "Driver missing: {rule.driver} has nothing for {months}.",
    "zero": "Driver zero: {rule.driver} adds up to 0 in {months}.",
    "nobody": "Nothing to divide by: in {months} nobody has what {rule.name} ({rule.method}) goes by, for all or some of its charges.",
}


def _falls(rule: AllocationRule) -> str:
    return f"The pool of {rule.name} goes {'evenly to the teams' if rule.fallback == 'even' else 'to nobody: it stays unallocated'}."


def _by_rule(gaps: Sequence[Gap]) -> list[tuple[AllocationRule, str, str]]:
    """One line for each rule and kind of gap, with its months."""
    lines = []
    for (_, what), group in groupby(gaps, key=lambda gap: (id(gap.rule), gap.what)):
        members = list(group)
        lines.append((members[0].rule, what, ", ".join(f"{gap.month:%Y-%m}" for gap in members)))
    return lines


def _not_built(rules: Sequence[AllocationRule], months: Sequence[date]) -> str:
    loaded = f"{_span(months)} is loaded, but not built" if months else "nothing is loaded"
    return (
        f"There are no charges yet ({loaded}), so that it cannot be told what the {len(rules)} rules take. Rules and drivers can be "
        "read, and fit together. Run `finops run`, and check again."
    )


def _print_taken(console: Console, rules: Sequence[AllocationRule], taken: Sequence[Taken]) -> None:
    from rich.table import Table

    table = Table(title="Charges by rule", title_justify="left", title_style="bold", header_style="bold")
    for heading in ("rule", "step", "charges", "currency", "cost", "months", ""):
        table.add_column(heading, justify="right" if heading in ("step", "charges", "cost") else "left")
    for rule in rules:
        mine = [item for item in taken if item.rule == rule]
        if not mine:
            table.add_row(rule.name, str(rule.step), "0", "", "", "", "takes nothing")
        for item in mine:
            note = f"taken first by {item.taken_by.name}" if item.taken_by else ""
            table.add_row(rule.name, str(rule.step), *_figures(item.lines, item.currency, item.cost, item.months), note)
    for item in taken:
        if item.rule is None:
            note = "taken by none" + (": stays with its team" if item.otherwise == "direct" else ", and has no owner")
            figures = _figures(item.lines, item.currency, item.cost, item.months)
            table.add_row(f"({item.otherwise})", "", *figures, note)
    console.print(table)


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
    return f"{lines:,}", currency, f"{cost:,.2f}", _span(months)


def _span(months: Sequence[date]) -> str:
    return f"{months[0]:%Y-%m}" if len(months) == 1 else f"{months[0]:%Y-%m} to {months[-1]:%Y-%m}"


def console_of_rules() -> Console:
    """A console for names that may hold brackets, wide where nobody sees an edge."""
    from rich.console import Console

    console = Console(markup=False, highlight=False)  # names of services and rules may hold brackets
    if not console.is_terminal:
        console.width = max(console.width, 160)  # a log has no edge to wrap at
    return console
