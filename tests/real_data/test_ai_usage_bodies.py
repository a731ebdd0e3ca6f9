"""Usage bodies that providers answered with: read into the normal form, and priced by unit prices of its classes.

What is expected is what genai-prices' own extractors and prices say: 775 bodies, read in 9,132 ways, as one body fits the
extractors of several providers. Its prices are decimal texts, so they are compared exactly.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from genai_prices.types import Usage

from orchestration.lib.ai.catalogue import find, quote
from orchestration.lib.ai.usage_bodies import BodyUsage, read_usage

# The catalogue that the prices were calculated with had one price of a model; ours has dated ones, of which these are the oldest.
DAY, AT = date(2026, 3, 1), time(12)
OUTPUT = {"output_tokens", "output_audio_tokens", "output_image_tokens", "output_video_tokens", "reasoning_tokens"}
# Prices that the catalogue corrected since: on no day are they what was expected.
CORRECTED = {
    (
        "models/cassettes/test_anthropic/test_pause_turn_web_search_vcr.yaml",
        "google",
        "anthropic",
    ): "long context got its price",
    (
        "models/cassettes/test_openai_prompt_cache/test_openai_responses_prompt_cache_e2e.yaml",
        "azure",
        "responses",
    ): "cache writes got a price",
    (
        "models/cassettes/test_openai_prompt_cache/test_openai_chat_prompt_cache_e2e.yaml",
        "azure",
        "chat",
    ): "cache writes got a price",
}
# Count of the catalogue -> what of the normal form it contains.
WIDER = {
    "input_tokens": "input",
    "output_tokens": "output",
    "cache_read_tokens": "cache_read",
    "cache_write_tokens": "cache_write",
    "cache_write_5m_tokens": "cache_write_5m_tokens",
    "input_audio_tokens": "audio_tokens",
    "input_image_tokens": "image_tokens",
    "input_video_tokens": "video_tokens",
    "cache_image_read_tokens": "cache_read_image_tokens",
    "output_image_tokens": "output_image_tokens",
    "output_reasoning_tokens": "reasoning_tokens",
    "web_searches": "web_search_count",
}
# Parts of the input and the output that cost the same as the rest: the normal form does not tell them apart.
SAME_PRICE = {
    "input_text_tokens",
    "output_text_tokens",
    "cache_text_read_tokens",
    "input_tool_tokens",
    "input_text_tool_tokens",
}


@cache
def bodies(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path) as stream:
        return json.load(stream)  # type: ignore[no-any-return]


@pytest.fixture
def recorded(real_data: Path) -> list[dict[str, Any]]:
    found = bodies(real_data / "ai_usage" / "genai_prices_usages_expected_half.json.gz")
    assert len(found) == 775
    return found


def readings(item: Mapping[str, Any]) -> Iterator[tuple[dict[str, int], dict[str, str]]]:
    """The expected tokens, and the extractor with its expected prices."""
    for group in item["extracted"]:
        tokens = {name: count for name, count in group["usage"].items() if count and name not in SAME_PRICE}
        for extractor in group["extractors"]:
            yield tokens, extractor


def contained(usage: BodyUsage, expected: str) -> int:
    """What the disjoint classes add up to in the catalogue's terms."""
    counts = usage.counts
    what = WIDER[expected]
    if what == "input":
        return usage.input_tokens
    if what == "output":
        return int(sum(counts.get(name, 0) for name in OUTPUT - {"reasoning_tokens"}))
    if what in counts or what.startswith(("output_", "reasoning", "web_", "cache_write_5m")):
        return int(counts.get(what, 0))
    inside = {
        "cache_read": ("cache_read_tokens", "cache_read_audio_tokens", "cache_read_image_tokens"),
        "cache_write": ("cache_write_5m_tokens", "cache_write_1h_tokens"),
        "audio_tokens": ("input_audio_tokens", "cache_read_audio_tokens"),
        "image_tokens": ("input_image_tokens", "cache_read_image_tokens"),
        "video_tokens": ("input_video_tokens",),
    }.get(what, ())
    return int(sum(counts.get(name, 0) for name in inside))


def forced(item: Mapping[str, Any], extractor: Mapping[str, str]) -> BodyUsage:
    return read_usage(item["body"], provider=extractor["provider_id"], api_flavor=extractor["api_flavor"])


def test_every_body_comes_out_by_its_own_form(recorded: list[dict[str, Any]]) -> None:
    """Without being told who wrote it, each is read as one of the extractors reads it that see all of it."""
    for item in recorded:
        usage = read_usage(item["body"])
        full = [
            tokens
            for tokens, _ in readings(item)
            if all(contained(usage, name) == count for name, count in tokens.items())
        ]
        assert full, item["body"]["file"]
        widest = {name for tokens in full for name in tokens}
        assert all(
            contained(usage, name) == 0 for name in WIDER if name not in widest and name != "cache_write_5m_tokens"
        ), item


def test_every_reading_has_the_expected_tokens(recorded: list[dict[str, Any]]) -> None:
    count = 0
    for item in recorded:
        own = read_usage(item["body"])
        for tokens, extractor in readings(item):
            count += 1
            as_told = forced(item, extractor)
            assert any(
                all(contained(usage, name) == expected for name, expected in tokens.items()) for usage in (own, as_told)
            ), (item["body"]["file"], extractor)
    assert count == 9132


def price(item: Mapping[str, Any], extractor: Mapping[str, str], usage: BodyUsage) -> tuple[Decimal, Decimal, Decimal]:
    """Input, output and all of it, by unit prices of the classes."""
    model = find(extractor["provider_id"], item["model"])
    prices = quote(model, "standard", DAY, at=AT, input_tokens=usage.input_tokens).unit_prices
    costs = {name: prices.get(name, Decimal(0)) * count for name, count in usage.counts.items()}
    output = sum((cost for name, cost in costs.items() if name in OUTPUT), Decimal(0))
    total = sum(costs.values(), Decimal(0))
    return total - output - costs.get("web_search_count", Decimal(0)), output, total


def test_every_body_has_the_expected_price(recorded: list[dict[str, Any]]) -> None:
    priced = {"own form": 0, "as told": 0}
    corrected = set()
    for item in recorded:
        own = read_usage(item["body"])
        for _, extractor in readings(item):
            if "input_price" not in extractor:
                continue
            expected = Decimal(extractor["input_price"]), Decimal(extractor["output_price"])
            total = Decimal(extractor["total_price"]) if "total_price" in extractor else None
            for how, usage in (("own form", own), ("as told", forced(item, extractor))):
                *parts, all_of_it = price(item, extractor, usage)
                if tuple(parts) == expected and total in (None, all_of_it):
                    priced[how] += 1
                    break
            else:
                corrected.add((item["body"]["file"], extractor["provider_id"], extractor["api_flavor"]))
                assert all_of_it == of_the_catalogue(item, extractor), (
                    "what is not expected is what the catalogue says today"
                )
    assert corrected == set(CORRECTED)
    assert sum(priced.values()) + len(CORRECTED) == 1731


def of_the_catalogue(item: Mapping[str, Any], extractor: Mapping[str, str]) -> Decimal:
    match = find(extractor["provider_id"], item["model"])
    _, usage = match.provider.extract_usage(item["body"], api_flavor=extractor["api_flavor"])
    assert isinstance(usage, Usage)
    return match.model.calc_price(
        usage, match.provider, genai_request_timestamp=datetime.combine(DAY, AT, UTC)
    ).total_price
