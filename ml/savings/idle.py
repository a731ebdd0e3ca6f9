"""What does nothing: idle instances and databases, load balancers and NAT gateways without traffic, empty clusters."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import partial

from ml.savings.histogram import Histogram
from ml.savings.holdings import Entry, Holding, Holdings
from ml.savings.idle_clusters import empty_cluster
from ml.savings.recommendation import Level, Recommendation
from ml.savings.sizing import CPU, NETWORK_IN, NETWORK_OUT, Exclusion, Use
from ml.savings.waste_advice import Words, advice, aws, days_since

_CONNECTIONS = "DatabaseConnections"
_NEARLY_ALWAYS = 99.0
_ALL = Decimal(1)
_FLOWS = {
    "load_balancers": ("load balancer", ("RequestCount", "NewFlowCount", "ActiveFlowCount"), "requests"),
    "nat_gateways": ("NAT gateway", ("BytesOutToDestination",), "bytes out"),
}
_DELETES = {
    "load_balancers": "elbv2 delete-load-balancer --load-balancer-arn {arn}",
    "nat_gateways": "ec2 delete-nat-gateway --nat-gateway-id {id}",
}
Found = Iterator[Recommendation | Exclusion]
Look = Callable[[Holding, Holdings, Entry], Found]


def idle(holdings: Holdings) -> Found:
    """For each listed resource that is running: whether it does anything."""
    for entry in holdings.lists.get("instances", ()):
        if entry["state"] in ("running", "available"):
            yield from _looked_at(holdings, entry, _instance)
    for name in _FLOWS:
        for entry in holdings.lists.get(name, ()):
            yield from _looked_at(holdings, entry, partial(_flow, name=name))
    for entry in holdings.lists.get("clusters", ()):
        if entry.get("cluster_kind") == "ecs":
            yield from empty_cluster(holdings, entry)
        else:
            yield from _looked_at(holdings, entry, _cluster)


def _looked_at(holdings: Holdings, entry: Entry, look: Look) -> Found:
    holding = holdings.of(entry)
    if holding is None:
        return
    if stale := holdings.stale(entry):
        yield stale
        return
    yield from look(holding, holdings, entry)


def _instance(holding: Holding, holdings: Holdings, entry: Entry) -> Found:
    use, settings = holdings.use_of(holding.resource_id), holdings.settings
    is_database = entry.get("resource_type") == "DB Instance"
    if holding.main.is_spot:
        yield Exclusion(holding.resource_id, "a spot instance: it can be taken away, and costs what the market says")
        return
    if use is None or (_CONNECTIONS if is_database else CPU) not in use.metrics:
        what = "no connections are" if is_database else "no CPU utilisation is"
        yield Exclusion(holding.resource_id, f"{what} known of it")
        return
    if use.days < settings.idle_days:
        yield Exclusion(holding.resource_id, f"it was measured on {use.days} days; {settings.idle_days} are needed")
        return
    if is_database:
        if use.metrics[_CONNECTIONS].maximum == 0:
            yield _database(holding, use, entry)
        return
    cpu = use.metrics[CPU]
    networks = [use.metrics[name] for name in (NETWORK_IN, NETWORK_OUT) if name in use.metrics]
    traffic = sum(one.mean for one in networks)
    if cpu.percentile(_NEARLY_ALWAYS) > settings.cpu_percent or traffic > settings.network_bytes_per_second:
        return
    kind = entry.get("instance_type") or holding.main.instance_type or "instance"
    yield advice(
        holding,
        "idle_resource",
        "instance",
        holding.saved(_ALL, least=_ALL if networks else Decimal("0.5")),
        Words(
            current=f"{kind}, CPU {cpu.mean:.1f} % on average",
            proposed="no instance",
            change="Make an image of it if in doubt, then terminate it.",
            reason=f"In {_NEARLY_ALWAYS:.0f} % of {use.days} days its CPU was at most {cpu.percentile(_NEARLY_ALWAYS):.1f} %"
            + (f", and its network moved {traffic:,.0f} bytes a second." if networks else "."),
            risk_reason="A standby that waits for a failure looks the same: its owner knows.",
            confidence_reason="CPU and network are measured."
            if networks
            else "CPU is measured, its network is not: it may pass on what costs no CPU.",
            command=aws(holding, "ec2 terminate-instances --instance-ids {id}"),
        ),
        evidence=_facts(use, CPU, cpu),
        confidence="high" if networks else "medium",
        risk="medium",
    )


def _database(holding: Holding, use: Use, entry: Entry) -> Recommendation:
    return advice(
        holding,
        "idle_resource",
        "database",
        holding.saved(_ALL),
        Words(
            current=f"{entry.get('instance_type') or 'database'} without a connection",
            proposed="no database",
            change="Take a last snapshot, then delete it.",
            reason=f"Nobody was connected to it in {use.days} days.",
            risk_reason="A job that runs once a quarter would not find it: the snapshot can be restored.",
            confidence_reason="Connections are counted. What the last snapshot costs is not taken off.",
            command=aws(
                holding,
                "rds delete-db-instance --db-instance-identifier {id} --final-db-snapshot-identifier {id}-final",
            ),
        ),
        evidence=_facts(use, _CONNECTIONS, use.metrics[_CONNECTIONS]),
        risk="medium",
    )


def _flow(holding: Holding, holdings: Holdings, entry: Entry, name: str) -> Found:
    words, metrics, unit = _FLOWS[name]
    use = holdings.use_of(holding.resource_id)
    has_no_target = entry.get("target_count") == 0
    measured = [use.metrics[metric] for metric in metrics if metric in use.metrics] if use else []
    days = use.days if use and measured else 0
    if not has_no_target and days < holdings.settings.idle_days:
        known = f"its {unit} are known of {days} days; {holdings.settings.idle_days} are needed"
        yield Exclusion(holding.resource_id, known)
        return
    if any(one.maximum > 0 for one in measured):
        return
    age = days_since(entry, "created_on")
    if has_no_target and not measured and age is not None and age < holdings.settings.idle_days:
        return
    confidence: Level = "high" if measured else "medium"
    yield advice(
        holding,
        "idle_resource",
        words,
        holding.saved(_ALL),
        Words(
            current=f"{words} without {'targets' if has_no_target else unit}",
            proposed=f"no {words}",
            change="Ask its owner, then delete it.",
            reason=f"No {unit} in {days} days." if measured else "It has no target that it could pass anything to.",
            risk_reason="What is only used in an emergency looks the same: its owner knows.",
            confidence_reason="Traffic is counted."
            if measured
            else "Its targets are listed; its traffic is not measured.",
            command=aws(holding, _DELETES[name]),
        ),
        evidence={"days_measured": days, "targets": entry.get("target_count"), "rests_on": "traffic by day, inventory"},
        confidence=confidence,
    )


def _cluster(holding: Holding, holdings: Holdings, entry: Entry) -> Found:
    age = days_since(entry, "created_on")
    if entry.get("node_count") is None:
        yield Exclusion(holding.resource_id, "how many nodes it has is not known")
    elif entry["node_count"] == 0 and (age is None or age >= holdings.settings.idle_days):
        yield advice(
            holding,
            "idle_resource",
            "cluster",
            holding.saved(_ALL),
            Words(
                current="cluster without nodes",
                proposed="no cluster",
                change="Keep its manifests, then delete it.",
                reason="Nothing runs in it, and its control plane is paid by the hour.",
                risk_reason="A cluster that is filled once a month looks the same: its owner knows.",
                confidence_reason="Its nodes are listed on one day only.",
                command=aws(holding, "eks delete-cluster --name {id}"),
            ),
            evidence={"nodes": 0, "rests_on": "inventory"},
            confidence="medium",
        )


def _facts(use: Use, metric: str, one: Histogram) -> dict[str, object]:
    return {
        "metric": metric,
        "maximum": f"{one.maximum:.2f}",
        "mean": f"{one.mean:.2f}",
        "days_measured": use.days,
        "measurements": one.count,
        "rests_on": "utilisation by day, inventory, effective cost by day",
    }
