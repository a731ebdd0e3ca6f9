"""What a single price rule or model class cannot know: whether another says something else of the same usage and days."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from orchestration.lib.config_ai import ModelClass, PriceDiscount, PriceOverride, Substitution, TierPrice
from orchestration.lib.config_document import Document, Location, path_text


def check_prices(
    document: Document,
    overrides: dict[Location, PriceOverride],
    discounts: dict[Location, PriceDiscount],
    tiers: dict[Location, TierPrice],
) -> None:
    """Report names that occur twice, and rules of the very same usage that hold on some of the same days."""
    seen: dict[str, Location] = {}
    for location, rule in {**overrides, **discounts}.items():
        first = seen.setdefault(rule.name, location)
        if first != location:
            where = (*location, "name")
            document.report(where, f"{document.shown(where)} is also {path_text(first)}. Each may occur once.")
    for first, second in combinations(overrides, 2):
        one, other = overrides[first], overrides[second]
        same = sorted(one.unit_prices.keys() & other.unit_prices.keys())
        if one.scope == other.scope and same and one.overlaps(other):
            _report_overlap(document, first, second, f"the override {other.name!r} gives {', '.join(same)}")
    for first, second in combinations(discounts, 2):
        if discounts[first].scope == discounts[second].scope and discounts[first].overlaps(discounts[second]):
            _report_overlap(document, first, second, f"the discount {discounts[second].name!r} is for the same usage")
    for first, second in combinations(tiers, 2):
        tier, later = tiers[first], tiers[second]
        if (tier.provider, tier.service_tier) == (later.provider, later.service_tier) and tier.overlaps(later):
            _report_overlap(document, first, second, f"the tier {later.service_tier} of {later.provider} has a price")


def check_model_classes(
    document: Document, classes: Mapping[Location, ModelClass], substitutions: Mapping[Location, Substitution]
) -> None:
    """Report models that are listed twice, and classes whose traffic has two lists of candidates."""
    listed: dict[str, Location] = {}
    for location, model_class in classes.items():
        for index, model in enumerate(model_class.models):
            where = (*location, "models", index)
            first = listed.setdefault(model.lower(), where)
            if first != where:
                document.report(where, f"{document.shown(where)} is also {path_text(first)}. A model has one class.")
    traffic: dict[str, Location] = {}
    for location, substitution in substitutions.items():
        first = traffic.setdefault(substitution.traffic, location)
        if first != location:
            where = (*location, "traffic")
            document.report(where, f"{document.shown(where)} is also {path_text(first)}. List all candidates in one.")


def _report_overlap(document: Document, first: Location, second: Location, what: str) -> None:
    document.report(
        second,
        f"{what} as {path_text(first)} does on some of the same days. "
        "Set valid_from and valid_to so that one ends where the next begins.",
    )
