"""From the marts, utilisation and reference data to recommendations on sizes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from typing import Any

import psycopg

from ml.savings.freeable_memory import with_memory
from ml.savings.generation_change import generation_change
from ml.savings.instance_types import PriceKey, Spec
from ml.savings.paid import Paid
from ml.savings.recommendation import Recommendation
from ml.savings.right_sizing import right_sizing, system_of
from ml.savings.sizing import Exclusion, Resource, SizingSettings, Use
from orchestration.lib.config import Config
from orchestration.lib.listed_sizing import listed_sizes
from orchestration.lib.reference.tables import reference_catalogue
from orchestration.lib.savings_inputs import paid_costs, resource_window
from orchestration.lib.utilisation.tables import ensure_utilisation
from orchestration.lib.utilisation.uses import uses

KINDS = (right_sizing, generation_change)
_HOURS = frozenset({"hrs", "hours", "hour", "1 hour"})


@dataclass(frozen=True)
class Sized:
    """What is recommended, and which resources nothing can be said of, with the reason."""

    recommendations: tuple[Recommendation, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()


def right_sizing_recommendations(connection: psycopg.Connection[Any], config: Config) -> list[Recommendation]:
    """What another size, family or generation would save."""
    return list(sized(connection, config).recommendations)


def sized(connection: psycopg.Connection[Any], config: Config) -> Sized:
    """Recommendations on sizes, and the reasons where there is none."""
    settings = SizingSettings(**config.savings.rightsizing.model_dump())
    window = resource_window(connection, settings.lookback_days)
    if window is None:
        return Sized()
    ensure_utilisation(connection)
    charged, used = paid_costs(connection, window), uses(connection, window)
    paid = [one for one in charged if is_instance(one) and one.is_current]
    found = resources_of(paid, used)
    with localcontext(prec=60):
        known = reference_catalogue(connection, window.last)
        catalogue = replace(known, specs={**billed_specs(paid), **known.specs}, billed=billed_prices(paid))
        measured = [with_memory(one, catalogue) for one in found]
        results = [one for kind in KINDS for one in kind(measured, catalogue, settings)]
        results += listed_sizes(connection, window, charged, used, settings)
    return Sized(
        tuple(one for one in results if isinstance(one, Recommendation)),
        tuple(one for one in results if isinstance(one, Exclusion)),
    )


def is_instance(paid: Paid) -> bool:
    """Whether it is the running of an instance, and not its storage or traffic: those are charged by other units."""
    return paid.instance_type is not None and (paid.consumed_unit or "").lower() in _HOURS


def resources_of(paid: Iterable[Paid], used: dict[str, Use]) -> list[Resource]:
    """What is paid beside what is used, by resource. Monitors name some resources by the last part of their id alone.

    Of a resource that the bill has under several types only the newest is looked at: it was changed in the window.
    """
    by_id: dict[str, list[Paid]] = defaultdict(list)
    for one in paid:
        by_id[one.resource_id].append(one)
    names: dict[str, list[str]] = defaultdict(list)
    for resource in by_id:
        names[_short(resource)].append(resource)
    found = []
    for resource, several in by_id.items():
        newest = max(several, key=lambda one: (max(one.daily), sum(one.daily.values()), one.instance_type or ""))
        notes = ("it was changed or is charged in several places in the window",) if len(several) > 1 else ()
        short = _short(resource)
        use = used.get(resource) or (used.get(short) if len(names[short]) == 1 else None)
        found.append(Resource(newest, use, notes))
    return found


def _short(resource_id: str) -> str:
    return resource_id.rsplit(":", 1)[-1].rsplit("/", 1)[-1]


def billed_prices(paid: Iterable[Paid]) -> dict[PriceKey, Decimal]:
    """List prices an hour that the bill shows, by region, system and type. The highest, where one type is charged at several."""
    prices: dict[PriceKey, Decimal] = {}
    for one in paid:
        if one.list_cost and one.list_cost > 0 and one.consumed_quantity > 0 and one.instance_type and not one.is_spot:
            key = one.region_id or "", system_of(Resource(one, None)), one.instance_type
            price = one.list_cost / one.consumed_quantity
            prices[key] = max(prices.get(key, price), price)
    return prices


def billed_specs(paid: Iterable[Paid]) -> dict[str, Spec]:
    """What the bill itself tells of the types in use."""
    specs = {}
    for one in paid:
        cores, memory = one.price_details.get("CoreCount"), one.price_details.get("MemorySize")
        if one.instance_type and isinstance(cores, int | float) and cores > 0:
            is_told = isinstance(memory, int | float) and memory > 0
            specs[one.instance_type] = Spec(Decimal(str(cores)), Decimal(str(memory)) if is_told else None)
    return specs
