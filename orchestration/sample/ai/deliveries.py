"""Write the AI deliveries of a window, and count what is in them."""

from __future__ import annotations

import shutil
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from ..ai_truth import AiRestatement, AiTruth
from ..calendar import Month
from ..truth import ControlTotal, InvoiceTotal
from . import anthropic_pages, openai_pages
from .bedrock import Call
from .bedrock_logs import is_logged, write_logs
from .costs import Cost, costs_of
from .counting import Ledger, plain
from .planted import PRIORITY_TIER, Plan, plan_of, restated
from .savings import savings_of
from .traffic import ANTHROPIC, OPENAI, RENAMED
from .usage import Use, uses_of

# What is later stated anew lies here, and replaces what is below deliveries/.
RESTATEMENTS = "restatements"
_ISSUERS = {OPENAI: "OpenAI", ANTHROPIC: "Anthropic"}
_CENT = Decimal("0.01")
_SAVINGS_DAYS = 28


def write_ai(
    root: Path, window: list[Month], seed: int, calls: Iterable[Call]
) -> tuple[AiTruth, list[ControlTotal], list[InvoiceTotal]]:
    """Write pages of OpenAI and Anthropic and logs of Bedrock below `root`.

    Return what is true of them, the totals of the cost reports, and invoices.
    """
    plan = plan_of(window)
    ledger = Ledger()
    invoices: list[InvoiceTotal] = []
    recent: list[Use] = []
    totals: list[ControlTotal] = []
    since = plan.end - timedelta(days=_SAVINGS_DAYS)
    for month in window:
        uses = list(uses_of(month, plan.end, seed))
        costs = list(costs_of(uses, plan))
        ledger.add_month(uses, costs)
        rows = _write_month(root, month, uses, costs, plan)
        totals.extend(_total(provider, month, rows[provider], costs) for provider in _ISSUERS if rows[provider])
        recent.extend(use for use in uses if use.day > since)
        if month.closed:
            invoices.extend(_invoices(month, costs))
    calls = list(calls)
    logged = [call for call in calls if is_logged(call, plan.end)]
    write_logs(root / "deliveries" / "bedrock", logged)
    ledger.add_calls(calls, plan.end)
    truth = ledger.truth()
    truth.cost_rows, truth.log_records = sum(total.lines for total in totals), len(logged)
    truth.savings = savings_of(recent, [call for call in calls if call.day > since], plan)
    truth.restatements = list(_restate(root, window, seed, plan))
    if plan.renamed_from:
        truth.renamed = dict(RENAMED)
    return truth, totals, invoices


def apply_ai_restatement(out: Path) -> None:
    """Put the page files that are stated anew in the place of the former ones."""
    for provider in _ISSUERS:
        for later in sorted((out / RESTATEMENTS / provider).rglob("*.jsonl.gz")):
            place = out / "deliveries" / later.relative_to(out / RESTATEMENTS)
            arriving = place.with_name(f".{place.name}")
            shutil.copyfile(later, arriving)
            arriving.replace(place)


def _write_month(root: Path, month: Month, uses: list[Use], costs: list[Cost], plan: Plan) -> dict[str, int]:
    used: dict[tuple[str, date], list[Use]] = defaultdict(list)
    charged: dict[tuple[str, date], list[Cost]] = defaultdict(list)
    for use in uses:
        used[use.stream.provider, use.day].append(use)
    for cost in costs:
        charged[cost.stream.provider, cost.day].append(cost)
    openai, anthropic = (root / "deliveries" / provider for provider in (OPENAI, ANTHROPIC))
    rows = dict.fromkeys(_ISSUERS, 0)
    for number in range(month.days):
        day = month.first + timedelta(days=number)
        openai_pages.write_usage(openai, day, used[OPENAI, day])
        rows[OPENAI] += openai_pages.write_costs(openai, day, charged[OPENAI, day])
        anthropic_pages.write_usage(anthropic, day, used[ANTHROPIC, day], plan)
        rows[ANTHROPIC] += anthropic_pages.write_costs(anthropic, day, charged[ANTHROPIC, day])
        anthropic_pages.write_claude_code(anthropic, day, used[ANTHROPIC, day], charged[ANTHROPIC, day], plan)
    return rows


def _restate(root: Path, window: list[Month], seed: int, plan: Plan) -> Iterator[AiRestatement]:
    """Write what is stated anew: an hour of OpenAI with its costs, costs that came late, and costs that were missing."""
    complete = replace(plan, missing=None, end=date.max)
    openai, anthropic = (root / RESTATEMENTS / provider for provider in (OPENAI, ANTHROPIC))

    def day_of(day: date, provider: str) -> tuple[list[Use], list[Cost]]:
        month = next(month for month in window if month.first <= day <= month.last)
        uses = [use for use in uses_of(month, plan.end, seed) if use.day == day and use.stream.provider == provider]
        return uses, list(costs_of(uses, complete))

    _, late = day_of(plan.late, OPENAI)
    openai_pages.write_costs(openai, plan.late, late)
    yield AiRestatement(OPENAI, "costs", plan.late.isoformat(), 0, plain(_reported(late)))
    if plan.missing:
        _, missing = day_of(plan.missing, ANTHROPIC)
        anthropic_pages.write_costs(anthropic, plan.missing, missing)
        yield AiRestatement(ANTHROPIC, "cost_report", plan.missing.isoformat(), 0, plain(_reported(missing)))
    if plan.restated:
        day, hour = plan.restated
        former, costs = day_of(day, OPENAI)
        uses = [restated(use) if use.hour == hour and use.stream.kind == "completions" else use for use in former]
        later = list(costs_of(uses, complete))
        openai_pages.write_usage(openai, day, uses, ("completions",))
        openai_pages.write_costs(openai, day, later)
        tokens = sum(map(_tokens, uses)) - sum(map(_tokens, former))
        yield AiRestatement(OPENAI, "completions", day.isoformat(), tokens, "0")
        yield AiRestatement(OPENAI, "costs", day.isoformat(), 0, plain(_reported(later) - _reported(costs)))


def _tokens(use: Use) -> int:
    """Return how many tokens an hour has in all classes."""
    return sum(count for name, count in use.counts.items() if name.endswith("_tokens"))


def _reported(costs: Iterable[Cost]) -> Decimal:
    return sum((cost.reported for cost in costs if cost.reported is not None), Decimal(0))


def _total(provider: str, month: Month, lines: int, costs: list[Cost]) -> ControlTotal:
    cost = plain(_reported(cost for cost in costs if cost.stream.provider == provider))
    return ControlTotal(provider, month.label, "USD", month.closed, month.days, lines, cost, cost)


def _invoices(month: Month, costs: list[Cost]) -> Iterator[InvoiceTotal]:
    """Return the invoices of a month. Anthropic's has the priority tier, which its cost report leaves out."""
    for provider, issuer in _ISSUERS.items():
        own = [cost for cost in costs if cost.stream.provider == provider]
        delivered = _reported(own)
        beside = sum((cost.computed or Decimal(0) for cost in own if cost.kind == PRIORITY_TIER), Decimal(0))
        yield InvoiceTotal(
            provider,
            month.label,
            issuer,
            f"{issuer[:3].upper()}-{month.first:%Y%m}-0417",
            "USD",
            plain(delivered),
            plain((delivered + beside).quantize(_CENT)),
        )
