"""Sizes of what has no instance type, and is known from lists: services of containers, and volumes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import psycopg

from ml.savings.container_sizing import container_sizing
from ml.savings.holdings import Holdings
from ml.savings.paid import Paid
from ml.savings.recommendation import Recommendation, Window
from ml.savings.sizing import Exclusion, SizingSettings, Use
from ml.savings.volume_sizing import volume_sizing
from ml.savings.waste_settings import WasteSettings
from orchestration.lib.container_services import services_of
from orchestration.lib.inventory.store import ensure_inventory, stored_lists

_PODS = "its pods are not sized: what they ask for is not known, and smaller ones save only when a node goes"


def listed_sizes(
    connection: psycopg.Connection[Any],
    window: Window,
    paid: Sequence[Paid],
    used: Mapping[str, Use],
    settings: SizingSettings,
) -> Iterator[Recommendation | Exclusion]:
    """What smaller tasks of services, and volumes provisioned for less, would save."""
    ensure_inventory(connection)
    holdings = Holdings(window, paid, stored_lists(connection), WasteSettings(), used)
    yield from volume_sizing(holdings, settings)
    for entry in holdings.lists["clusters"]:
        if entry["cluster_kind"] == "eks" and entry["node_count"] != 0 and holdings.of(entry):
            yield Exclusion(entry["resource_id"], _PODS)
    if entries := holdings.lists["services"]:
        fresh = [entry for entry in entries if not holdings.stale(entry)]
        yield from (stale for entry in entries if (stale := holdings.stale(entry)))
        yield from container_sizing(services_of(connection, window, fresh, paid, used), settings)
