"""Work out a chargeback report from the answers of the marts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date
from decimal import Decimal
from operator import itemgetter
from typing import Any

import psycopg

from reports import queries
from reports.ai import AI_COSTS, AI_RECONCILIATION, ai_report
from reports.anomalies import INCIDENT_DAYS, INCIDENTS, unusual_of
from reports.budgets import BUDGETS, budget_lines
from reports.completeness import read_progress
from reports.forecast import ACTUAL_DAYS, EXPECTED_DAYS, MONTH_ENDS, month_ends
from reports.formatting import counted, to_cents
from reports.queries import Question, Row, ask
from reports.recommendations import CALIBRATION, RECOMMENDATIONS, savings_of
from reports.statement import (
    UNALLOCATED,
    AccountLine,
    AdjustmentLine,
    Closed,
    InvoiceLine,
    PoolLine,
    Report,
    ServiceLine,
    SourceLine,
    Statement,
    TeamLine,
)

HISTORY_MONTHS = 14
"""How many months a report looks back on, its own included."""
_SHOWN_CHANGES = 8
_SHOWN_ACCOUNTS = 12
_SHOWN_INVOICES = 40


def read_report(connection: psycopg.Connection[Any], period: date) -> Report:
    """Work out the report of a billing month from the marts and the current configuration."""
    settings = queries.settings(connection)
    basis = settings.get("reports", {}).get("cost_basis", "effective_cost")
    top = settings.get("reports", {}).get("top_services", 10)
    question = Question.of(period, basis, HISTORY_MONTHS)
    answers = {
        "history": ask(connection, queries.TEAM_HISTORY, question),
        "services": ask(connection, queries.SERVICES, question),
        "unallocated": ask(connection, queries.UNALLOCATED, question),
        "pools": ask(connection, queries.POOLS, question),
        "sources": ask(connection, queries.SOURCES, question),
        "invoices": ask(connection, queries.INVOICES, question),
        "adjustments": ask(connection, queries.ADJUSTMENTS, question),
    }
    names = {row["account_id"]: row["account_name"] or "" for row in ask(connection, queries.ACCOUNT_NAMES, question)}
    progress = read_progress(connection, period)
    closed = next((_closed(row) for row in ask(connection, queries.CLOSED, question)), None)
    # While a month is open, a change against the whole month before it would say nothing.
    comparable = closed is not None or all(source.complete for source in progress)
    lines: dict[str, int] = defaultdict(int)
    for row in (*answers["sources"], *answers["adjustments"]):
        lines[row["billing_currency"]] += row.get("lines") or 0
    currencies = sorted(lines, key=lambda currency: (-lines[currency], currency))
    statements = []
    for currency in currencies:
        own = {name: [row for row in rows if row["billing_currency"] == currency] for name, rows in answers.items()}
        statements.append(_statement(currency, question, own, names, top=top, comparable=comparable))
    return Report(
        organization=settings.get("organization", {}).get("name", ""),
        period=period,
        basis=basis,
        mode=settings.get("chargeback", {}).get("mode", "chargeback"),
        closed=closed,
        progress=progress,
        statements=tuple(statements),
        budgets=budget_lines(ask(connection, BUDGETS, question)),
        ends=month_ends(
            ask(connection, MONTH_ENDS, question),
            ask(connection, ACTUAL_DAYS, question),
            ask(connection, EXPECTED_DAYS, question),
        ),
        unusual=unusual_of(ask(connection, INCIDENTS, question), ask(connection, INCIDENT_DAYS, question)),
        ai=ai_report(ask(connection, AI_COSTS, question), ask(connection, AI_RECONCILIATION, question)),
        savings=savings_of(ask(connection, RECOMMENDATIONS, question), ask(connection, CALIBRATION, question)),
        rules=tuple(settings.get("cost_allocation", {}).get("rules", ())),
    )


def _closed(row: Row) -> Closed:
    """In UTC, so that a page does not depend on where it is written."""
    return Closed(row["closed_at"].astimezone(UTC), row["closed_by"], row["content_hash"])


def _statement(
    currency: str,
    question: Question,
    answers: Mapping[str, list[Row]],
    names: Mapping[str, str],
    *,
    top: int,
    comparable: bool,
) -> Statement:
    history = answers["history"]
    now = [row for row in history if row["billing_period"] == question.period]
    before = [row for row in history if row["billing_period"] == question.previous]
    compared = bool(before) and comparable
    teams = _teams(now, before, compared=compared)
    services, other_services, changes = _services(answers["services"], compared=compared, top=top)
    accounts = sorted(_accounts(answers["unallocated"], names), key=lambda line: (-line.cost, line.account_id))
    invoices = sorted(
        (InvoiceLine(**{name: row[name] for name in InvoiceLine.__dataclass_fields__}) for row in answers["invoices"]),
        key=lambda line: (line.issuer, -line.delivered, line.invoice_id),
    )
    months = tuple(sorted({row["billing_period"] for row in history}))
    total, previous_total = _sum(now, "cost"), _sum(before, "cost")
    return Statement(
        currency=currency,
        total=total,
        previous_total=previous_total if before else None,
        change=total - previous_total if compared else None,
        billed=_sum(now, "billed_cost"),
        previous_billed=_sum(before, "billed_cost") if before else None,
        unknown_rows=sum(row["unknown_rows"] for row in now),
        teams=tuple(line for line in teams if line.team != UNALLOCATED),
        unallocated=next((line for line in teams if line.team == UNALLOCATED), None),
        services=services,
        other_services=other_services,
        changes=changes,
        accounts=tuple(accounts[:_SHOWN_ACCOUNTS]),
        other_accounts=_rest([line.cost for line in accounts[_SHOWN_ACCOUNTS:]]),
        sources=_sources(answers["sources"]),
        invoices=tuple(invoices[:_SHOWN_INVOICES]),
        other_invoices=_rest([line.delivered for line in invoices[_SHOWN_INVOICES:]]),
        pools=tuple(
            PoolLine(row["allocation_rule"], row["cost"], row["left_over"], row["teams"])
            for row in sorted(answers["pools"], key=lambda row: (-row["cost"], row["allocation_rule"]))
        ),
        adjustments=tuple(
            AdjustmentLine(row["period"], row["team"], row["close_hash"], row["cost"], row["markup"])
            for row in sorted(answers["adjustments"], key=itemgetter("period", "team"))
        ),
        months=months,
        history=_history(history, months),
    )


def _teams(now: Sequence[Row], before: Sequence[Row], *, compared: bool) -> list[TeamLine]:
    """Every team of this month, and of the one before where they are compared, the dearest first."""
    this = {row["team"]: row for row in now}
    former = {row["team"]: row["cost"] for row in before}
    nothing = Decimal(0)
    absent: Row = {"cost": nothing, "shared": nothing, "adjusted": nothing, "markup": nothing, "cost_centers": None}
    lines = []
    for team in this.keys() | (former.keys() if compared else set()):
        row = this.get(team, absent)
        centers = tuple(sorted(row["cost_centers"] or ()))
        previous = former.get(team, Decimal(0)) if compared else None
        own = row["cost"] - row["adjusted"]
        lines.append(
            TeamLine(team, centers, own - row["shared"], row["shared"], row["adjusted"], row["markup"], previous)
        )
    return sorted(lines, key=lambda line: (-line.total, line.team))


def _services(
    rows: Sequence[Row], *, compared: bool, top: int
) -> tuple[tuple[ServiceLine, ...], ServiceLine | None, tuple[ServiceLine, ...]]:
    """The dearest services, the sum of the others, and the largest changes by team and service."""
    by_service: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_service[row["service_name"]].append(row)
    services = [_service(name, members, compared=compared) for name, members in by_service.items()]
    services.sort(key=lambda line: (-line.cost, line.name))
    others = services[top:]
    rest = None
    if others:
        before = sum((line.previous or Decimal(0) for line in others), Decimal(0)) if compared else None
        rest = ServiceLine(
            counted(len(others), "other service"), "", sum((line.cost for line in others), Decimal(0)), before
        )
    direct = [row for row in rows if row["cost_type"] == "direct"] if compared else []
    changes = [_service(row["service_name"], [row], compared=True, team=row["team"]) for row in direct]
    changes.sort(key=lambda line: (-abs(line.change or Decimal(0)), line.team, line.name))
    shown = [line for line in changes[:_SHOWN_CHANGES] if to_cents(line.change or Decimal(0))]
    return tuple(services[:top]), rest, tuple(shown)


def _service(name: str, rows: Sequence[Row], *, compared: bool, team: str = "") -> ServiceLine:
    category = max(rows, key=lambda row: (abs(row["cost"]), row["service_category"]))["service_category"]
    return ServiceLine(name, category, _sum(rows, "cost"), _sum(rows, "previous") if compared else None, team)


def _accounts(rows: Sequence[Row], names: Mapping[str, str]) -> Iterable[AccountLine]:
    by_account: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in rows:
        by_account[row["source_name"], row["account_id"]].append(row)
    for (source, account_id), members in by_account.items():
        services = [row["service_name"] for row in sorted(members, key=lambda row: (-row["cost"], row["service_name"]))]
        yield AccountLine(source, account_id, names.get(account_id, ""), tuple(services), _sum(members, "cost"))


def _sources(rows: Sequence[Row]) -> tuple[SourceLine, ...]:
    lines = []
    for row in sorted(rows, key=itemgetter("source_name")):
        amounts = {name: row[name] or Decimal(0) for name in SourceLine.__dataclass_fields__ if name in row}
        lines.append(SourceLine(**{**amounts, "source": row["source_name"], "lines": int(row["lines"] or 0)}))
    return tuple(lines)


def _history(rows: Sequence[Row], months: Sequence[date]) -> dict[str, tuple[Decimal, ...]]:
    costs: dict[str, dict[date, Decimal]] = defaultdict(dict)
    for row in rows:
        costs[row["team"]][row["billing_period"]] = row["cost"]
    return {team: tuple(costs[team].get(month, Decimal(0)) for month in months) for team in sorted(costs)}


def _sum(rows: Iterable[Row], name: str) -> Decimal:
    return sum((row[name] for row in rows), Decimal(0))


def _rest(amounts: Sequence[Decimal]) -> tuple[int, Decimal]:
    return len(amounts), sum(amounts, Decimal(0))
