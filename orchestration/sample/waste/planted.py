"""Which resources of an estate are waste, and what each of them does."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_DOWN, Decimal

import numpy as np

from ..calendar import Month
from ..charges import COVERED, USAGE
from ..cur_bill import DISCOUNT_PERCENT
from ..estate import Estate, Resource, seeded
from ..truth import WasteLabel
from ..units import DIGITS, IntArray

# A resource that is younger has not shown what it needs yet.
_OLD_ENOUGH = 40
_NON_PRODUCTION = ("staging", "sandbox")
# Sizes of which there is one a quarter as large in the same family.
_QUARTERED = ("m5.4xlarge", "m5.8xlarge")
ON_HOURS = range(7, 19)
_ON_SHARE = Decimal(5 * len(ON_HOURS)) / (7 * 24)
# List prices of a GB and month: S3 Standard, Standard-IA and Deep Archive, a GB read from IA; gp2 and gp3.
_STANDARD, _IA, _DEEP, _IA_READ = Decimal("0.023"), Decimal("0.0125"), Decimal("0.00099"), Decimal("0.01")
READ_SHARE = Decimal("0.3")
UPLOADS_SHARE, VERSIONS_SHARE = Decimal("0.1"), Decimal("0.3")


@dataclass(frozen=True)
class Role:
    """What a resource does. `kind`: the recommendation that is due; None for what is well used."""

    behaviour: str
    kind: str | None = None
    saved_share: Decimal = Decimal(0)


# Buckets take these roles in turn; the last three look like waste and are none.
_BUCKETS = (
    Role("cold", "storage_lifecycle", 1 - _DEEP / _STANDARD),
    Role("cool", "storage_lifecycle", 1 - (_IA + READ_SHARE * _IA_READ) / _STANDARD),
    Role("uploads", "storage_lifecycle", UPLOADS_SHARE),
    Role("versions", "storage_lifecycle", VERSIONS_SHARE),
    Role("small objects"),
    Role("read often"),
    Role("short-lived"),
)


@dataclass(frozen=True)
class Plan:
    """The roles of an estate's living resources by index; what is not in it is neither measured nor listed."""

    estate: Estate
    end: date
    roles: Mapping[int, Role]

    def labels(self, month: Month, effective: IntArray) -> Iterator[WasteLabel]:
        """What is waste, given what each resource cost in a month. CUR has what was agreed in lines of their own."""
        paid = 1 - Decimal(DISCOUNT_PERCENT if self.estate.source.format == "cur" else 0) / 100
        days = (month.last - month.first).days + 1
        for index, role in self.roles.items():
            if role.kind is None:
                continue
            charge = self.estate.resources[index].charge
            monthly = Decimal(int(effective[index])) * paid * 365 / 12 / days * role.saved_share
            saving = monthly.scaleb(-DIGITS).quantize(Decimal(1).scaleb(-DIGITS), ROUND_DOWN)
            yield WasteLabel(
                role.kind,
                self.estate.source.name,
                charge.account.account_id,
                charge.resource_id or "",
                f"{saving:f}",
                role.behaviour,
            )


def planted(estate: Estate, seed: int, end: date) -> Plan:
    """Choose by seed what is waste among the resources that have lived for long and go on living."""
    if estate.source.name == "azure":
        return Plan(estate, end, {})
    rng = seeded(seed, estate.source.name, "waste")
    living = [
        index
        for index, row in enumerate(estate.resources)
        if row.first_day <= estate.anchor - _OLD_ENOUGH and row.last_day >= estate.anchor and row.anomaly is None
    ]
    # Each kind of waste occurs, and most resources are none.
    roles: dict[int, Role] = {}
    for choose in (_instances, _databases, _disks, _gateways, _buckets):
        roles |= choose(estate.resources, living, rng)
    return Plan(estate, end, dict(sorted(roles.items())))


