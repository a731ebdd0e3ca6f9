"""What AI usage costs on a day: catalogue, tiers, contexts, own prices and discounts; and which models stand in for which."""

from __future__ import annotations

from datetime import date, time
from decimal import Decimal
from typing import Any

import pytest

from orchestration.lib.ai.capability import candidates
from orchestration.lib.ai.catalogue import UnknownPriceError, find, thresholds
from orchestration.lib.ai.price_table import keep
from orchestration.lib.ai.prices import (
    ALWAYS,
    FOR_EVER,
    Key,
    Period,
    catalogue_periods,
    context_class,
    price_rows,
    unit_prices,
)
from orchestration.lib.config_ai import AiOptimization, AiPrices

DAY = date(2026, 11, 1)


def output_price(provider: str, model: str | None, day: date = DAY, settings: Any = None, **key: Any) -> Decimal:
    chosen = AiPrices.model_validate(settings) if settings else None
    return unit_prices(provider, model, day, chosen, **key)["output_tokens"] * 1_000_000


def override(**changes: Any) -> dict[str, Any]:
    return {"name": "o", "provider": "openai", "per_million_tokens": {"output_tokens": "8"}, **changes}


@pytest.mark.parametrize(
    ("key", "price"),
    [
        (("openai", "gpt-4o-2024-08-06"), "10"),
        (("openai", "gpt-4o-2024-08-06", DAY, None, "default"), "10"),
        (("openai", "gpt-4o-2024-08-06", DAY, None, "batch"), "5"),
        (("openai", "gpt-4o-2024-08-06", DAY, None, "priority"), "17"),
        # The catalogue has no batch price of it: half of 1.25, as Anthropic publishes for all models.
        (("anthropic", "claude-3-haiku-20240307", DAY, None, "batch"), "0.625"),
        (("anthropic", "claude-sonnet-4-5-20250929", DAY, None, "standard", "0-200k"), "15"),
        (("anthropic", "claude-sonnet-4-5-20250929", DAY, None, "standard", "200k-1M"), "22.5"),
        (("anthropic", "claude-sonnet-4-5-20250929", DAY, None, "batch", "200k-1M"), "11.25"),
        # Long context cost more until 2026-03-13.
        (("anthropic", "claude-sonnet-4-6", date(2026, 3, 12), None, "standard", "200k-1M"), "22.5"),
        (("anthropic", "claude-sonnet-4-6", date(2026, 3, 13), None, "standard", "200k-1M"), "15"),
        (("aws", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"), "16.5"),
    ],
)
def test_prices_are_of_day_tier_and_context(key: tuple[Any, ...], price: str) -> None:
    names = ("service_tier", "context_window")
    assert output_price(*key[:4], **dict(zip(names, key[4:], strict=False))) == Decimal(price)


def test_prices_within_a_day_are_told_for_a_time_and_not_for_a_day() -> None:
    at_night, by_day = (output_price("deepseek", "deepseek-chat", at=hour) for hour in (time(20), time(12)))
    assert (at_night, by_day) == (Decimal("0.55"), Decimal("1.1"))
    with pytest.raises(UnknownPriceError, match="depends on the time of day"):
        catalogue_periods(Key("deepseek", "deepseek-chat"))


@pytest.mark.parametrize(
    ("settings", "key", "price"),
    [
        ({"overrides": [override(model="gpt-4o")]}, {}, "8"),
        ({"overrides": [override(model="GPT-*")]}, {}, "8"),
        ({"overrides": [override(model="o3")]}, {}, "10"),
        ({"overrides": [override()]}, {"service_tier": "batch"}, "5"),
        ({"overrides": [override(service_tier="batch")]}, {"service_tier": "batch"}, "8"),
        ({"overrides": [override(valid_to="2026-11-01")]}, {}, "10"),
        ({"overrides": [override(valid_from="2026-11-01")]}, {}, "8"),
        ({"discounts": [{"name": "d", "provider": "openai", "percent": "12.5"}]}, {}, "8.75"),
        ({"discounts": [{"name": "d", "provider": "openai", "percent": "12.5"}]}, {"service_tier": "batch"}, "4.375"),
        # The first that is for the usage counts, and nothing is taken off own prices.
        (
            {
                "overrides": [override(model="o3"), override(name="p", per_million_tokens={"output_tokens": "7"})],
                "discounts": [{"name": "d", "provider": "openai", "percent": "50"}],
            },
            {},
            "7",
        ),
    ],
)
def test_own_prices_and_discounts(settings: dict[str, Any], key: dict[str, Any], price: str) -> None:
    assert output_price("openai", "gpt-4o-2024-08-06", settings=settings, **key) == Decimal(price)


def test_own_prices_are_all_that_is_known_of_a_model_of_ones_own() -> None:
    settings = AiPrices.model_validate(
        {
            "overrides": [
                override(model="ft:own"),
                override(name="n", per_million_tokens=None, per_unit={"session_count": "0.03"}),
            ]
        }
    )
    assert unit_prices("openai", "ft:own", DAY, settings) == {
        "output_tokens": Decimal("0.000008"),
        "session_count": Decimal("0.03"),
    }
    assert unit_prices("openai", None, DAY, settings) == {"session_count": Decimal("0.03")}
    with pytest.raises(UnknownPriceError, match="no model ft:own of openai"):
        unit_prices("openai", "ft:own", DAY)


def test_rows_say_what_the_price_was_before_and_where_it_is_from() -> None:
    key = Key("openai", "gpt-5.4", context_window=None)
    settings = AiPrices.model_validate({"discounts": [{"name": "EA", "provider": "openai", "percent": 10}]})
    (row,) = (row for row in price_rows(key, catalogue_periods(key), settings) if row.price_class == "output_tokens")
    assert (row.unit_price, row.list_unit_price, row.discount) == (
        Decimal("0.0000135"),
        Decimal("0.000015"),
        Decimal("0.1"),
    )
    assert row.price_version == (
        "genai-prices 0.2.3: openai/gpt-5.4; context not told: price up to 272000 input tokens; discount EA"
    )


def test_the_context_class_of_a_request_leads_to_its_price() -> None:
    assert thresholds(find("openai", "gpt-5.4")) == (272_000,)
    for tokens, price in ((272_000, "15"), (272_001, "22.5")):
        window = context_class("openai", "gpt-5.4", tokens)
        assert output_price("openai", "gpt-5.4", context_window=window) == Decimal(price)
    assert context_class("openai", "gpt-4o", 10**6) is None


def test_kept_prices_hold_before_the_day_and_fresh_ones_from_it_on() -> None:
    def period(first: date, end: date, price: int, version: str) -> Period:
        return Period(first, end, {"output_tokens": Decimal(price)}, version)

    may, june, july = date(2026, 5, 1), date(2026, 6, 1), date(2026, 7, 1)
    kept = [period(may, FOR_EVER, 1, "old")]
    fresh = [period(ALWAYS, july, 2, "new"), period(july, FOR_EVER, 3, "new")]
    assert keep(kept, fresh, june) == [
        # Nothing was kept of it.
        period(ALWAYS, may, 2, "new"),
        period(may, june, 1, "old"),
        period(june, july, 2, "new"),
        period(july, FOR_EVER, 3, "new"),
    ]
    assert keep(kept, [], june) == [period(may, june, 1, "old")]
    assert keep([], fresh, june) == fresh


def test_candidates_are_of_the_same_class_and_have_prices() -> None:
    found = candidates("aws", "us.anthropic.claude-haiku-4-5-20251001-v1:0")
    names = [f"{one.provider}/{one.model}" for one in found]
    assert {"anthropic/claude-haiku-4-5", "openai/gpt-4o-mini", "aws/amazon.nova-lite-v1:0"} <= set(names)
    assert "aws/regional.anthropic.claude-haiku-4-5-20251001-v1:0" not in names
    assert {one.model_class for one in found} == {"small"}
    assert all(unit_prices(one.provider, one.model, DAY) for one in found)
    assert candidates("openai", "ft:own") == candidates("openai", "whisper-1") == []


def test_settings_say_which_class_may_stand_in_for_which() -> None:
    settings = AiOptimization.model_validate(
        {
            "model_classes": [
                {"name": "small", "models": ["openai/gpt-4o-mini"], "reason": "tried"},
                {"name": "medium", "models": ["openai/gpt-4o", "anthropic/claude-sonnet-4-*"], "reason": "tried"},
            ],
            "substitutions": [{"traffic": "medium", "candidates": ["small"]}],
        }
    )
    assert [(one.provider, one.model) for one in candidates("openai", "gpt-4o-2024-08-06", settings)] == [
        ("openai", "gpt-4o-mini")
    ]
    assert candidates("openai", "gpt-4o-mini", settings) == []
