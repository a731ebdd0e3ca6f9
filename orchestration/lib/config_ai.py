"""Settings of AI usage: what it costs where the catalogue does not say, and which models may stand in for each other."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import Field, model_validator

from orchestration.lib.config_ai_rules import AiSavings
from orchestration.lib.config_base import Dated, Settings, Text
from orchestration.lib.formats.ai_usage import TOKEN_CLASSES, UNIT_CLASSES

Price = Annotated[Decimal, Field(ge=0, max_digits=38, decimal_places=18)]
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=18, decimal_places=10)]
ModelClassName = Literal["small", "medium", "large", "reasoning", "embedding"]

PER_UNIT_CLASSES = ("request_count", *UNIT_CLASSES)


class PriceRule(Dated):
    """What a price rule is for. `model` may hold `*`; without it every model, and usage that names none, is meant."""

    name: Text
    provider: Text
    model: Text | None = None
    service_tier: Text | None = None
    context_window: Text | None = None

    @property
    def scope(self) -> tuple[str | None, ...]:
        """Equal for rules of the very same usage."""
        texts = (self.provider, self.model, self.service_tier, self.context_window)
        return tuple(text and text.lower() for text in texts)


class PriceOverride(PriceRule):
    """Own prices in US dollars, in place of those of the catalogue. No discount is taken off them.

    Without a tier they are those of the standard tier: half of a price is not known by whole ones.
    """

    service_tier: Text = "standard"
    per_million_tokens: Annotated[dict[Text, Price], Field(min_length=1)] | None = None
    per_unit: Annotated[dict[Text, Price], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _known_classes(self) -> PriceOverride:
        if self.per_million_tokens is None and self.per_unit is None:
            raise ValueError("needs prices: per_million_tokens, per_unit, or both")
        for field, classes in (("per_million_tokens", TOKEN_CLASSES), ("per_unit", PER_UNIT_CLASSES)):
            if unknown := sorted(set(getattr(self, field) or ()) - set(classes)):
                raise ValueError(f"{field} has no {', '.join(unknown)}. Allowed: {', '.join(classes)}")
        return self

    @property
    def unit_prices(self) -> dict[str, Decimal]:
        """Class -> price of one unit."""
        tokens = {name: price.scaleb(-6) for name, price in (self.per_million_tokens or {}).items()}
        return tokens | (self.per_unit or {})


class PriceDiscount(PriceRule):
    """What was negotiated: so many per cent off the prices of the catalogue, in every tier unless one is named."""

    percent: Percent


class TierPrice(Dated):
    """What a service tier costs, in per cent of the standard price of tokens, where the catalogue does not know it."""

    provider: Text
    service_tier: Text
    percent: Annotated[Decimal, Field(ge=0, le=1000, max_digits=18, decimal_places=10)]
    source: Text


TIER_PRICES = (
    TierPrice(
        provider="openai",
        service_tier="batch",
        percent=Decimal(50),
        valid_from=date(2024, 4, 15),
        source="OpenAI Batch API: half of the standard price of input and output tokens",
    ),
    TierPrice(
        provider="anthropic",
        service_tier="batch",
        percent=Decimal(50),
        valid_from=date(2024, 10, 8),
        source="Anthropic Message Batches API: half of the standard price of all tokens",
    ),
)
"""What the providers publish about tiers for all of their models."""


class AiPrices(Settings):
    """Prices of AI usage besides the catalogue. Of several entries for the same usage the first in the list counts."""

    overrides: tuple[PriceOverride, ...] = ()
    discounts: tuple[PriceDiscount, ...] = ()
    tier_prices: tuple[TierPrice, ...] = TIER_PRICES


class ModelClass(Settings):
    """Models that do the same kind of work: `provider/name`, where the name is the catalogue's and may hold `*`."""

    name: ModelClassName
    models: Annotated[tuple[Annotated[Text, Field(pattern=r"^[a-z0-9-]+/.+$")], ...], Field(min_length=1)]
    reason: Text


