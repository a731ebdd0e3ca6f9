"""What savings compare with: models that may stand in for those in use, and the prices of all of them.

config.ai_prices holds what is used. What might be used instead is priced here, by the same catalogue, own prices and discounts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd

from ml.savings.inputs import Candidate
from ml.savings.recommendation import Window
from ml.savings.traffic import Traffic
from orchestration.lib.ai import catalogue
from orchestration.lib.ai.capability import candidates, class_of
from orchestration.lib.ai.catalogue import UnknownPriceError
from orchestration.lib.ai.prices import Key, context_class, unit_prices
from orchestration.lib.config import Config
from orchestration.lib.config_ai import AiOptimization, ModelClassName, Substitution

_SMALLER: dict[str, ModelClassName] = {"large": "medium", "medium": "small"}
_COLUMNS = [
    "provider",
    "model",
    "service_tier",
    "context_window",
    "price_class",
    "unit_price",
    "valid_from",
    "valid_to",
]


@dataclass(frozen=True)
class Compared:
    """For each (provider, model) its candidates, and price rows of candidates, of batches and of shorter contexts."""

    candidates: dict[tuple[str, str], tuple[Candidate, ...]]
    prices: pd.DataFrame


def compared(traffics: Iterable[Traffic], config: Config, known: pd.DataFrame, window: Window) -> Compared:
    """What the traffic can be compared with. `known`: price rows that are there; they are kept before all others."""
    settings = config.ai_api_optimization
    found: dict[tuple[str, str], tuple[Candidate, ...]] = {}
    wanted: dict[Key, None] = {}
    for traffic in traffics:
        model = traffic.provider, traffic.model
        if model not in found:
            found[model] = _candidates(*model, settings)
        for context in sorted({day.context_window for day in traffic.days}, key=lambda one: one or ""):
            short = context_class(*model, 1) if context is not None else None
            for key in (
                Key(*model, "batch", context),
                Key(*model, traffic.service_tier, short),
                *(Key(one.provider, one.model, traffic.service_tier, context) for one in found[model]),
            ):
                wanted[key] = None
    has = set(
        known[_COLUMNS[:4]].astype(object).where(known[_COLUMNS[:4]].notna(), None).itertuples(index=False, name=None)
    )
    rows = [
        (key.provider, key.model, key.service_tier, key.context_window, *row)
        for key in wanted
        if (key.provider, key.model, key.service_tier, key.context_window) not in has
        for row in _rows(key, config, window)
    ]
    added = pd.DataFrame(rows, columns=_COLUMNS, dtype=object)
    return Compared(found, pd.concat([known[_COLUMNS], added], ignore_index=True) if rows else known[_COLUMNS])


def _candidates(provider: str, model: str, settings: AiOptimization) -> tuple[Candidate, ...]:
    """Those that the settings allow, and those of the next smaller class, which are for the shortest answers alone."""
    same = {(one.provider, one.model) for one in candidates(provider, model, settings)}
    found = {Candidate(*one) for one in same}
    try:
        own = class_of(catalogue.find(provider, model).name, settings)
    except UnknownPriceError:
        own = None
    if own in _SMALLER:
        only = Substitution(traffic=own, candidates=(_SMALLER[own],))  # type: ignore[arg-type]
        below = candidates(provider, model, settings.model_copy(update={"substitutions": (only,)}))
        found |= {Candidate(one.provider, one.model, is_smaller=True) for one in below} - {
            Candidate(*one, is_smaller=True) for one in same
        }
    return tuple(sorted(found))


def _rows(key: Key, config: Config, window: Window) -> list[tuple[str, Decimal, date, date]]:
    """What a model costs on the last day of the window, as its price in all of it: a change is made at the prices of today."""
    try:
        prices = unit_prices(
            key.provider,
            key.model,
            window.last,
            config.ai_prices,
            service_tier=key.service_tier,
            context_window=key.context_window,
        )
    except UnknownPriceError:
        return []
    return [(kind, price, window.first, window.last + timedelta(days=1)) for kind, price in sorted(prices.items())]
