"""What is there, as describe calls and the storage analysis of S3 tell it: one list for each kind of resource."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from ..charges import Charge
from ..estate import Resource, seeded
from .planted import READ_SHARE, UPLOADS_SHARE, VERSIONS_SHARE, Plan

_GB = 1 << 30
# Ages of objects in days: from, until.
_OLD, _YOUNG = (365, 730), (0, 15)
_LISTS = {
    "Instance": "instances",
    "DB Instance": "instances",
    "Volume": "volumes",
    "Snapshot": "snapshots",
    "IP Address": "addresses",
    "Load Balancer": "load_balancers",
    "NAT Gateway": "nat_gateways",
    "Cluster": "clusters",
    "Bucket": "buckets",
}


def inventory(plan: Plan, seed: int) -> dict[str, list[dict[str, Any]]]:
    """The entries of each list by its name, in the order of the bill's resources."""
    rng = seeded(seed, plan.estate.source.name, "inventory")
    lists: dict[str, list[dict[str, Any]]] = {name: [] for name in _LISTS.values()}
    for index, role in plan.roles.items():
        row = plan.estate.resources[index]
        common = _common(row.charge, plan.end)
        ago = plan.end - timedelta(days=int(rng.integers(200, 500)))
        kind = row.charge.sku.resource_type
        lists[_LISTS[kind]].extend(
            common | entry
            for entry in _entries(kind, row, role.behaviour, ago, plan.end, f"{int(rng.integers(1 << 40)):017x}")
        )
    return lists


def _common(charge: Charge, end: date) -> dict[str, Any]:
    """Ids are written here as describe calls write them, without the ARN around them."""
    bare = (charge.resource_id or "").replace(":", "/").rsplit("/", 1)[-1]
    is_arn = charge.sku.resource_type == "Load Balancer"
    return {
        "resource_id": charge.resource_id if is_arn else bare,
        "sub_account_id": charge.account.account_id,
        "region_id": charge.region,
        "observed_on": end.isoformat(),
    }


def _entries(kind: str, row: Resource, behaviour: str, ago: date, end: date, other: str) -> Iterator[dict[str, Any]]:
    sku = row.charge.sku
    if kind in ("Instance", "DB Instance"):
        yield {
            "resource_type": kind,
            "instance_type": sku.instance_type,
            "state": "running",
            "created_on": ago.isoformat(),
        }
    elif kind == "Volume":
        yield _volume(row, behaviour, ago, other)
    elif kind == "Snapshot":
        yield _snapshot(row, behaviour, ago, end, other)
    elif kind == "IP Address":
        yield {"attached_to": None if behaviour == "unattached" else f"eni-{other}"}
    elif kind == "Load Balancer":
        yield {"state": "active", "target_count": 0 if behaviour == "idle" else 3, "created_on": ago.isoformat()}
    elif kind == "NAT Gateway":
        yield {"state": "available", "created_on": ago.isoformat()}
    elif kind == "Cluster":
        yield {"cluster_kind": "eks", "node_count": 0 if behaviour == "empty" else 6, "created_on": ago.isoformat()}
    else:
        yield from _bucket(row, behaviour)


def _volume(row: Resource, behaviour: str, ago: date, other: str) -> dict[str, Any]:
    """Sizes are what is billed, in whole GB."""
    volume_type = row.charge.sku.usage_type.rsplit(".", 1)[-1]
    size = round(row.daily * 30.4 / row.charge.sku.price)
    return {
        "volume_type": volume_type,
        "size_gb": size,
        "iops": min(max(3 * size, 100), 16000) if volume_type == "gp2" else 3000,
        "state": "available" if behaviour == "unattached" else "in-use",
        "attached_to": None if behaviour == "unattached" else f"i-{other}",
        "created_on": ago.isoformat(),
    }


def _snapshot(row: Resource, behaviour: str, ago: date, end: date, other: str) -> dict[str, Any]:
    """Each has a volume of its own, except that old ones have a newer copy, which costs next to nothing."""
    created = end - timedelta(days=20) if behaviour == "young snapshot" else ago
    return {
        "volume_id": f"vol-{other}",
        "size_gb": round(row.daily * 30.4 / row.charge.sku.price),
        "image_id": f"ami-{other}" if behaviour == "image snapshot" else None,
        "is_newest": behaviour in ("newest snapshot", "young snapshot"),
        "created_on": created.isoformat(),
    }


def _bucket(row: Resource, behaviour: str) -> Iterator[dict[str, Any]]:
    """Standard storage by the age of its objects, and what was read of it in 30 days."""
    stored = int(row.daily * 30.4 / row.charge.sku.price * _GB)

    def part(share: object, age: tuple[int, int], size: int, read: object = 0, part: str = "current") -> dict[str, Any]:
        held = int(stored * float(str(share)))
        return {
            "storage_class": "STANDARD",
            "part": part,
            "age_from_days": age[0],
            "age_to_days": age[1],
            "stored_bytes": held,
            "object_count": max(held // size, 1),
            "retrieved_bytes": int(held * float(str(read))),
            "get_requests": int(held * float(str(read))) // size,
            "period_days": 30,
        }

    large = 64 << 20
    hot = part(1, _YOUNG, large, 2)
    if behaviour == "cold":
        yield part(1, _OLD, large)
    elif behaviour == "cool":
        yield part(1, _OLD, large, READ_SHARE)
    elif behaviour == "small objects":
        yield part(1, _OLD, 20 << 10)
    elif behaviour == "read often":
        yield part(1, _OLD, large, 3)
    elif behaviour == "uploads":
        yield part(1 - UPLOADS_SHARE, _YOUNG, large, 2)
        yield part(UPLOADS_SHARE, _OLD, large, part="incomplete_uploads")
    elif behaviour == "versions":
        yield part(1 - VERSIONS_SHARE, _YOUNG, large, 2)
        yield part(VERSIONS_SHARE, _OLD, large, part="noncurrent_versions")
    else:
        yield hot
