"""Which models may stand in for a model: those of the classes that the settings allow for its class."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase

from orchestration.lib.ai import catalogue
from orchestration.lib.ai.catalogue import UnknownPriceError
from orchestration.lib.config_ai import AiOptimization


@dataclass(frozen=True, order=True)
class Candidate:
    """A model of the catalogue that may do the work of another."""

    provider: str
    model: str
    model_class: str


def candidates(provider: str, model: str, settings: AiOptimization | None = None) -> list[Candidate]:
    """The models that may be proposed for the traffic of a model, of all providers; none for a model of no class.

    A provider's names for one model are one candidate; the model itself is none. What candidates cost is `unit_prices`.
    """
    settings = settings or AiOptimization()
    try:
        own = catalogue.find(provider, model)
    except UnknownPriceError:
        return []
    traffic = class_of(own.name, settings)
    allowed = [name for rule in settings.substitutions if rule.traffic == traffic for name in rule.candidates]
    found = {
        Candidate(seller, name, listed.name)
        for listed in settings.model_classes
        if listed.name in allowed
        for seller in {pattern.partition("/")[0] for pattern in listed.models}
        for name in catalogue.models(seller)
        if class_of(f"{seller}/{name}", settings) == listed.name and f"{seller}/{name}" != own.name
    }
    return sorted(found)


def class_of(name: str, settings: AiOptimization) -> str | None:
    """The class of a model of the catalogue, written provider/name: the first that lists it."""
    for listed in settings.model_classes:
        if any(fnmatchcase(name.lower(), pattern.lower()) for pattern in listed.models):
            return listed.name
    return None
