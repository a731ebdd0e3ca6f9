"""The same traffic priced on other models of its capability class, and on the same model of another provider."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from fnmatch import fnmatchcase

from ml.savings.inputs import Inputs
from ml.savings.prices import canonical
from ml.savings.recommendation import Level, Recommendation, estimate, lower
from ml.savings.traffic import Traffic, by_day, text

# Vendors count tokens differently: the same text has been seen to have up to a fifth more of them.
_MORE_TOKENS = Decimal("1.2")
_MOST_CANDIDATES = 3
_SHORT_ANSWER = 16
_SMALLER = {"large": "medium", "medium": "small"}
"""What is proposed besides the own class where answers have at most so many tokens: a word, a label, a number."""
_VENDORS = {"claude": "anthropic", "gpt": "openai", "o1": "openai", "o3": "openai", "o4": "openai", "nova": "amazon"}


def substitutions(inputs: Inputs) -> Iterator[Recommendation]:
    """For each traffic the candidates that would have cost least."""
    known = inputs.prices.models()
    for traffic in inputs.traffics:
        found = [
            one
            for candidate in _candidates(traffic, inputs, known)
            if (one := _priced_on(traffic, *candidate, inputs)) is not None
        ]
        found.sort(key=lambda one: (-one.estimate.low, -one.estimate.saving, one.proposed))
        yield from found[:_MOST_CANDIDATES]


def _candidates(traffic: Traffic, inputs: Inputs, known: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """The same model elsewhere, and models of the classes that may stand in for its own."""
    name = canonical(traffic.model)
    own = _classes((traffic.provider, traffic.model), inputs)
    allowed = {other for one in own for other in inputs.settings.substitutions.get(one, (one,))}
    if _answers_are_short(traffic):
        allowed |= {_SMALLER[one] for one in own if one in _SMALLER}
    return [
        candidate
        for candidate in known
        if (candidate[0] != traffic.provider and canonical(candidate[1]) == name)
        or (canonical(candidate[1]) != name and allowed.intersection(_classes(candidate, inputs)))
    ]


def _classes(model: tuple[str, str], inputs: Inputs) -> set[str]:
    names = {f"{model[0]}/{model[1]}", f"{model[0]}/{canonical(model[1])}"}
    return {
        one
        for one, patterns in inputs.settings.model_classes.items()
        if any(fnmatchcase(name, pattern) for name in names for pattern in patterns)
    }


def _answers_are_short(traffic: Traffic) -> bool:
    """Whether it answers with a word or a label, for which a smaller model may do."""
    written = sum((day.tokens("output_tokens") for day in traffic.days), Decimal(0))
    return bool(traffic.requests) and 0 < written <= _SHORT_ANSWER * (traffic.requests or Decimal(0))


def _priced_on(traffic: Traffic, provider: str, model: str, inputs: Inputs) -> Recommendation | None:
    costs = [inputs.prices.cost(usage, provider, model, traffic.service_tier) for usage in traffic.days]
    known = [cost for cost in costs if cost is not None]
    if len(known) < len(costs) or sum(known, Decimal(0)) >= traffic.cost:
        return None
    is_same = canonical(model) == canonical(traffic.model)
    own = _classes((traffic.provider, traffic.model), inputs)
    is_smaller = not is_same and not own & _classes((provider, model), inputs)
    other_vendor = not is_same and _vendor(provider, model) != _vendor(traffic.provider, traffic.model)
    saved = [usage.cost - cost for usage, cost in zip(traffic.days, known, strict=True)]
    new = sum(known, Decimal(0))
    least = Decimal(1)
    if other_vendor:
        least = max((traffic.cost - new * _MORE_TOKENS) / (traffic.cost - new), Decimal(0))
    days = inputs.window.days
    confidence: Level = "high" if is_same else "low" if other_vendor or is_smaller else "medium"
    share = f"{100 * new / traffic.cost:.0f} %"
    return Recommendation(
        kind="provider_comparison" if is_same else "model_substitution",
        **traffic.subject(),
        current=traffic.title,
        proposed=f"{model} at {provider}",
        change=f"Send {traffic.operation} of this key to {model} at {provider}.",
        reason=f"The same tokens would have cost {share} of what was paid."
        + (" Answers are a few tokens long: a model of another class may do." if is_smaller else ""),
        estimate=estimate(inputs.window, by_day(traffic.days), by_day(traffic.days, saved), least=least),
        # What it takes to know: a day of the traffic on the candidate, beside the present model.
        one_off_cost=(new / days).quantize(Decimal("0.0000000001")),
        effort="medium",
        risk="low" if is_same else "high" if other_vendor or is_smaller else "medium",
        risk_reason="The same model, but limits, regions and terms of another provider."
        if is_same
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
