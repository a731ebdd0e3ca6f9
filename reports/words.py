"""The sentences of a chargeback report: what the numbers say, how costs were shared, and what is not known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from reports.formatting import change, counted, day, growth, listed, money, month, month_before, percent, to_cents
from reports.statement import Report, Statement

BASES = {
    "effective_cost": (
        "effective cost",
        "What was used in the month, at its cost after all discounts: prepaid commitments are spread over what they "
        "cover, and their unused part is a cost of its own. It differs from the invoice whenever something is paid "
        "ahead.",
    ),
    "billed_cost": (
        "billed cost",
        "What the providers invoice for the month: prepayments count in full in the month in which they are invoiced.",
    ),
    "contracted_cost": (
        "contracted cost",
        "What was used in the month at negotiated prices, before commitments such as savings plans and reservations.",
    ),
    "list_cost": ("list cost", "What was used in the month at public prices, before every discount."),
}
"""The cost bases: their names, and what each of them counts."""
_MATCHES = {
    "charge_categories": "of the category {}",
    "service_names": "of the service {}",
    "sub_account_ids": "in the account {}",
    "teams": "of the team {}",
    "commitment_discount_status": "with the commitment status {}",
}


def brief(statement: Statement, report: Report) -> list[str]:
    """What a reader must know of a currency, in a few sentences."""
    return [sentence for sentence in (
        _total(statement, report), _adjusted(statement), _largest_team(statement), _largest_change(statement),
        _unallocated(statement), _bill(statement),
    ) if sentence]  # fmt: skip


def _total(statement: Statement, report: Report) -> str:
    basis, currency = BASES[report.basis][0], statement.currency
    before = month(month_before(report.period))
    if not report.complete:
        former = ""
        if statement.previous_total is not None:
            former = f" The whole of {before} came to {currency} {money(statement.previous_total)}."
        return f"So far the {basis} is {currency} {money(statement.total)}.{former}"
    if statement.previous_total is None:
        return (
            f"The {basis} is {currency} {money(statement.total)}. There are no charges of {before} to compare it with."
        )
    difference = statement.total - statement.previous_total
    if not to_cents(difference):
        return f"The {basis} is {currency} {money(statement.total)}, as in {before}."
    direction = "more" if difference > 0 else "less"
    share = growth(statement.total, statement.previous_total).lstrip("+\N{MINUS SIGN}")
    share = f" ({share})" if share[0].isdigit() else ""
    return (
        f"The {basis} is {currency} {money(statement.total)}: "
        f"{currency} {money(abs(difference))}{share} {direction} than in {before}."
    )


def _adjusted(statement: Statement) -> str:
    if not statement.adjustments:
        return ""
    months = listed([month(period) for period in sorted({line.period for line in statement.adjustments})])
    return f"{statement.currency} {change(statement.adjusted_total)} of it is for changes in {months}, closed before they came in."


def _largest_team(statement: Statement) -> str:
    if len(statement.teams) < 2 or statement.teams[0].total <= 0 or statement.total <= 0:
        return ""
    first = statement.teams[0]
    share = percent(first.total, statement.total)
    return f"{first.team} pays the most, {statement.currency} {money(first.total)} ({share} of the total)."


def _largest_change(statement: Statement) -> str:
    if not statement.changes:
        return ""
    first = statement.changes[0]
    service = first.name or "charges without a service"
    return f"The largest single change is {service} of {first.team}: {statement.currency} {change(first.change)}."


def _unallocated(statement: Statement) -> str:
    cost = statement.unallocated_cost
    if not to_cents(cost):
        return "Every charge has a team that pays for it."
    share = percent(cost, statement.total)
    whole = f" ({share} of the total)" if share[0].isdigit() else ""
    text = f"{statement.currency} {money(cost)}{whole} has no team"
    if not statement.accounts:
        return f"{text}."
    first = statement.accounts[0]
    name = f"{first.name} ({first.account_id})" if first.name else first.account_id or "no account"
    return f"{text}; the largest part, {statement.currency} {money(first.cost)}, is of the account {name}."


def _bill(statement: Statement) -> str:
    if statement.agrees:
        return f"The whole bill of {statement.currency} {money(statement.billed)} is charged back, to the last digit."
    wrong = [source.source for source in statement.sources if not source.agrees]
    return (
        f"The bill of {listed(wrong)} is not charged back in full: see the reconciliation before you use this report."
    )


def progress(report: Report) -> str:
    """How far the sources of an open month have come: `aws and azure up to 20 October 2026`."""
    days: dict[date, list[str]] = {}
    for line in report.open_sources:
        days.setdefault(line.last_day, []).append(line.source)
    return ", ".join(f"{listed(sources)} up to {day(last)}" for last, sources in sorted(days.items()))


def rule_in_words(rule: Mapping[str, Any]) -> str:
    """An allocation rule of the configuration as a sentence."""
    match = rule.get("match", {})
    conditions = [
        text.format(listed(list(map(str, match[key])), "or")) for key, text in _MATCHES.items() if match.get(key)
    ]
    dates = ""
    if rule.get("valid_from"):
        dates += f" from {day(date.fromisoformat(rule['valid_from']))}"
    if rule.get("valid_to"):
        dates += f" until before {day(date.fromisoformat(rule['valid_to']))}"
    held = f" It holds{dates}." if dates else ""
    return f"Charges {' and '.join(conditions)} {_division(rule)}.{held}"


def _division(rule: Mapping[str, Any]) -> str:
    """How a rule divides its pool: what follows `Charges …`."""
    span = rule.get("basis", "month")
    measure = str(rule.get("measure", "")).removesuffix("_cost")
    what = f"{rule.get('consumed_unit', '')} used" if measure == "consumed_quantity" else f"direct {measure} cost"
    shares = [f"{team} {share}" for team, share in rule.get("shares", {}).items()]
    return {
        "even": f"are shared by the teams in equal parts in the {span}",
        "fixed": f"are shared in fixed parts ({listed(shares)}); what they leave stays with its owner",
        "metric": f"are shared by the teams in proportion to {rule.get('driver')} in the {span}",
        "commitment_users": f"are shared by those who use the commitment, in proportion to their use in the {span}",
        "ai_usage": "are shared day by day by what each owner's usage of the same model costs",
        "split": f"are shared by what containers used of each resource in the {span}",
    }.get(str(rule.get("method")), f"are shared by the teams in proportion to their {what} in the {span}")


def notes(report: Report) -> list[str]:
    """What the reader should know that the numbers do not say."""
    found = []
    if report.open_sources:
        found.append(
            f"The month is not complete: charges are delivered for {progress(report)}, and nothing later. Totals will change, "
            "and changes against the month before are left out."
        )
    for statement in report.statements:
        currency = statement.currency or "(no currency)"
        found += [f"{currency}: {note}" for note in _notes_of_currency(statement, BASES[report.basis][0])]
    if len(report.statements) > 1:
        found.append("Currencies are never added together: each has a part of its own.")
    if report.mode == "showback":
        found.append("Showback: teams are shown what they cost, and nothing is charged to them.")
    if report.closed:
        found.append(
            f"The month was closed by {report.closed.closed_by}, and stays as it was signed; the sha256 of the signed rows is "
            f"{report.closed.content_hash}. What changes in it later is an adjustment in the first open month."
        )
    else:
        found.append(
            "A month may still change after it is complete: providers correct and credit for weeks. Until the month is closed, "
            "a later report of it replaces this one."
        )
    return found


def _notes_of_currency(statement: Statement, basis: str) -> Iterator[str]:
    missing = counted(sum(line.invoiced is None for line in statement.invoices), "invoice")
    if not missing.startswith("0"):
        yield f"{missing} of the month cannot be compared: no amount was entered under invoices in the configuration."
    if any(line.spans for line in statement.invoices):
        yield (
            "an invoice covers other months or sources too. Its difference is that of the whole invoice, not of this "
            "month's lines alone."
        )
    later = sum((line.charged_later for line in statement.sources), Decimal(0))
    if any(line.charged_later for line in statement.sources):
        yield (
            f"{change(later)} of the billed cost came in after the month was closed, and is an adjustment in a later month. Services "
            "and unallocated accounts are shown as they are known now, teams as they were signed."
        )
    late = sum((line.from_other_months for line in statement.sources), Decimal(0))
    if to_cents(late):
        yield f"{money(late)} of the billed cost belongs to this month but was delivered with another month."
    if statement.unknown_rows:
        yield f"the {basis} of {counted(statement.unknown_rows, 'row')} is not known and counts as nothing."
    for pool in statement.pools:
        if to_cents(pool.left_over):
            yield (
                f"{money(pool.left_over)} of the rule {pool.rule} could not be shared: no team has a direct cost "
                "to share it by."
            )
