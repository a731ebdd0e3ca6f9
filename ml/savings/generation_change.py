"""A newer generation, or Graviton, in place of what an instance or a database runs on: what the reference names for its family."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ml.savings.instance_types import Catalogue, name_of
from ml.savings.recommendation import Recommendation
from ml.savings.right_sizing import advice, fit_of, not_sizable, system_of
from ml.savings.sizing import Exclusion, Resource, SizingSettings


def generation_change(
    resources: Sequence[Resource], catalogue: Catalogue, settings: SizingSettings
) -> Iterator[Recommendation | Exclusion]:
    """The cheapest successor that carries the use, one with and one without a change of architecture.

    What nothing can be said of is said by right-sizing, which asks for the same.
    """
    for resource in resources:
        if not_sizable(resource, settings):
            continue
        use, current = resource.use, resource.paid.instance_type
        assert use is not None
        assert current is not None
        for is_graviton in (False, True):
            carried = [
                (*priced, proposed, fit)
                for proposed in catalogue.successors_of(current)
                if (name := name_of(proposed)) and name.is_graviton == is_graviton
                if (fit := fit_of(use, current, proposed, catalogue, settings))
                if (
                    priced := catalogue.price_ratio(
                        resource.paid.region_id or "", system_of(resource), current, proposed
                    )
                )
                if priced[0] < 1
            ]
            if not carried:
                continue
            ratio, basis, proposed, fit = min(carried, key=lambda one: (one[0], one[2]))
            found = advice(resource, "generation_change", proposed, ratio, basis, fit, settings)
            yield _of_other_architecture(found) if is_graviton and not _is_graviton(current) else found


def _is_graviton(instance_type: str) -> bool:
    name = name_of(instance_type)
    return name is not None and name.is_graviton


def _of_other_architecture(found: Recommendation) -> Recommendation:
    """A database moves as it is; other software has to be there for arm64."""
    if found.resource_type == "database":
        return found
    return replace(
        found,
        effort="high",
        risk="high" if found.risk == "high" else "medium",
        risk_reason=f"{found.risk_reason} Software has to be built for arm64.",
        confidence="low" if found.confidence == "low" else "medium",
        confidence_reason=f"{found.confidence_reason} Whether its software runs on arm64 is not known.",
    )
