"""What the providers report that usage costs, beside what it costs at the catalogue's prices."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from .planted import (
    CODE_EXECUTION,
    CODE_EXECUTION_HOUR,
    LATE_REPORT,
    MISSING_PRICE,
    MISSING_REPORT,
    PRIORITY_TIER,
    ROUNDING,
    WEB_SEARCH,
    Plan,
)
from .prices import REQUESTS, SEARCHES, TUNED_MODEL, TUNED_PRICES, unit_price
from .traffic import ANTHROPIC, OPENAI, STREAMS, Stream
from .usage import Use

_CENT = Decimal("0.01")
_EXECUTOR = next(stream for stream in STREAMS if stream.provider == ANTHROPIC and stream.name == "assistant")


@dataclass(frozen=True)
class Cost:
    """One price class of a stream on a day, in US dollars.

    `computed` is the cost at the prices that the settings know, None where there is none; `reported` is None where the
    cost report has no line. `kind` names why they differ.
    """

    day: date
    stream: Stream
    price_class: str
    quantity: Decimal
    computed: Decimal | None
    reported: Decimal | None
    kind: str | None


def costs_of(uses: Iterable[Use], plan: Plan) -> Iterator[Cost]:
    """Return the costs of a month's usage, day by day in the order of the streams."""
    days: dict[tuple[date, Stream], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for use in uses:
        for name, count in use.counts.items():
            if name != REQUESTS:
                days[use.day, use.stream][name] += count
    for (day, stream), counts in sorted(days.items(), key=lambda entry: entry[0][0]):
        for name, count in counts.items():
            yield _cost(day, stream, name, count, plan)
        if stream == _EXECUTOR and day.weekday() == 0:
            hours = Decimal(day.day * 3)
            amount = None if day == plan.missing else hours * CODE_EXECUTION_HOUR
            if amount:
                yield Cost(day, stream, CODE_EXECUTION, hours, None, amount, CODE_EXECUTION)


def _cost(day: date, stream: Stream, price_class: str, count: int, plan: Plan) -> Cost:
    price = unit_price(stream.provider, stream.model, price_class, day, stream.tier, stream.long_context)
    computed = None if price is None else count * price * (1 - plan.discount(stream.model, day))
    reported, kind = computed, WEB_SEARCH if price_class == SEARCHES else None
    if stream.model == TUNED_MODEL:
        reported, kind = count * TUNED_PRICES[price_class], MISSING_PRICE
    if stream.kind == "embeddings" and computed is not None:
        reported, kind = computed.quantize(_CENT), ROUNDING
    if stream.provider == ANTHROPIC and stream.tier == "priority":
        reported, kind = None, PRIORITY_TIER
    elif stream.provider == ANTHROPIC and day == plan.missing:
        reported, kind = None, MISSING_REPORT
    elif stream.provider == OPENAI and day == plan.late:
        reported, kind = None, LATE_REPORT
    return Cost(day, stream, price_class, Decimal(count), computed, reported, kind)
