"""Unit prices of disjoint classes: what they add up to is what the catalogue calculates of the same usage."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal, localcontext
from typing import Any

import pytest
from genai_prices.data import providers
from genai_prices.data_units import unit_data
from genai_prices.types import Usage
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.lib.ai import catalogue
from orchestration.lib.ai.catalogue import DIMENSIONS, Match, UnknownPriceError, find, quote
from orchestration.lib.formats.ai_usage import TOKEN_CLASSES, UNIT_CLASSES

MODELS = [Match(provider, model) for provider in providers for model in provider.models]
BY_TIER = [
    (match, tier) for match in MODELS for tier in ("batch", "flex", "priority") if catalogue.tier_variants(match, tier)
]
COUNTS = st.integers(0, 10**12)
DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))
TIMES = st.times()
# Prices of an hour that do not end as prices of a second are cut to forty digits.
PER_HOUR = Decimal("1e-20")


def usage_of(counts: dict[str, int], reasoning: int) -> Usage:
    """The usage in the catalogue's terms, in which wide units contain narrow ones: each of them given."""
    values: dict[str, Any] = {}
    for key, unit in unit_data.items():
        dimensions = unit["dimensions"].items()
        if key != "requests":
            values[key] = sum(count for name, count in counts.items() if dimensions <= DIMENSIONS[name].items())
        if (
            dimensions
            <= {"family": "tokens", "direction": "output", "modality": "text", "token_type": "reasoning"}.items()
        ):
            values[key] = reasoning if "token_type" in unit["dimensions"] else values[key]
    return Usage(**values)


@st.composite
def usages(draw: st.DrawFn) -> tuple[dict[str, int], int]:
    counts = draw(st.dictionaries(st.sampled_from(sorted(DIMENSIONS)), COUNTS)) | {"request_count": 1}
    if counts.get("audio_seconds"):
        # Groq charges at least ten seconds of each request, which no unit price can say.
        counts["audio_seconds"] += 10
    return counts, draw(st.integers(0, counts.get("output_tokens", 0)))


def total(prices: dict[str, Decimal], counts: dict[str, int], reasoning: int) -> Decimal:
    with localcontext(prec=100):
        summed = sum((prices.get(name, Decimal(0)) * count for name, count in counts.items()), Decimal(0))
        return summed + prices.get("reasoning_tokens", Decimal(0)) * reasoning


def calculated(match: Match, usage: Usage, moment: datetime, context: dict[str, str] | None = None) -> Decimal:
    # Its default of 28 digits would round sums of a trillion tokens.
    with localcontext(prec=100):
        price = match.model.calc_price(usage, match.provider, genai_request_timestamp=moment, price_context=context)
        return price.total_price


@settings(max_examples=600, deadline=None)
@given(match=st.sampled_from(MODELS), used=usages(), day=DAYS, at=TIMES)
def test_standard_prices_add_up_to_the_catalogues_of_every_model(
    match: Match, used: tuple[dict[str, int], int], day: date, at: time
) -> None:
    usage = usage_of(*used)
    ours = total(quote(match, "standard", day, at=at, input_tokens=int(usage.input_tokens)).unit_prices, *used)
    assert abs(ours - calculated(match, usage, datetime.combine(day, at, UTC))) <= PER_HOUR * bool(
        used[0].get("audio_seconds")
    )


@settings(max_examples=300, deadline=None)
@given(chosen=st.sampled_from(BY_TIER), used=usages(), later=st.integers(0, 400))
def test_prices_of_tiers_add_up_to_the_catalogues_from_the_day_it_knows_them(
    chosen: tuple[Match, str], used: tuple[dict[str, int], int], later: int
) -> None:
    match, tier = chosen
    variants = catalogue.tier_variants(match, tier)
    first = min(
        (getattr(variant.constraint, "start_date", date(2024, 1, 1)) for variant in variants), default=date(2024, 1, 1)
    )
    day = first + timedelta(days=later)
    usage = usage_of(*used)
    ours = total(quote(match, tier, day, input_tokens=int(usage.input_tokens)).unit_prices, *used)
    theirs = calculated(match, usage, datetime.combine(day, time(), UTC), variants[0].when)
    assert abs(ours - theirs) <= PER_HOUR * bool(used[0].get("audio_seconds"))


