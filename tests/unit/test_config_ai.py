"""Settings of AI prices and model classes: what is taken, and how what is wrong is named."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.lib.config import Config, load_config
from orchestration.lib.errors import FinopsError

MINIMUM = """
organization: {name: Example, first_billing_period: 2026-01}
sources: [{name: aws, format: cur, location: bills}]
"""


def load(folder: Path, text: str) -> Config:
    path = folder / "finops-config.yaml"
    path.write_text(MINIMUM + text)
    return load_config(path)


def problems(folder: Path, text: str) -> str:
    with pytest.raises(FinopsError) as caught:
        load(folder, text)
    return str(caught.value)


def overrides(*entries: str) -> str:
    return "ai_prices: {overrides: [" + ", ".join(f"{{{entry}}}" for entry in entries) + "]}\n"


OUTPUT = "provider: openai, model: gpt-4o, per_million_tokens: {output_tokens: 8}"


def test_prices_of_a_million_tokens_are_those_of_one_exactly(tmp_path: Path) -> None:
    config = load(tmp_path, overrides(f"name: a, {OUTPUT}, per_unit: {{session_count: 0.03}}"))
    prices = config.ai_prices.overrides[0].unit_prices
    assert prices == {"output_tokens": Decimal("0.000008"), "session_count": Decimal("0.03")}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            overrides(f"name: a, {OUTPUT}", f"name: a, {OUTPUT.replace('gpt-4o', 'o3')}"),
            "ai_prices.overrides[1].name: 'a' is also",
        ),
        (
            overrides(f"name: a, {OUTPUT}, valid_to: 2026-07-01", f"name: b, {OUTPUT}, valid_from: 2026-06-30"),
            "ai_prices.overrides[1]: the override 'b' gives output_tokens as ai_prices.overrides[0] does on some of the same days",
        ),
        (overrides("name: a, provider: openai"), "needs prices"),
        (
            overrides("name: a, provider: openai, per_unit: {output_tokens: 1}"),
            "per_unit has no output_tokens. Allowed: request_count",
        ),
        (overrides("name: a, provider: openai, per_unit: {session_count: -1}"), "per_unit.session_count"),
        (
            "ai_prices: {discounts: [{name: a, provider: x, percent: 5}, {name: b, provider: X, percent: 5}]}\n",
            "ai_prices.discounts[1]: the discount 'b' is for the same usage as ai_prices.discounts[0]",
        ),
        ("ai_prices: {discounts: [{name: a, provider: x, percent: 101}]}\n", "ai_prices.discounts[0].percent"),
        (
            "ai_api_optimization: {model_classes: [{name: small, models: [a/b, a/b], reason: x}]}\n",
            "ai_api_optimization.model_classes[0].models[1]: 'a/b' is also ai_api_optimization.model_classes[0].models[0]",
        ),
        ("ai_api_optimization: {model_classes: [{name: tiny, models: [a/b], reason: x}]}\n", "allowed: small, medium"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    assert said in problems(tmp_path, text)


def test_rules_of_other_tiers_or_classes_may_hold_at_the_same_time(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        overrides(
            f"name: a, {OUTPUT}",
            f"name: b, {OUTPUT}, service_tier: batch",
            f"name: c, {OUTPUT.replace('output_', 'uncached_input_')}",
            f"name: d, {OUTPUT}, valid_from: 2027-01-01".replace("gpt-4o", "gpt-*"),
        ),
    )
    assert len(config.ai_prices.overrides) == 4