class Substitution(Settings):
    """Models of these classes may be proposed for traffic of one class."""

    traffic: ModelClassName
    candidates: Annotated[tuple[ModelClassName, ...], Field(min_length=1)]


MODEL_CLASSES = (
    ModelClass(
        name="small",
        reason="As of November 2026, the providers' fast and cheap models for classifying, extracting and routing.",
        models=(
            "openai/gpt-4o-mini",
            "openai/gpt-4.1-mini",
            "openai/gpt-4.1-nano",
            "openai/gpt-5-mini",
            "openai/gpt-5-nano",
            "openai/gpt-5.4-mini",
            "openai/gpt-5.4-nano",
            "openai/gpt-5.6-luna",
            "openai/gpt-6-luna",
            "anthropic/claude-3-haiku",
            "anthropic/claude-3-5-haiku-latest",
            "anthropic/claude-haiku-*",
            "aws/*amazon.nova-micro-*",
            "aws/*amazon.nova-lite-*",
            "aws/*amazon.nova-2-lite-*",
            "aws/*anthropic.claude-3-haiku-*",
            "aws/*anthropic.claude-3-5-haiku-*",
            "aws/*anthropic.claude-haiku-*",
            "aws/*openai.gpt-*-luna",
        ),
    ),
    ModelClass(
        name="medium",
        reason="As of November 2026, the providers' models for most work: chat, code, agents with tools.",
        models=(
            "openai/gpt-4o",
            "openai/gpt-4.1",
            "openai/gpt-5",
            "openai/gpt-5.1",
            "openai/gpt-5.2",
            "openai/gpt-5.4",
            "openai/gpt-5.6-terra",
            "openai/gpt-6.1-terra",
            "anthropic/claude-3-5-sonnet",
            "anthropic/claude-3-7-sonnet-latest",
            "anthropic/claude-sonnet-*",
            "aws/*amazon.nova-pro-*",
            "aws/*anthropic.claude-3-5-sonnet-*",
            "aws/*anthropic.claude-3-7-sonnet-*",
            "aws/*anthropic.claude-sonnet-*",
            "aws/*openai.gpt-*-terra",
        ),
    ),
    ModelClass(
        name="large",
        reason="As of November 2026, the providers' strongest models of their generation, for work that others fail at.",
        models=(
            "openai/gpt-4",
            "openai/gpt-4-turbo",
            "openai/gpt-4.5-preview",
            "openai/gpt-5.5",
            "openai/gpt-5.6-sol",
            "openai/gpt-6-sol",
            "openai/gpt-6.1-sol",
            "anthropic/claude-3-opus-latest",
            "anthropic/claude-opus-*",
            "aws/*amazon.nova-premier-*",
            "aws/*anthropic.claude-opus-*",
            "aws/*anthropic.claude-3-opus-*",
            "aws/*openai.gpt-*-sol",
        ),
    ),
    ModelClass(
        name="reasoning",
        reason="As of November 2026, models that always reason before they answer: more output tokens for the same question.",
        models=("openai/o1", "openai/o1-mini", "openai/o3", "openai/o3-mini", "openai/o4-mini", "aws/deepseek.r1-*"),
    ),
    ModelClass(
        name="embedding",
        reason="As of November 2026. Vectors of different models do not compare: a change means to embed everything anew.",
        models=("openai/text-embedding-*", "aws/amazon.titan-embed-text-*", "aws/cohere.embed-*"),
    ),
)
"""The classes of the models of OpenAI, Anthropic and Amazon Bedrock, by what their providers offer them for."""

SUBSTITUTIONS = tuple(Substitution(traffic=listed.name, candidates=(listed.name,)) for listed in MODEL_CLASSES)


class AiOptimization(AiSavings):
    """Which models may be proposed in place of which, by default any of the same class; and what else savings rest on."""

    model_classes: tuple[ModelClass, ...] = MODEL_CLASSES
    substitutions: tuple[Substitution, ...] = SUBSTITUTIONS
