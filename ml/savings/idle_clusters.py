"""Clusters of ECS without tasks: the cluster costs nothing, the instances that wait in it do."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ml.savings.holdings import Entry, Holdings, bare
from ml.savings.recommendation import Recommendation
from ml.savings.sizing import Exclusion
from ml.savings.waste_advice import Words, advice, days_since

Found = Iterator[Recommendation | Exclusion]


def empty_cluster(holdings: Holdings, entry: Entry) -> Found:
    """The instances of a cluster in which no task runs, whatever their CPU does."""
    if entry.get("node_count") != 0:
        return
    ages = {bare(one["resource_id"]): days_since(one, "created_on") for one in holdings.lists.get("instances", ())}
    for name in (entry.get("instances") or "").split():
        holding = holdings.of({**entry, "resource_id": name})
        if holding is None:
            continue
        if stale := holdings.stale(entry):
            yield stale
            return
        # What was started a moment ago may be on its way to be used.
        age = ages.get(name)
        if age is not None and age < holdings.settings.idle_days:
            continue
        cluster = bare(entry["resource_id"])
        yield advice(
            holding,
            "idle_resource",
            "instance",
            holding.saved(Decimal(1)),
            Words(
                current=f"instance of the cluster {cluster}, in which no task runs",
                proposed=f"no instance in the cluster {cluster}",
                change="Let the Auto Scaling group of the cluster have no instances, or delete both.",
                reason="It waits for tasks, and there are none.",
                risk_reason="A cluster that is filled once a month looks the same: its owner knows.",
                confidence_reason="Its tasks are listed on one day only.",
            ),
            evidence={"tasks": 0, "cluster": entry["resource_id"], "rests_on": "inventory, effective cost by day"},
            confidence="medium",
            risk="medium",
        )
