"""The price catalogue of models, genai-prices: which of its models is meant, and what a unit of each class costs.

The catalogue is bundled with the package: nothing is fetched. It is imported where it is used, as it takes a moment.
Its input contains what was cached, and a class without a price of its own costs what the wider class costs that contains it.
Our classes are disjoint: each has one price.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, localcontext
from difflib import get_close_matches
from fractions import Fraction
from functools import cache
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genai_prices.types import ModelInfo, ModelPrice, PriceVariant, Provider

STANDARD = "standard"
# What a price that does not end in digits is cut to; all others keep every digit.
_DIGITS = 40
_TEXT = {"family": "tokens", "modality": "text"}
_AUDIO = {"family": "tokens", "modality": "audio"}
_IMAGE = {"family": "tokens", "modality": "image"}
_VIDEO = {"family": "tokens", "modality": "video"}
_READ = {"direction": "input", "token_type": "cache_read"}
_WRITE = {"direction": "input", "token_type": "cache_write"}
_REASONING = {**_TEXT, "direction": "output", "token_type": "reasoning"}

DIMENSIONS: dict[str, dict[str, str]] = {
    "uncached_input_tokens": {**_TEXT, "direction": "input"},
    "cache_read_tokens": {**_TEXT, **_READ},
    "cache_write_5m_tokens": {**_TEXT, **_WRITE, "cache_ttl": "5m"},
    "cache_write_1h_tokens": {**_TEXT, **_WRITE, "cache_ttl": "1h"},
    "input_audio_tokens": {**_AUDIO, "direction": "input"},
    "cache_read_audio_tokens": {**_AUDIO, **_READ},
    "input_image_tokens": {**_IMAGE, "direction": "input"},
    "cache_read_image_tokens": {**_IMAGE, **_READ},
    "input_video_tokens": {**_VIDEO, "direction": "input"},
    "output_tokens": {**_TEXT, "direction": "output"},
    "output_audio_tokens": {**_AUDIO, "direction": "output"},
    "output_image_tokens": {**_IMAGE, "direction": "output"},
    "output_video_tokens": {**_VIDEO, "direction": "output"},
    "audio_seconds": {"family": "durations", "direction": "input", "modality": "audio"},
    "character_count": {"family": "characters", "direction": "input"},
    "web_search_count": {"family": "tool_calls", "tool_type": "web_search"},
    "tool_call_count": {"family": "tool_calls", "tool_type": "storage_search"},
    "request_count": {"family": "requests"},
}
"""Class -> what it is in the catalogue's terms. Classes that are not here have no prices in it."""

_TIERS: dict[tuple[str | None, str], dict[str, str]] = {
    (None, "batch"): {"processing": "batch"},
    (None, "flex"): {"service_tier": "flex"},
    (None, "priority"): {"service_tier": "priority"},
    ("openai", "fast"): {"service_tier": "fast"},
    ("anthropic", "fast"): {"speed": "fast"},
}


class UnknownPriceError(LookupError):
    """There is no price. The text says why, and what is near."""


@dataclass(frozen=True)
class Match:
    """The model of the catalogue that a name means."""

    provider: Provider
    model: ModelInfo

    @property
    def name(self) -> str:
        """As it is written into the price version."""
        return f"{self.provider.id}/{self.model.id}"


@dataclass(frozen=True)
class Quote:
    """Unit prices of the classes that have one, and what has to be known about them."""

    unit_prices: dict[str, Decimal]
    note: str = ""


@cache
def catalogue_version() -> str:
    """Name and version of the catalogue."""
    return f"genai-prices {version('genai-prices')}"


@cache
def find(provider: str, model: str) -> Match:
    """The model that a provider means by a name: dated, renamed, with a region before it or a version behind.

    Raises UnknownPriceError that says what is near.
    """
    from genai_prices.data import providers
    from genai_prices.data_snapshot import find_provider_by_id

    seller = find_provider_by_id(providers, provider)
    if seller is None:
        raise UnknownPriceError(f"the catalogue has no provider {provider}")
    names = [model]
    prefix, _, rest = model.partition("/")
    if rest and (prefix == "models" or find_provider_by_id(providers, prefix) is seller):
        names.append(rest)
    for name in names:
        if found := seller.find_model(name, all_providers=providers):
            return Match(seller, found)
    # Some models of the catalogue match every name but the one that it gives them.
    if named := next((known for known in seller.models if known.id.lower() == model.lower()), None):
        return Match(seller, named)
    near = get_close_matches(model.lower(), [known.id for known in seller.models], n=3, cutoff=0.5)
    elsewhere = [other.id for other in providers if other is not seller and other.find_model(model)]
    hints = [f"near: {', '.join(near)}"] if near else []
    hints += [f"also sold by {', '.join(elsewhere[:3])}"] if elsewhere else []
    hint = f" ({'; '.join(hints)})" if hints else ""
    raise UnknownPriceError(f"the catalogue has no model {model} of {provider}{hint}")


def models(provider: str) -> list[str]:
    """The names of the models that a provider sells and does not advise against."""
    from genai_prices.data import providers
    from genai_prices.data_snapshot import find_provider_by_id

    seller = find_provider_by_id(providers, provider)
    return [model.id for model in seller.models if not model.deprecated] if seller else []


