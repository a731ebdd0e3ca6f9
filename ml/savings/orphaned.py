"""What is left over: volumes and addresses that are attached to nothing, volumes of instances stopped for long, old snapshots."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from ml.savings.holdings import Entry, Holding, Holdings
from ml.savings.recommendation import Level, Recommendation
from ml.savings.sizing import Exclusion
from ml.savings.waste_advice import Words, advice, aws, days_since

_ALL = Decimal(1)
Found = Iterator[Recommendation | Exclusion]


def orphaned(holdings: Holdings) -> Found:
    """For each listed volume, address and snapshot that is charged for."""
    stopped = {
        entry["resource_id"]: entry
        for entry in holdings.lists.get("instances", ())
        if entry["state"] == "stopped" and (days_since(entry, "state_since") or 0) >= holdings.settings.stopped_days
    }
    for name, look in (("volumes", _volume), ("addresses", _address), ("snapshots", _snapshot)):
        for entry in holdings.lists.get(name, ()):
            holding = holdings.of(entry)
            if holding is None:
                continue
            if holdings.is_stale(entry):
                day = entry["observed_on"].isoformat()
                yield Exclusion(holding.resource_id, f"its inventory is of {day}, which is too old")
                continue
            yield from look(holding, holdings, entry, stopped)


def _volume(holding: Holding, holdings: Holdings, entry: Entry, stopped: dict[str, Entry]) -> Found:
    title = f"{entry['volume_type']} volume of {entry['size_gb']:,} GiB"
    instance = stopped.get(entry.get("attached_to") or "")
    if entry["state"] == "available":
        known = days_since(entry, "state_since")
        days = days_since(entry, "created_on") if known is None else known
        if days is None or days < holdings.settings.idle_days:
            return
        reason = (
            f"It has been attached to nothing for {days} days."
            if known is not None
            else f"It is {days} days old and attached to nothing."
        )
        sure: Level = "high" if known is not None else "medium"
    elif instance is not None:
        since: date = instance["state_since"]
        reason, sure = f"Its instance {instance['resource_id']} has been stopped since {since.isoformat()}.", "medium"
    else:
        return
    kept = _snapshot_share(holding, holdings)
    yield advice(
        holding,
        "orphaned_resource",
        "volume",
        holding.saved(_ALL, least=_ALL - kept if kept is not None else Decimal(0)),
        Words(
            current=title,
            proposed="no volume",
            change="Take a snapshot of it in case that it is missed, then delete it.",
            reason=reason,
            risk_reason="What is on it is gone with it, except for the snapshot.",
            confidence_reason=(
                "Its state is listed"
                + (", but not since when." if sure == "medium" and instance is None else ".")
                + (" The lower end pays for a whole snapshot." if kept is not None else "")
            ),
            command=aws(holding, "ec2 create-snapshot --volume-id {id}")
            + " && "
            + aws(holding, "ec2 delete-volume --volume-id {id}"),
        ),
        evidence={
            "size_gib": entry["size_gb"],
            "state": entry["state"],
            "rests_on": "inventory, effective cost by day",
        },
        confidence=sure,
    )


def _snapshot_share(holding: Holding, holdings: Holdings) -> Decimal | None:
    """What a GB of a snapshot costs for a GB of this volume, both as they are paid; None where the bill has no snapshot."""
    own = _unit_cost(holding)
    rates = [
        rate
        for other in holdings.all()
        if "napshot" in (other.main.sku_meter or "")
        and other.main.provider == holding.main.provider
        and other.main.currency == holding.main.currency
        and (rate := _unit_cost(other))
    ]
    return min(max(rates) / own, _ALL) if rates and own else None


def _unit_cost(holding: Holding) -> Decimal | None:
    quantity = holding.main.consumed_quantity
    return sum(holding.main.daily.values(), Decimal(0)) / quantity if quantity > 0 else None


def _address(holding: Holding, _: Holdings, entry: Entry, __: dict[str, Entry]) -> Found:
    if entry.get("attached_to"):
        return
    yield advice(
        holding,
        "orphaned_resource",
        "address",
        holding.saved(_ALL),
        Words(
            current="public address that is attached to nothing",
            proposed="no address",
            change="Release it, unless somebody outside has it in a list of allowed addresses.",
            reason="An address costs the same whether it is used or not.",
            risk_reason="The same address cannot be had again.",
            confidence_reason="Its state is listed.",
            command=aws(holding, "ec2 release-address --allocation-id {id}"),
        ),
        evidence={"rests_on": "inventory, effective cost by day"},
    )


def _snapshot(holding: Holding, holdings: Holdings, entry: Entry, _: dict[str, Entry]) -> Found:
    age = days_since(entry, "created_on")
    if age is None or age < holdings.settings.snapshot_days or entry["is_newest"] or entry.get("image_id"):
        return
    yield advice(
        holding,
        "orphaned_resource",
        "snapshot",
        # Blocks that a later snapshot needs as well stay, and are charged there.
        holding.saved(_ALL, least=Decimal(0)),
        Words(
            current=f"snapshot of {entry['created_on'].isoformat()}",
            proposed="no snapshot",
            change="Delete it, unless a rule on keeping data needs it; let a lifecycle policy delete later ones.",
            reason=f"It is {age} days old, a later one of the same volume is there, and no image is made of it.",
            risk_reason="The state of that day cannot be restored any more.",
            confidence_reason="Snapshots share blocks: what the next one needs as well stays, and is charged there.",
            command=aws(holding, "ec2 delete-snapshot --snapshot-id {id}"),
        ),
        evidence={"age_days": age, "volume_id": entry.get("volume_id"), "rests_on": "inventory, effective cost by day"},
        confidence="medium",
    )
