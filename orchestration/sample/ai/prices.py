"""Prices of the bundled catalogue (genai-prices), so that cost reports agree with what its users compute."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

UNCACHED = "uncached_input_tokens"
CACHE_READ = "cache_read_tokens"
CACHE_WRITE_5M = "cache_write_5m_tokens"
CACHE_WRITE_1H = "cache_write_1h_tokens"
OUTPUT = "output_tokens"
TOKENS = (UNCACHED, CACHE_READ, CACHE_WRITE_5M, CACHE_WRITE_1H, OUTPUT)
REQUESTS = "request_count"
IMAGES = "image_count"
SEARCHES = "web_search_count"

_MILLION, _THOUSAND = 1_000_000, 1_000
# Price class -> its name in the catalogue, and how many units that price is for.
_CATALOGUE = {
    UNCACHED: ("input_mtok", _MILLION),
    CACHE_READ: ("cache_read_mtok", _MILLION),
    CACHE_WRITE_5M: ("cache_write_mtok", _MILLION),
    CACHE_WRITE_1H: ("cache_write_1h_mtok", _MILLION),
    OUTPUT: ("output_mtok", _MILLION),
    SEARCHES: ("web_searches_kcount", _THOUSAND),
}
# What the settings of the organisation say beside the catalogue: an image of medium quality, as OpenAI lists it.
IMAGE_MODEL, IMAGE_PRICE = "gpt-image-1", Decimal("0.042")
# What a provider charges for a model that the catalogue does not know: fine-tuned gpt-4.1-mini, as OpenAI lists it.
TUNED_MODEL = "ft:gpt-4.1-mini-2025-04-14:halden-retail:returns:Bx7kQ2Zf"
TUNED_PRICES = {UNCACHED: Decimal("0.0000008"), CACHE_READ: Decimal("0.0000002"), OUTPUT: Decimal("0.0000032")}


@cache
def unit_price(
    provider: str, model: str, price_class: str, day: date, tier: str = "standard", long_context: bool = False
) -> Decimal | None:
    """US dollars for one unit at list price; None for a model that the catalogue does not know.

    The catalogue dates what it knows of batch, flex and priority by the day on which it learned it. The providers charge
    so all along, so their dates are not looked at.
    """
    from genai_prices.data_snapshot import get_snapshot

    if (model, price_class) == (IMAGE_MODEL, IMAGES):
        return IMAGE_PRICE
    if model == TUNED_MODEL or price_class not in _CATALOGUE:
        return None
    name, units = _CATALOGUE[price_class]
    _, found = get_snapshot().find_provider_model(model, None, provider, None)
    price = getattr(found.get_prices(datetime.combine(day, datetime.min.time(), UTC)), name)
    context = {"processing": "batch"} if tier == "batch" else {"service_tier": tier}
    for variant in found.price_variants or ():
        if variant.when == context:
            price = getattr(variant.prices, name) or price
    if price is None:
        raise ValueError(f"the catalogue has no {name} for {model}")
    if not isinstance(price, Decimal):
        price = price.tiers[0].price if long_context else price.base
    return Decimal(price) / units
