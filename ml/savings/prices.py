"""Prices of models as they are paid: by day, tier, context window and class, with negotiated discounts taken off."""

from __future__ import annotations

import re
from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from ml.savings.traffic import INPUT_CLASSES, Paid, Usage

if TYPE_CHECKING:
    import pandas as pd

_CACHE_CLASSES = frozenset(INPUT_CLASSES[1:])


class PriceBook:
    """The rows of config.ai_prices, asked by what is used. `paid`: as in `traffics`, so that both sides are what is charged."""

    def __init__(self, prices: pd.DataFrame, paid: Paid) -> None:
        self._paid = paid
        self._rows: dict[tuple[str, str, str], list[tuple[str | None, str, date, date, Decimal]]] = defaultdict(list)
        columns = [
            "provider",
            "model",
            "service_tier",
            "context_window",
            "price_class",
            "valid_from",
            "valid_to",
            "unit_price",
        ]
        for provider, model, tier, window, kind, first, end, price in prices[columns].itertuples(
            index=False, name=None
        ):
            window = window if isinstance(window, str) else None
            self._rows[provider, model, tier or "standard"].append((window, kind, first, end, Decimal(price)))
        self._of_day: dict[tuple[str, str, str, str | None, date], dict[str, Decimal]] = {}

    def windows(self, provider: str, model: str, tier: str) -> list[str]:
        """The context windows that have prices of their own."""
        return sorted({row[0] for row in self._rows.get((provider, model, tier), []) if row[0] is not None})

    def unit(self, provider: str, model: str, tier: str, window: str | None, day: date, kind: str) -> Decimal | None:
        """What one unit of a class costs; None where that is not known."""
        return self._day(provider, model, tier, window, day).get(kind)

    def cost(self, usage: Usage, provider: str, model: str, tier: str) -> Decimal | None:
        """What the usage would cost as usage of this model; None where a class of it has no price.

        A model that does not cache reads everything anew.
        """
        prices = self._day(provider, model, tier, usage.context_window, usage.day)
        total = (usage.requests or Decimal(0)) * prices.get("request_count", Decimal(0))
        for kind, quantity in usage.quantities.items():
            price = prices.get(kind)
            if price is None and kind in _CACHE_CLASSES:
                price = prices.get("uncached_input_tokens")
            if price is None:
                return None
            total += quantity * price
        return total if prices else None

    def _day(self, provider: str, model: str, tier: str, window: str | None, day: date) -> dict[str, Decimal]:
        """Class -> price. A price of the very context window goes before one that holds in any.

        Where the window is not told, the cheapest counts, so that no saving is too large.
        """
        key = (provider, model, tier, window, day)
        if key not in self._of_day:
            share = self._paid.get(provider, Decimal(1))
            rows = [row for row in self._rows.get(key[:3], []) if row[2] <= day < row[3]]
            found: dict[str, Decimal] = {}
            for of, kind, *_, price in sorted(rows, key=lambda row: (row[0] is not None, -row[4])):
                if of is None or of == window or (window is None and kind not in found):
                    found[kind] = price * share
                elif window is None:
                    found[kind] = min(found[kind], price * share)
            self._of_day[key] = found
        return self._of_day[key]


def canonical(model: str) -> str:
    """A model's name without what only one provider writes: regions, vendors, dates and versions of the deployment.

    >>> canonical("us.anthropic.claude-sonnet-4-5-20250929-v1:0")
    'claude-sonnet-4-5'
    """
    name = model.lower().rsplit("/", 1)[-1]
    name = re.sub(
        r"^((us|eu|apac|global|regional|jp|au)\.)?((amazon|anthropic|meta|mistral|cohere|openai)\.)?", "", name
    )
    name = re.sub(r"(-v\d+)?(:\d+)+$", "", name)
    name = re.sub(r"(-20\d{6}|-20\d\d-\d\d-\d\d)(-v\d+)?$|-latest$", "", name)
    return name.removesuffix("-0")
