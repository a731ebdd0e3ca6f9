"""Lines of AWS's bill for the calls on Bedrock: one per day, account, caller and kind of token."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal

from ..ai_truth import AiDifference
from ..bill import Bill, Sums
from ..calendar import DAY_MS, Month, milliseconds
from ..catalogue import Sku
from ..charges import USAGE, Charge
from ..lines import LineList, Lines
from ..units import SCALE, to_text
from .bedrock import MILLIONS_SINCE, Call, Caller
from .planted import LOGGING_OFF
from .prices import CACHE_READ, CACHE_WRITE_5M, OUTPUT, UNCACHED, unit_price

_NAMES = {
    "claude-haiku-4-5": "Claude4.5Haiku",
    "claude-sonnet-4-5": "Claude4.5Sonnet",
    "nova-pro": "NovaPro",
    "nova-lite": "NovaLite",
}
_METERS = {
    UNCACHED: "input-tokens",
    OUTPUT: "output-tokens",
    CACHE_READ: "cache-read-input-token-count",
    CACHE_WRITE_5M: "cache-write-input-token-count",
}
_REGION_PREFIX = {"eu-west-1": "EU", "us-east-1": "USE1"}
PROVIDER = "aws"


def bill_lines(bill: Bill, calls: Iterable[Call], end: date) -> Lines:
    """Return the lines of some calls. A call that was throttled has no tokens and costs nothing."""
    days: dict[tuple[date, Caller, str], int] = defaultdict(int)
    for call in calls:
        for name, count in call.counts.items():
            days[call.day, call.caller, name] += count
    single = LineList()
    for (day, caller, name), tokens in sorted(days.items(), key=lambda entry: entry[0][0]):
        price = _price(caller, name, day)
        millions = day >= end - timedelta(days=MILLIONS_SINCE)
        account = next(one for one in bill.estate.source.accounts if one.account_id == caller.account_id)
        sku = _sku(caller, name, price, millions)
        charge = Charge(USAGE, account, sku, caller.region, caller.resource_arn, principal=caller.role_arn)
        cost = int(tokens * price * SCALE)
        begin = milliseconds(day)
        single.add(
            bill.profile(charge, caller.name, sku.unit),
            (begin, begin + DAY_MS),
            billed=cost,
            effective=cost,
            quantity=tokens / (1_000_000 if millions else 1_000),
        )
    return single.lines()


def unlogged(bill: Bill, sums: Sums, month: Month) -> list[AiDifference]:
    """What the estate's own resources of Bedrock cost before discounts: their account never logs its calls."""
    costs: dict[str, int] = defaultdict(int)
    for index, charge in enumerate(bill.charges[: bill.estate.size]):
        if charge.sku.code == "AmazonBedrock" and index < len(sums.billed):
            costs[charge.account.account_id] += int(sums.billed[index])
    return [
        AiDifference(LOGGING_OFF, PROVIDER, month.label, account, None, "0", to_text(cost), [])
        for account, cost in costs.items()
    ]


def _price(caller: Caller, name: str, day: date) -> Decimal:
    price = unit_price(PROVIDER, caller.model, name, day)
    if price is None or price * SCALE != int(price * SCALE):
        raise ValueError(f"no exact price of {name} for {caller.model}")
    return price


def _sku(caller: Caller, name: str, price: Decimal, millions: bool) -> Sku:
    model = next(title for part, title in _NAMES.items() if part in caller.model)
    world = "-cross-region-global" if caller.model.startswith("global.") else ""
    return Sku(
        "AmazonBedrock",
        "Amazon Bedrock",
        "AI and Machine Learning",
        "Generative AI",
        "Models",
        f"{_REGION_PREFIX[caller.region]}-{model}-{_METERS[name]}{world}",
        caller.operation,
        "1M tokens" if millions else "1K tokens",
        float(price * (1_000_000 if millions else 1_000)),
        resource_type="Inference Profile",
    )
