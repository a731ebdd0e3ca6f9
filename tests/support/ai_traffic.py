"""AI usage and prices as frames, small enough to compute by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pandas as pd

from ml.savings.ai import recommend
from ml.savings.inputs import Inputs
from ml.savings.prices import PriceBook
from ml.savings.recommendation import Recommendation, Window
from ml.savings.settings import SavingsSettings
from ml.savings.traffic import KEYS, OWNER, TOKEN_CLASSES, UNIT_CLASSES, traffics
from tests.support.savings import ranked

FIRST = date(2026, 10, 1)
# A month of 28 days is 365 / 12 / 28 of it.
WINDOW = Window(FIRST, FIRST + timedelta(days=27))
NO_MINIMUM = SavingsSettings(minimum_monthly_saving=Decimal(0))
_COUNTS = ("request_count", "failed_request_count", *TOKEN_CLASSES, *UNIT_CLASSES)
_COLUMNS = ["charge_date", "hour", "context_window", *KEYS, *OWNER, *_COUNTS, "computed_cost", "failed_cost"]
_PRICE_COLUMNS = [
    "provider", "model", "service_tier", "context_window", "price_class", "unit_price", "valid_from", "valid_to",
]  # fmt: skip


def usage(cost: str | None, day: int = 1, **columns: Any) -> dict[str, Any]:
    """A row of usage of a day of October 2026."""
    return {
        "charge_date": FIRST + timedelta(days=day - 1),
        "provider": "openai",
        "model": "gpt-large",
        "service_tier": "standard",
        "operation": "completions",
        "project_id": "proj_1",
        "api_key_id": "key_1",
        "team": "Search",
        "computed_cost": None if cost is None else Decimal(cost),
        **columns,
    }


def every_day(cost: str, **columns: Any) -> list[dict[str, Any]]:
    """The same usage on each of the 28 days."""
    return [usage(cost, day, **columns) for day in range(1, 29)]


def frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    return pd.DataFrame([[row.get(name) for name in _COLUMNS] for row in rows], columns=_COLUMNS, dtype=object)


def price(
    model: str, tier: str = "standard", provider: str = "openai", window: str | None = None, **classes: str
) -> list[tuple[Any, ...]]:
    """Prices of a model: class -> dollars for a million."""
    return [
        (provider, model, tier, window, name, Decimal(dollars).scaleb(-6), date(2026, 1, 1), date(9999, 12, 31))
        for name, dollars in classes.items()
    ]


def inputs(
    daily: Sequence[Mapping[str, Any]],
    hourly: Sequence[Mapping[str, Any]] = (),
    prices: Sequence[tuple[Any, ...]] = (),
    settings: SavingsSettings = NO_MINIMUM,
    paid: Mapping[str, Decimal] | None = None,
    window: Window = WINDOW,
    **found: Any,
) -> Inputs:
    paid = paid or {}
    book = PriceBook(pd.DataFrame(list(prices), columns=_PRICE_COLUMNS, dtype=object), paid)
    return Inputs(window, traffics(frame(daily), frame(hourly), window, paid), book, settings, **found)


def found(of: Inputs, kind: str) -> list[Recommendation]:
    return [one for one in ranked(recommend(of)) if one.kind == kind]


def monthly(amount_of_28_days: str) -> Decimal:
    """What an amount of the window is in an average month, cut to ten decimals."""
    return WINDOW.monthly(Decimal(amount_of_28_days), 28)