def quote(match: Match, tier: str, day: date, *, at: time = time(), input_tokens: int = 0) -> Quote:
    """What one unit of each class costs on a day. `input_tokens`: the size of the request, where prices depend on it.

    The catalogue dates a tier by the day on which it learned its prices. Before that day they stand in the same
    relation to the standard price. Raises UnknownPriceError for a tier that it does not know.
    """
    moment = datetime.combine(day, at, UTC)
    standard = match.model.get_prices(moment)
    if tier == STANDARD:
        return Quote(_unit_prices(_numbers(standard, input_tokens)))
    variants = tier_variants(match, tier)
    if not variants:
        raise UnknownPriceError(f"the catalogue does not know what {match.name} costs in the tier {tier}")
    if any(variant.constraint is None or variant.constraint.active(moment) for variant in variants):
        return Quote(_unit_prices(_numbers(match.model.get_prices(moment, variants[0].when), input_tokens)))
    first = min(variants, key=lambda variant: _start(variant) or date.min)
    learned = _start(first)
    assert learned is not None
    then = datetime.combine(learned, at, UTC)
    known = _numbers(match.model.get_prices(then, first.when), input_tokens)
    base = _numbers(match.model.get_prices(then), input_tokens)
    numbers = {
        key: known.get(key, price) * price / base[key] if base.get(key) else known.get(key, price)
        for key, price in _numbers(standard, input_tokens).items()
    }
    return Quote(_unit_prices(numbers), f"{tier} as known from {learned} on")


def tier_variants(match: Match, tier: str) -> list[PriceVariant]:
    """What the catalogue says about a tier of a model; nothing of models that a provider only resells."""
    when = _TIERS.get((match.provider.id, tier)) or _TIERS.get((None, tier))
    if when is None or not any(match.model is model for model in match.provider.models):
        return []
    return [variant for variant in match.model.price_variants or () if variant.when == when]


def thresholds(match: Match) -> tuple[int, ...]:
    """The sizes of a request, in input tokens, above which other prices hold, at any time."""
    from genai_prices.types import TieredPrices

    found = {
        step.start
        for prices in _every(match)
        for price in vars(prices).values()
        if isinstance(price, TieredPrices)
        for step in price.tiers
    }
    return tuple(sorted(found))


def starts(match: Match) -> list[date]:
    """The days from which other prices hold."""
    from genai_prices.types import ModelPrice, StartDateConstraint

    dated: list[Any] = [] if isinstance(match.model.prices, ModelPrice) else list(match.model.prices)
    dated += match.model.price_variants or ()
    return sorted({item.constraint.start_date for item in dated if isinstance(item.constraint, StartDateConstraint)})


def has_times_of_day(match: Match) -> bool:
    """Whether prices change within a day."""
    from genai_prices.types import ModelPrice, TimeOfDateConstraint

    dated: list[Any] = [] if isinstance(match.model.prices, ModelPrice) else list(match.model.prices)
    dated += match.model.price_variants or ()
    return any(isinstance(item.constraint, TimeOfDateConstraint) for item in dated)


def _every(match: Match) -> Iterator[ModelPrice]:
    from genai_prices.types import ModelPrice

    if isinstance(match.model.prices, ModelPrice):
        yield match.model.prices
    else:
        yield from (conditional.prices for conditional in match.model.prices)
    yield from (variant.prices for variant in match.model.price_variants or ())


def _start(variant: PriceVariant) -> date | None:
    return getattr(variant.constraint, "start_date", None)


def _numbers(prices: ModelPrice, input_tokens: int) -> dict[str, Fraction]:
    """Price key -> price of the size of request."""
    from genai_prices.types import TieredPrices

    numbers = {}
    for key, price in vars(prices).items():
        if isinstance(price, TieredPrices):
            reached = [step.price for step in price.tiers if input_tokens > step.start]
            price = reached[-1] if reached else price.base
        if price is not None:
            numbers[key] = Fraction(price)
    return numbers


def _unit_prices(numbers: Mapping[str, Fraction]) -> dict[str, Decimal]:
    """Class -> price of one unit, so that sums by class are what the catalogue calculates of its overlapping units."""
    from genai_prices.data_units import unit_data

    units = [
        (unit["dimensions"].items(), numbers[unit["price_key"]] / unit["per"])
        for unit in unit_data.values()
        if unit["price_key"] in numbers
    ]
    units.sort(key=lambda unit: -len(unit[0]))
    found = {name: _unit_price(dimensions, units) for name, dimensions in DIMENSIONS.items()}
    prices = {name: exact(price) for name, price in found.items() if price is not None}
    reasoning, output = _unit_price(_REASONING, units), found["output_tokens"]
    if reasoning is not None and output is not None and reasoning != output:
        # Reasoning is part of the output: what is asked for it on top, or less.
        prices["reasoning_tokens"] = exact(reasoning - output)
    return prices


def _unit_price(dimensions: Mapping[str, str], units: Sequence[tuple[Any, Fraction]]) -> Fraction | None:
    """The price of one unit of what has these dimensions. `units`: dimensions and price, narrow ones first."""
    holding = [(dims, price) for dims, price in units if dims <= dimensions.items()]
    counted: list[int] = []
    for number, (dims, _) in enumerate(holding):
        # Each counts what no narrower one inside it has counted.
        counted.append(1 - sum(counted[inner] for inner in range(number) if holding[inner][0] >= dims))
    prices = [count * price for count, (_, price) in zip(counted, holding, strict=True)]
    return sum(prices, Fraction()) if prices else None


def exact(number: Fraction) -> Decimal:
    """As a decimal with all of its digits, or with forty where it has no end.

    >>> exact(Fraction(3, 1_000_000))
    Decimal('0.000003')
    """
    with localcontext(prec=_DIGITS) as context:
        context.clear_flags()
        return (Decimal(number.numerator) / number.denominator).normalize()
