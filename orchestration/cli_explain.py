"""`finops explain`: why a team pays what it pays, as tables whose sums are those of the report."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from orchestration.cli_rules import console_of_rules
from orchestration.lib.config_document import nearest
from orchestration.lib.errors import FinopsError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from orchestration.lib.explanation import Amount, Explanation, PoolPart, ServiceCharges


@click.command()
@click.argument("team")
@click.argument("month")
@click.option("--service", help="Go down to the charges of one service, by resource.")
@click.option("--top", type=click.IntRange(1, 1000), default=10, show_default=True, help="Rows before the rest row.")
@click.option("--basis", type=click.Choice(["effective_cost", "billed_cost", "contracted_cost", "list_cost"]))
def explain(team: str, month: str, service: str | None, top: int, basis: str | None) -> None:
    """Show why TEAM pays what it pays in MONTH: by service, its own and its part of what is shared, and each pool with the reason.

    Example: finops explain Search 2026-10 --service "AWS Lambda"
    """
    from orchestration.lib import postgres
    from orchestration.lib.explanation import charges_of, explanation_of
    from orchestration.lib.settings import active_config

    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month):
        raise FinopsError(f"{month!r} is no month: write it as 2026-10")
    chosen = basis or active_config().reports.cost_basis
    day = date.fromisoformat(f"{month}-01")
    console = console_of_rules()
    with postgres.connect(postgres.ensure_running()) as connection:
        found = explanation_of(connection, team, day, chosen)
        if service is None:
            for part in found:
                _print_team(console, team, month, chosen, part, top)
            return
        names = [name for part in found for name in part.services]
        if service not in names:
            raise FinopsError(
                f"{team} pays for no {service!r} in {month}.{nearest(service, names)} Services: {', '.join(dict.fromkeys(names))}"
            )
        for part in found:
            if service in part.services:
                charges = charges_of(connection, team, day, chosen, part, service)
                _print_service(console, team, month, chosen, part, service, charges, top)


def _print_team(console: Console, team: str, month: str, basis: str, part: Explanation, top: int) -> None:
    _print_title(console, team, month, basis, part)
    _print_services(console, part, top)
    _print_reasons(console, team, part)
    for pool in part.pools:
        _print_pool(console, team, pool, top)
    console.print("Down to the charges of one service: finops explain TEAM MONTH --service NAME", style="dim")


def _print_title(console: Console, team: str, month: str, basis: str, part: Explanation) -> None:
    console.print()
    console.print(
        f"{team} pays {part.currency} {part.total:,.2f} in {month} ({basis.replace('_', ' ')})",
        style="bold",
        soft_wrap=True,
    )


def _print_services(console: Console, part: Explanation, top: int) -> None:
    table = _table("by service", "service", "own", "part of shared", "together")
    rows = [(name, part.own.get(name, Decimal(0)), part.shared.get(name, Decimal(0))) for name in part.services]
    adjusted = [("adjustments of closed months", part.other, Decimal(0))] if part.other else []
    shown = [*_with_rest(rows, top), *adjusted]
    digits = _digits([amount for _, *amounts in rows for amount in amounts] + [part.other])
    for name, own, shared in shown:
        table.add_row(name, _money(own, digits), _money(shared, digits), _money(own + shared, digits))
    own, shared = _sums(shown)
    table.add_section()
    table.add_row("total", _money(own, digits), _money(shared, digits), _money(own + shared, digits))
    console.print()
    console.print(table)
    _print_check(console, own + shared, part)


def _print_check(console: Console, total: Decimal, part: Explanation) -> None:
    if total == part.total:
        console.print(
            f"✓ The total is what the chargeback report says, to the last digit: {part.currency} {_money(total)}",
            style="green",
            soft_wrap=True,
        )
    else:
        raise AssertionError(f"the explanation adds up to {total}, the chargeback report to {part.total}")


def _print_reasons(console: Console, team: str, part: Explanation) -> None:
    table = _table("by reason", "reason", "cost of all teams", f"part of {team}", "cost")
    pools = [pool.cost for pool in part.pools]
    own = sum(part.own.values(), Decimal(0))
    digits = _digits([own, part.other, *pools, *(pool.total for pool in part.pools)])
    table.add_row("own costs", "", "", _money(own, digits))
    for pool in part.pools:
        table.add_row(f"shared by {pool.rule}", _money(pool.total, digits), _share(pool), _money(pool.cost, digits))
    if part.other:
        table.add_row("adjustments of closed months", "", "", _money(part.other, digits))
    table.add_section()
    table.add_row("total", "", "", _money(part.total, digits))
    console.print()
    console.print(table)


def _print_pool(console: Console, team: str, pool: PoolPart, top: int) -> None:
    """Why the team has this part, origin by origin, and what the pool is made of."""
    why = _table(f"{pool.rule}: why", "origin", "way", "divided", "share", "cost")
    why.columns[1].justify = why.columns[2].justify = "left"
    digits = _digits([origin.cost for origin in pool.origins])
    for origin in pool.origins[:top]:
        why.add_row(origin.name, origin.path, origin.driver, f"{origin.share:.6%}", _money(origin.cost, digits))
    if rest := pool.origins[top:]:
        why.add_row(f"{len(rest)} more", "", "", "", _money(sum((o.cost for o in rest), Decimal(0)), digits))
    why.add_section()
    why.add_row(f"{team}'s part", "", "", "", _money(pool.cost, digits))
    console.print()
    console.print(why)
    _print_amounts(console, f"{pool.rule}: what it is made of", "service", team, pool.services, top)


def _print_amounts(console: Console, title: str, what: str, team: str, amounts: Sequence[Amount], top: int) -> None:
    table = _table(title, what, "cost of all teams", f"{team}'s part")
    rows = [(amount.name, amount.total, amount.cost) for amount in amounts]
    digits = _digits([amount for _, *costs in rows for amount in costs])
    for name, total, cost in _with_rest(rows, top):
        table.add_row(name, _money(total, digits), _money(cost, digits))
    total, cost = _sums(rows)
    table.add_section()
    table.add_row("together", _money(total, digits), _money(cost, digits))
    console.print()
    console.print(table)


def _print_service(
    console: Console,
    team: str,
    month: str,
    basis: str,
    part: Explanation,
    service: str,
    charges: ServiceCharges,
    top: int,
) -> None:
    _print_title(console, team, month, basis, part)
    own, shared = part.own.get(service, Decimal(0)), part.shared.get(service, Decimal(0))
    found = sum((a.cost for amounts in (charges.own, *charges.shared.values()) for a in amounts), Decimal(0))
    if found != own + shared:
        raise AssertionError(f"the charges of {service} add up to {found}, the explanation to {own + shared}")
    if charges.own:
        _print_amounts(console, f"{service}: {team}'s own charges", "charge", team, charges.own, top)
    for rule, amounts in charges.shared.items():
        _print_amounts(console, f"{service}: charges shared by {rule}", "charge", team, amounts, top)
    console.print(
        f"✓ {service}: own {_money(own)} + shared {_money(shared)} = {part.currency} {_money(own + shared)}, "
        f"of {team}'s {_money(part.total)} in all",
        style="green",
        soft_wrap=True,
    )


def _table(title: str, first: str, *amounts: str) -> Table:
    """A table whose first column is words, and the others amounts that stand below each other."""
    from rich.table import Table

    table = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    table.add_column(first, overflow="fold")
    for heading in amounts:
        table.add_column(heading, justify="right")
    return table


def _with_rest(rows: Sequence[tuple[str, Decimal, Decimal]], top: int) -> list[tuple[str, Decimal, Decimal]]:
    rest = rows[top:]
    if not rest:
        return list(rows)
    return [*rows[:top], (f"{len(rest)} more", *_sums(rest))]


def _sums(rows: Sequence[tuple[str, Decimal, Decimal]]) -> tuple[Decimal, Decimal]:
    return sum((first for _, first, _ in rows), Decimal(0)), sum((second for _, _, second in rows), Decimal(0))


def _share(pool: PoolPart) -> str:
    return f"{pool.cost / pool.total:.4%}" if pool.total else ""


def _digits(amounts: Sequence[Decimal]) -> int:
    """So many decimals show every digit of all amounts, two at least."""
    return max([2, *(-int(amount.normalize().as_tuple().exponent) for amount in amounts if amount)])


def _money(amount: Decimal, digits: int | None = None) -> str:
    return f"{amount:,.{_digits([amount]) if digits is None else digits}f}"