def _instances(rows: Sequence[Resource], living: Sequence[int], rng: np.random.Generator) -> dict[int, Role]:
    """All instances on demand are measured, and some of those that a savings plan covers."""
    all_of = _of(rows, living, "Instance", "RunInstances")
    free = [index for index in all_of if rows[index].charge.kind == USAGE]
    covered = [index for index in all_of if rows[index].charge.kind == COVERED]
    roles = {index: Role("busy") for index in [*free, *covered[::3]]}
    offices = [index for index in free if _is_non_production(rows[index])]
    others = [index for index in free if index not in offices]
    quartered = [index for index in others if rows[index].charge.sku.instance_type in _QUARTERED]
    for index in _some(rng, offices, 0.6):
        roles[index] = Role("office hours", "schedule", 1 - _ON_SHARE)
    for index in _some(rng, others, 0.06):
        roles[index] = Role("idle", "idle_resource", Decimal(1))
    for index in _some(rng, [index for index in quartered if roles[index].kind is None], 0.25):
        roles[index] = Role("oversized", "right_sizing", Decimal("0.75"))
    for index in _some(rng, covered, 0.02):
        roles[index] = Role("idle, covered by a commitment", "idle_resource", Decimal(0))
    return roles


def _databases(rows: Sequence[Resource], living: Sequence[int], rng: np.random.Generator) -> dict[int, Role]:
    free = [index for index in _of(rows, living, "DB Instance") if rows[index].charge.kind == USAGE]
    roles = {index: Role("busy") for index in free}
    return roles | {index: Role("idle", "idle_resource", Decimal(1)) for index in _some(rng, free, 0.1)}


def _disks(rows: Sequence[Resource], living: Sequence[int], rng: np.random.Generator) -> dict[int, Role]:
    volumes, snapshots = (_of(rows, living, kind) for kind in ("Volume", "Snapshot"))
    gp2 = [index for index in volumes if rows[index].charge.sku.usage_type.endswith("gp2")]
    roles = {index: Role("attached") for index in volumes}
    roles |= {index: Role("attached", "volume_type", Decimal("0.2")) for index in gp2}
    roles |= {index: Role("unattached", "orphaned_resource", Decimal(1)) for index in _some(rng, volumes, 0.12)}
    # Looks like waste and is none: the newest copy of its volume, what an image is made of, and what is young.
    kept = ("newest", "image", "young")
    roles |= {index: Role(f"{kept[number % 3]} snapshot") for number, index in enumerate(snapshots)}
    roles |= {index: Role("old snapshot", "orphaned_resource", Decimal(1)) for index in _some(rng, snapshots, 0.3)}
    return roles


def _gateways(rows: Sequence[Resource], living: Sequence[int], rng: np.random.Generator) -> dict[int, Role]:
    nat = [
        index for index in _of(rows, living, "NAT Gateway") if rows[index].charge.sku.usage_type == "NatGateway-Hours"
    ]
    balancers, addresses, clusters = (_of(rows, living, kind) for kind in ("Load Balancer", "IP Address", "Cluster"))
    roles = {index: Role("busy") for index in (*nat, *balancers, *clusters)}
    roles |= {index: Role("unattached", "orphaned_resource", Decimal(1)) for index in addresses}
    if len(nat) > 2:
        roles[int(rng.choice(nat))] = Role("idle", "idle_resource", Decimal(1))
    if clusters and rng.random() < 0.5:
        roles[int(rng.choice(clusters))] = Role("empty", "idle_resource", Decimal(1))
    return roles | {index: Role("idle", "idle_resource", Decimal(1)) for index in _some(rng, balancers, 0.4)}


def _buckets(rows: Sequence[Resource], living: Sequence[int], rng: np.random.Generator) -> dict[int, Role]:
    stored = [index for index in _of(rows, living, "Bucket") if rows[index].charge.sku.operation == "StandardStorage"]
    order = rng.permutation(len(_BUCKETS))
    return {index: _BUCKETS[order[number % len(_BUCKETS)]] for number, index in enumerate(stored)}


def _of(rows: Sequence[Resource], living: Sequence[int], kind: str, operation: str | None = None) -> list[int]:
    return [
        index
        for index in living
        if (sku := rows[index].charge.sku).resource_type == kind
        and (operation is None or (sku.operation == operation and sku.hourly))
    ]


def _some(rng: np.random.Generator, indexes: Sequence[int], share: float) -> list[int]:
    """A share of them, but one at least where there are any."""
    count = max(round(len(indexes) * share), 1) if indexes else 0
    return [int(index) for index in rng.choice(indexes, count, replace=False)] if count else []


def _is_non_production(row: Resource) -> bool:
    return any(key in ("environment", "env") and value in _NON_PRODUCTION for key, value in row.charge.tags)
