"""Volumes that are provisioned for more IOPS or throughput than they use, and those that hold far more than is on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from ml.savings.holdings import Entry, Holding, Holdings
from ml.savings.paid import Paid
from ml.savings.recommendation import Recommendation
from ml.savings.sizing import Exclusion, SizingSettings, Use
from ml.savings.traffic import text
from ml.savings.waste_advice import Words, advice, aws

_OPS = ("VolumeReadOps", "VolumeWriteOps")
_BYTES = ("VolumeReadBytes", "VolumeWriteBytes")
_DISK = "disk_used_percent"
_MIB = 1 << 20
_STEP = 100
"""IOPS are proposed in hundreds."""
_IOPS_OF_MIB = 4
"""gp3 needs so many IOPS for each MiB a second."""
_FREE_IOPS = {"gp3": 3000}
_FREE_MIBPS = 125
_LEAST_IOPS = 100
# The first and the last IOPS that are charged by each meter of io2.
_TIERS = {".io2": (0, 32_000), ".io2.tier2": (32_000, 64_000), ".io2.tier3": (64_000, 10**9)}
_HALF = 0.5
Found = Iterator[Recommendation | Exclusion]


@dataclass(frozen=True)
class _Provision:
    """What a volume is provisioned for: IOPS, and MiB a second where that can be set."""

    iops: int
    mibps: int


def volume_sizing(holdings: Holdings, settings: SizingSettings) -> Found:
    """For each listed volume that is charged for more than its size: what it used of it, with headroom. Then for its size."""
    for entry in holdings.lists.get("volumes", ()):
        holding = holdings.of(entry) if entry["state"] == "in-use" else None
        if holding is None:
            continue
        # What is listed too long ago is said where leftovers are looked for.
        if holdings.stale(entry):
            continue
        found = list(_performance(holding, holdings, entry, settings))
        yield from found
        if not any(isinstance(one, Recommendation) for one in found):
            yield from _size(holding, holdings, entry, settings)


def _performance(holding: Holding, holdings: Holdings, entry: Entry, settings: SizingSettings) -> Found:
    charged = [one for one in holding.paid if _meter(one)]
    if not charged:
        return
    kind, iops = entry["volume_type"], entry["iops"]
    use = holdings.use_of(holding.resource_id)
    if iops is None or (kind == "gp3" and entry["throughput_mbps"] is None):
        yield Exclusion(holding.resource_id, "what it is provisioned for is not known")
    elif use is None or not all(name in use.metrics for name in (*_OPS, *_BYTES)):
        yield Exclusion(holding.resource_id, "the reads and writes of it are not known")
    elif use.days < settings.minimum_history_days:
        yield Exclusion(
            holding.resource_id, f"its use is known of {use.days} days; {settings.minimum_history_days} are needed"
        )
    else:
        now = _Provision(iops, entry["throughput_mbps"] or 0)
        then = _needed(kind, now, use, settings)
        shares = {one.sku_meter or "": _share(one, kind, now, then) for one in charged}
        if any(shares.values()):
            yield _advised(holding, charged, shares, kind, now, then, use, settings)


def _meter(paid: Paid) -> bool:
    return "VolumeP-IOPS" in (paid.sku_meter or "") or "VolumeP-Throughput" in (paid.sku_meter or "")


def _needed(kind: str, now: _Provision, use: Use, settings: SizingSettings) -> _Provision:
    """The least that covers what was used, never more than now."""
    room = 1 + float(settings.headroom) / 100
    iops = ceil(_both(use, _OPS, settings) * room / _STEP) * _STEP
    if kind != "gp3":
        return _Provision(min(max(iops, _LEAST_IOPS), now.iops), now.mibps)
    mibps = min(max(ceil(_both(use, _BYTES, settings) * room / _MIB), _FREE_MIBPS), now.mibps)
    return _Provision(min(max(iops, _FREE_IOPS[kind], mibps * _IOPS_OF_MIB), now.iops), mibps)


def _both(use: Use, names: tuple[str, str], settings: SizingSettings) -> float:
    """What reads and writes together did not exceed in the percentile of time.

    Each is taken at half the share of time that may be above: whenever the sum is above, one of the two is.
    """
    percent = 100 - (100 - float(settings.percentile)) / 2
    return sum(use.metrics[name].percentile(percent) for name in names)


def _share(paid: Paid, kind: str, now: _Provision, then: _Provision) -> Decimal:
    """The share of a charge that goes."""
    meter = paid.sku_meter or ""
    if "Throughput" in meter:
        before, after = (max(one.mibps - _FREE_MIBPS, 0) for one in (now, then))
    else:
        tier = next(
            (limits for name, limits in _TIERS.items() if meter.endswith(name)), (_FREE_IOPS.get(kind, 0), 10**9)
        )
        before, after = (min(max(one.iops - tier[0], 0), tier[1] - tier[0]) for one in (now, then))
    return 1 - Decimal(after) / before if before else Decimal(0)


def _advised(
    holding: Holding,
    charged: list[Paid],
    shares: Mapping[str, Decimal],
    kind: str,
    now: _Provision,
    then: _Provision,
    use: Use,
    settings: SizingSettings,
) -> Recommendation:
    own = holding.only(charged)
    cost = sum((sum(one.uncommitted.values(), Decimal(0)) for one in charged), Decimal(0))
    saved = sum(
        (sum(one.uncommitted.values(), Decimal(0)) * shares[one.sku_meter or ""] for one in charged), Decimal(0)
    )
    exceeded = _above(use, _OPS, float(then.iops), settings)
    if kind == "gp3":
        exceeded = min(exceeded + _above(use, _BYTES, float(then.mibps * _MIB), settings), 1.0)
    percent, spare = f"{settings.percentile.normalize():f}", f"{settings.headroom.normalize():f}"
    call = f"ec2 modify-volume --volume-id {{id}} --iops {then.iops}"
    return advice(
        own,
        "right_sizing",
        "volume",
        own.saved(saved / cost if cost else Decimal(0)),
        Words(
            current=f"{kind} volume, {_words(kind, now)}",
            proposed=_words(kind, then),
            change="Change what it is provisioned for; it stays attached and in use meanwhile.",
            reason=(
                f"In {percent} % of the time it needed no more than {_both(use, _OPS, settings):,.0f} IOPS and "
                f"{_both(use, _BYTES, settings) / _MIB:,.0f} MiB a second, and {spare} % to spare is left."
            ),
            risk_reason=f"More was used in {100 * exceeded:.2f} % of the time that was measured; it can be changed back in hours.",
            confidence_reason="What it is provisioned for is priced as it is paid; bursts shorter than a measurement are not seen.",
            command=aws(holding, call + (f" --throughput {then.mibps}" if kind == "gp3" else "")),
        ),
        evidence={
            "percentile": text(settings.percentile),
            "headroom_percent": text(settings.headroom),
            "exceeded_share": f"{exceeded:.6f}",
            "days_measured": use.days,
            "rests_on": "reads and writes by day, inventory, effective cost by day",
        },
        confidence="medium",
        risk="low" if exceeded <= 0.001 else "medium" if exceeded <= 0.01 else "high",
    )


def _words(kind: str, one: _Provision) -> str:
    return f"{one.iops:,} IOPS" + (f" and {one.mibps:,} MiB a second" if kind == "gp3" else "")


def _above(use: Use, names: tuple[str, str], limit: float, settings: SizingSettings) -> float:
    """The share of time in which both together may have been above a limit, which each has its part of."""
    percent = 100 - (100 - float(settings.percentile)) / 2
    needs = [use.metrics[name].percentile(percent) for name in names]
    whole = sum(needs)
    return sum(
        use.metrics[name].share_above(limit * need / whole if whole else 0.0)
        for name, need in zip(names, needs, strict=True)
    )


def _size(holding: Holding, holdings: Holdings, entry: Entry, settings: SizingSettings) -> Found:
    """A volume cannot shrink: a smaller one has to be made, and its files be copied."""
    instance, size = entry.get("attached_to"), entry["size_gb"]
    others = [one for one in holdings.lists["volumes"] if one.get("attached_to") == instance]
    use = holdings.use_of(holding.resource_id)
    # Agents measure the root file system of an instance: that of this volume where there is no other.
    if (use is None or _DISK not in use.metrics) and instance and len(others) == 1:
        use = holdings.uses.get(instance)
    stored = [one for one in holding.paid if "VolumeUsage" in (one.sku_meter or "")]
    if use is None or _DISK not in use.metrics or use.days < settings.minimum_history_days or not stored:
        return
    most = use.metrics[_DISK].maximum
    needed = max(ceil(size * most / 100 * (1 + float(settings.headroom) / 100)), 1)
    if needed > size * _HALF:
        return
    own = holding.only(stored)
    yield advice(
        own,
        "right_sizing",
        "volume",
        own.saved(1 - Decimal(needed) / size, least=Decimal(0)),
        Words(
            current=f"{entry['volume_type']} volume of {size:,} GiB, filled to {most:.0f} % at most",
            proposed=f"volume of {needed:,} GiB",
            change="A volume cannot shrink: make a smaller one, copy the files, and attach it in its place.",
            reason=f"In {use.days} days never more than {size * most / 100:,.0f} GiB were on it.",
            risk_reason="Files that are written while they are copied are missing in the copy: what writes has to stop.",
            confidence_reason="The use of the file system is measured; whether all of the volume belongs to it is not known.",
        ),
        evidence={
            "highest_used_percent": f"{most:.2f}",
            "days_measured": use.days,
            "rests_on": "use of the file system by day, inventory, effective cost by day",
        },
        confidence="low",
        risk="high",
        effort="high",
    )