def test_every_class_that_the_catalogue_can_price_is_one_of_the_normal_form() -> None:
    assert set(TOKEN_CLASSES) <= set(DIMENSIONS) <= {*TOKEN_CLASSES, *UNIT_CLASSES, "request_count"}


def test_a_tier_keeps_its_relation_to_the_standard_price_before_the_catalogue_knew_it() -> None:
    """gpt-5.6-sol got cheaper on 2026-08-21, and its batch price (half) is known from 2026-10-14 on."""
    sol = find("openai", "gpt-5.6-sol")
    before, later = quote(sol, "batch", date(2026, 8, 20)), quote(sol, "batch", date(2026, 10, 14))
    assert before.unit_prices["output_tokens"] == Decimal("0.000015")
    assert later.unit_prices["output_tokens"] == Decimal("0.00001")
    assert (before.note, later.note) == ("batch as known from 2026-10-14 on", "")


@pytest.mark.parametrize(
    ("provider", "name", "model"),
    [
        ("openai", "gpt-4o-2024-08-06", "openai/gpt-4o"),
        ("openai", "gpt-5-mini-2025-08-07", "openai/gpt-5-mini"),
        ("openai", "ft:gpt-4o-2024-08-06:org::abc", "openai/ft:gpt-4o"),
        ("anthropic", "claude-sonnet-4-5-20250929", "anthropic/claude-sonnet-4-5"),
        (
            "aws",
            "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws/regional.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "aws",
            "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
            "aws/global.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        ("aws", "amazon.nova-lite-v1:0", "aws/amazon.nova-lite-v1:0"),
        ("bedrock", "eu.amazon.nova-lite-v1:0", "aws/amazon.nova-lite-v1:0"),
        ("bedrock", "bedrock/amazon.nova-lite-v1:0", "aws/amazon.nova-lite-v1:0"),
        ("azure", "gpt-4o", "azure/gpt-4o"),
        ("google", "models/gemini-2.5-pro", "google/gemini-2.5-pro"),
    ],
)
def test_dated_and_regional_names_mean_the_model(provider: str, name: str, model: str) -> None:
    assert find(provider, name).name == model


def test_what_is_not_known_is_said_with_what_is_near() -> None:
    with pytest.raises(UnknownPriceError, match=r"no model gpt-4\.2-mini of openai \(near: gpt-4\.1-mini"):
        find("openai", "gpt-4.2-mini")
    with pytest.raises(UnknownPriceError, match="also sold by anthropic"):
        find("aws", "claude-sonnet-4-5")
    with pytest.raises(UnknownPriceError, match="no provider nobody"):
        find("nobody", "gpt-4o")
    with pytest.raises(
        UnknownPriceError, match="does not know what anthropic/claude-opus-4-5 costs in the tier priority"
    ):
        quote(find("anthropic", "claude-opus-4-5"), "priority", date(2026, 11, 1))


def test_the_catalogue_is_imported_where_it_is_used_and_fetches_nothing() -> None:
    code = (
        "import sys, socket, threading\n"
        "import orchestration.lib.ai.prices as prices, orchestration.lib.ai.price_table\n"
        "assert not any(name.startswith('genai_prices') for name in sys.modules)\n"
        "def refuse(*_): raise AssertionError('network')\n"
        "socket.socket.connect = refuse\n"
        "from datetime import date\n"
        "assert prices.unit_prices('openai', 'gpt-4o', date(2026, 1, 1))\n"
        "assert threading.active_count() == 1\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
