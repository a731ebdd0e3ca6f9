"""Count what was written: totals by month, team and model, by day, and where computed and reported costs differ."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from ..ai_truth import AiDifference, AiTotal, AiTruth
from .bedrock import Call
from .bedrock_bill import PROVIDER as BEDROCK
from .bedrock_logs import is_logged
from .costs import Cost
from .planted import CODE_EXECUTION, LATE_REPORT, LOGGING_OFF, MISSING_REPORT, WEB_SEARCH
from .prices import REQUESTS, SEARCHES, unit_price
from .traffic import DEFAULT_WORKSPACE
from .usage import Use

# Differences that a few days have are told by day; the others go on through the month.
_OF_DAYS = (MISSING_REPORT, LATE_REPORT)


@dataclass
class _Sum:
    counts: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    computed: Decimal = Decimal(0)
    reported: Decimal = Decimal(0)
    days: set[date] = field(default_factory=set)

    def add(self, day: date, computed: Decimal | None, reported: Decimal | None) -> None:
        """Count an amount in."""
        self.computed += computed or 0
        self.reported += reported or 0
        self.days.add(day)


class Ledger:
    """Sums of everything written so far."""

    def __init__(self) -> None:
        self._totals: dict[tuple[str, str, str, str], _Sum] = defaultdict(_Sum)
        self._days: dict[tuple[str, date, str], _Sum] = defaultdict(_Sum)
        self._differences: dict[tuple[str, str, str, str, str], _Sum] = defaultdict(_Sum)
        self._usage_rows = 0

    def add_month(self, uses: Iterable[Use], costs: Iterable[Cost]) -> None:
        """Count a month of OpenAI and Anthropic in."""
        for use in uses:
            stream = use.stream
            self._usage_rows += 1 + (SEARCHES in use.counts and stream.kind == "completions")
            self._count(stream.provider, use.day, stream.team, stream.model, use.counts)
        for cost in costs:
            stream = cost.stream
            model = "" if cost.price_class == CODE_EXECUTION else stream.model
            self._cost(stream.provider, cost.day, stream.team, model, cost.computed, cost.reported)
            if cost.kind:
                key = cost.kind, stream.provider, f"{cost.day:%Y-%m}", stream.project_id or DEFAULT_WORKSPACE, model
                self._differences[key].add(cost.day, cost.computed, cost.reported)

    def add_calls(self, calls: Iterable[Call], end: date) -> None:
        """Count calls on Bedrock in; what no log shows is a difference of the bill."""
        for call in calls:
            caller = call.caller
            cost = Decimal(0)
            for name, count in call.counts.items():
                cost += count * (unit_price(BEDROCK, caller.model, name, call.day) or 0)
            computed = cost if is_logged(call, end) else None
            if computed is not None:
                self._count(BEDROCK, call.day, call.team, caller.model_name, call.counts | {REQUESTS: 1})
            self._cost(BEDROCK, call.day, call.team, caller.model_name, computed, cost)
            if computed is None and cost:
                key = LOGGING_OFF, BEDROCK, f"{call.day:%Y-%m}", caller.account_id, caller.model_name
                self._differences[key].add(call.day, None, cost)

    def _count(self, provider: str, day: date, team: str, model: str, counts: dict[str, int]) -> None:
        for found in (self._totals[provider, f"{day:%Y-%m}", team, model], self._days[provider, day, team]):
            for name, count in counts.items():
                found.counts[name] += count

    def _cost(
        self, provider: str, day: date, team: str, model: str, computed: Decimal | None, reported: Decimal | None
    ) -> None:
        self._totals[provider, f"{day:%Y-%m}", team, model].add(day, computed, reported)
        self._days[provider, day, team].add(day, computed, reported)

    def truth(self) -> AiTruth:
        """Return the sums, in order."""
        truth = AiTruth(usage_rows=self._usage_rows)
        for (provider, period, team, model), found in sorted(self._totals.items()):
            counts = dict(sorted(found.counts.items()))
            total = AiTotal(provider, period, team, model or None, counts, plain(found.computed), plain(found.reported))
            truth.totals.append(total)
        for (provider, day, team), found in sorted(self._days.items()):
            tokens = sum(count for name, count in found.counts.items() if name.endswith("_tokens"))
            teams = truth.days.setdefault(provider, {}).setdefault(day.isoformat(), {})
            teams[team] = tokens, plain(found.computed), plain(found.reported)
        for (kind, provider, period, project, model), found in sorted(self._differences.items()):
            if found.computed == found.reported and kind != WEB_SEARCH:
                continue
            days = sorted(day.isoformat() for day in found.days) if kind in _OF_DAYS else []
            truth.differences.append(
                AiDifference(
                    kind,
                    provider,
                    period,
                    project,
                    model or None,
                    plain(found.computed),
                    plain(found.reported),
                    days,
                )
            )
        return truth


def plain(amount: Decimal) -> str:
    """Return an amount as text without trailing zeros and without an exponent."""
    return format(amount.normalize(), "f")
