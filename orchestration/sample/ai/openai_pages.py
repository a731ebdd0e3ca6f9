"""Usage and costs as OpenAI's organisation API answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from ..calendar import milliseconds
from .costs import Cost
from .pages import HOURS_OF_A_PAGE, Page, paged, write_pages
from .prices import CACHE_READ, IMAGES, OUTPUT, REQUESTS, SEARCHES, TOKENS, UNCACHED
from .usage import Use

USAGE_KINDS = ("completions", "embeddings", "images", "web_search_calls")
_FRAME = {"object": "page"}
# How cost lines call what they are for.
_LINE_ITEMS = {UNCACHED: "input", CACHE_READ: "cached input", OUTPUT: "output", IMAGES: "image generation"}


def write_usage(root: Path, day: date, uses: Iterable[Use], kinds: Iterable[str] = USAGE_KINDS) -> None:
    """Write the hour buckets of a day for each kind; hours and kinds without usage have empty ones."""
    found: dict[tuple[str, int], list[Page]] = defaultdict(list)
    for use in uses:
        if use.stream.kind in kinds:
            found[use.stream.kind, use.hour].append(_RESULTS[use.stream.kind](use))
        if SEARCHES in use.counts and "web_search_calls" in kinds:
            found["web_search_calls", use.hour].append(_searches(use))
    begin = milliseconds(day) // 1000
    for kind in kinds:
        buckets = [_bucket(begin + hour * 3600, 3600, found[kind, hour]) for hour in range(24)]
        write_pages(root, kind, day, paged(buckets, HOURS_OF_A_PAGE, _FRAME))


def write_costs(root: Path, day: date, costs: Iterable[Cost]) -> int:
    """Write the cost bucket of a day, grouped by project, line item and key, and return how many lines it has."""
    results: dict[tuple[str | None, str | None, str], Page] = {}
    for cost in costs:
        if cost.reported is None:
            continue
        key = cost.stream.project_id, cost.stream.api_key_id, _line_item(cost)
        result = results.setdefault(
            key,
            {
                "object": "organization.costs.result",
                "amount": {"value": cost.reported * 0, "currency": "usd"},
                "line_item": key[2],
                "project_id": key[0],
                "api_key_id": key[1],
                "quantity": 0,
                "quantity_unit": _unit(cost.price_class),
            },
        )
        result["amount"]["value"] += cost.reported
        result["quantity"] += int(cost.quantity)
    for result in results.values():
        # A JSON number; the shortest text of the double has the digits of the amount, which has fewer than 16.
        result["amount"]["value"] = float(result["amount"]["value"])
    bucket = _bucket(milliseconds(day) // 1000, 86_400, list(results.values()))
    write_pages(root, "costs", day, paged([bucket], 1, _FRAME))
    return len(results)


def _bucket(begin: int, seconds: int, results: list[Page]) -> Page:
    return {"object": "bucket", "start_time": begin, "end_time": begin + seconds, "results": results}


def _who(use: Use) -> Page:
    stream = use.stream
    return {
        "project_id": stream.project_id,
        "user_id": stream.user_id,
        "api_key_id": stream.api_key_id,
        "model": stream.model,
    }


def _completions(use: Use) -> Page:
    uncached, cached, output = (use.counts.get(name, 0) for name in (UNCACHED, CACHE_READ, OUTPUT))
    batch = use.stream.tier == "batch"
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": uncached + cached,
        "input_cached_tokens": cached,
        "input_cache_write_tokens": 0,
        "input_uncached_tokens": uncached,
        "output_tokens": output,
        "input_text_tokens": uncached,
        "output_text_tokens": output,
        "input_cached_text_tokens": cached,
        "input_audio_tokens": 0,
        "input_cached_audio_tokens": 0,
        "output_audio_tokens": 0,
        "input_image_tokens": 0,
        "input_cached_image_tokens": 0,
        "output_image_tokens": 0,
        "num_model_requests": use.counts[REQUESTS],
        **_who(use),
        "batch": batch,
        "service_tier": "default" if batch or use.stream.tier == "standard" else use.stream.tier,
    }


def _embeddings(use: Use) -> Page:
    return {
        "object": "organization.usage.embeddings.result",
        "input_tokens": use.counts[UNCACHED],
        "num_model_requests": use.counts[REQUESTS],
        **_who(use),
    }


def _images(use: Use) -> Page:
    return {
        "object": "organization.usage.images.result",
        "images": use.counts[IMAGES],
        "num_model_requests": use.counts[REQUESTS],
        "size": "1024x1024",
        "source": "image.generation",
        **_who(use),
    }


def _searches(use: Use) -> Page:
    return {
        "object": "organization.usage.web_searches.result",
        "num_model_requests": use.counts[REQUESTS],
        "num_requests": use.counts[SEARCHES],
        **_who(use),
        "context_level": "medium",
    }


_RESULTS = {"completions": _completions, "embeddings": _embeddings, "images": _images}


def _line_item(cost: Cost) -> str:
    if cost.price_class == SEARCHES:
        return "web search tool calls"
    item = f"{cost.stream.model}, {_LINE_ITEMS[cost.price_class]}"
    return item if cost.stream.tier == "standard" else f"{cost.stream.tier} | {item}"


def _unit(price_class: str) -> str | None:
    return "tokens" if price_class in TOKENS else "images" if price_class == IMAGES else None
