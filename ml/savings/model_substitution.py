"""The same traffic priced on other models of its capability class, and on the same model of another provider."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ml.savings.inputs import Candidate, Inputs
from ml.savings.prices import canonical
from ml.savings.recommendation import Level, Recommendation, estimate, lower
from ml.savings.traffic import Traffic, by_day, text

# Vendors count tokens differently: the same text has been seen to have up to a fifth more of them.
_MORE_TOKENS = Decimal("1.2")
_MOST_CANDIDATES = 3
_SHORT_ANSWER = 16
"""Answers of at most so many tokens are a word, a label or a number, for which a smaller model may do."""
_VENDORS = {"claude": "anthropic", "gpt": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "nova": "amazon"}


def substitutions(inputs: Inputs) -> Iterator[Recommendation]:
    """For each traffic the candidates that would have cost least."""
    for traffic in inputs.traffics:
        short = _answers_are_short(traffic)
        found = [
            one
            for candidate in inputs.candidates.get((traffic.provider, traffic.model), ())
            if (short or not candidate.is_smaller) and (one := _priced_on(traffic, candidate, inputs)) is not None
        ]
        found.sort(key=lambda one: (-one.estimate.low, -one.estimate.saving, one.proposed))
        yield from found[:_MOST_CANDIDATES]


def _answers_are_short(traffic: Traffic) -> bool:
    written = sum((day.tokens("output_tokens") for day in traffic.days), Decimal(0))
    return bool(traffic.requests) and 0 < written <= _SHORT_ANSWER * (traffic.requests or Decimal(0))


def _priced_on(traffic: Traffic, candidate: Candidate, inputs: Inputs) -> Recommendation | None:
    """What the traffic would have cost on another model: as much less than was paid as its tokens cost less by the prices."""
    provider, model = candidate.provider, candidate.model
    costs = []
    for usage in traffic.days:
        own = inputs.prices.cost(usage, traffic.provider, traffic.model, traffic.service_tier)
        other = inputs.prices.cost(usage, provider, model, traffic.service_tier)
        if own is None or other is None:
            return None
        costs.append(usage.cost * other / own if own else usage.cost)
    new = sum(costs, Decimal(0))
    if new >= traffic.cost:
        return None
    is_same = canonical(model) == canonical(traffic.model)
    other_vendor = not is_same and _vendor(provider, model) != _vendor(traffic.provider, traffic.model)
    saved = [usage.cost - cost for usage, cost in zip(traffic.days, costs, strict=True)]
    least = Decimal(1)
    if other_vendor:
        least = max((traffic.cost - new * _MORE_TOKENS) / (traffic.cost - new), Decimal(0))
    days = inputs.window.days
    # Prices can be known and answers cannot, so that every change that leaves the answers alone goes before.
    confidence: Level = "high" if is_same else "low"
    share = f"{100 * new / traffic.cost:.0f} %"
    return Recommendation(
        kind="provider_comparison" if is_same else "model_substitution",
        **traffic.subject(),
        current=traffic.title,
        proposed=f"{model} at {provider}",
        change=f"Send {traffic.operation} of this key to {model} at {provider}.",
        reason=f"The same tokens would have cost {share} of what was paid."
        + (" Answers are a few tokens long: a model of another class may do." if candidate.is_smaller else ""),
        estimate=estimate(inputs.window, by_day(traffic.days), by_day(traffic.days, saved), least=least),
        # What it takes to know: a day of the traffic on the candidate, beside the present model.
        one_off_cost=(new / days).quantize(Decimal("0.0000000001")),
        effort="high" if traffic.operation == "embeddings" else "medium",
        risk="low" if is_same else "high" if other_vendor or candidate.is_smaller else "medium",
        risk_reason="The same model, but limits, regions and terms of another provider."
        if is_same
        else "Vectors of different models do not compare: everything has to be embedded anew."
        if traffic.operation == "embeddings"
        else "Answers differ between models: evaluate on your own cases before you switch.",
        confidence=lower(confidence, inputs.window),
        confidence_reason=_why(is_same=is_same, other_vendor=other_vendor),
        evidence={
            **traffic.facts(),
            "candidate_cost": text(new),
            "rests_on": "priced by day, tier and token class on the candidate's prices, own discounts taken off",
        },
    )


def _why(*, is_same: bool, other_vendor: bool) -> str:
    if is_same:
        return "The same model and the same tokens, at known prices."
    if other_vendor:
        return "Prices are known, but another vendor counts tokens differently; the lower end allows for a fifth more."
    return "Prices are known and tokens are counted alike; whether the answers are good enough is not."


def _vendor(provider: str, model: str) -> str:
    """Who made the model: a provider such as Bedrock serves those of many."""
    name = canonical(model)
    return next((vendor for beginning, vendor in _VENDORS.items() if name.startswith(beginning)), provider)
