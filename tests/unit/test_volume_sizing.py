"""Volumes that are provisioned for more than they use."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from ml.savings.recommendation import Recommendation
from ml.savings.sizing import Exclusion, SizingSettings, Use
from ml.savings.volume_sizing import volume_sizing
from tests.unit.test_waste_kinds import WINDOW, holdings, paid, use

MIB = 1 << 20
VOLUME = {
    "resource_id": "vol-1", "state": "in-use", "attached_to": "i-1", "volume_type": "io1", "size_gb": 100, "iops": 10_000,
    "throughput_mbps": None,
}  # fmt: skip


def traffic(ops: float, mibps: float, days: int = 30) -> Use:
    """Half of it reads and half of it writes."""
    return use(
        days,
        VolumeReadOps=ops / 2,
        VolumeWriteOps=ops / 2,
        VolumeReadBytes=mibps * MIB / 2,
        VolumeWriteBytes=mibps * MIB / 2,
    )


def advised(entry: dict[str, Any], *meters: tuple[str, int], uses: dict[str, Use]) -> Any:
    costs = [paid("vol-1", meter, daily) for meter, daily in meters]
    found = list(volume_sizing(holdings(*costs, uses=uses, volumes=[VOLUME | entry]), SizingSettings()))
    for one in found:
        if isinstance(one, Recommendation):
            assert 0 <= one.estimate.low <= one.estimate.saving <= one.estimate.high <= one.estimate.cost
    return found[0] if found else None


@pytest.mark.parametrize(
    ("entry", "meters", "used", "proposed", "saved"),
    [
        # 2,000 IOPS and a fifth to spare of 10,000: 76 % of what the IOPS cost, and nothing of what is stored.
        ({}, [("EBS:VolumeP-IOPS.piops", 10), ("EBS:VolumeUsage.piops", 5)], (2000, 10), "2,400 IOPS", "7.6"),
        # gp3 has 3,000 IOPS and 125 MiB a second for nothing: of 7,000 and 375 more no IOPS and 115 MiB are needed.
        (
            {"volume_type": "gp3", "throughput_mbps": 500},
            [("EBS:VolumeP-IOPS.gp3", 7), ("EBS:VolumeP-Throughput.gp3", 15), ("EBS:VolumeUsage.gp3", 5)],
            (500, 200),
            "3,000 IOPS and 240 MiB a second",
            str(7 + Decimal(260) / 375 * 15),
        ),
        # 950 MiB a second need 3,800 IOPS in gp3.
        (
            {"volume_type": "gp3", "throughput_mbps": 1000},
            [("EBS:VolumeP-IOPS.gp3", 7), ("EBS:VolumeP-Throughput.gp3", 7)],
            (500, 791.6),
            "3,800 IOPS and 950 MiB a second",
            str(Decimal(6200) / 7000 * 7 + Decimal(50) / 875 * 7),
        ),
        # The dearer tier of io2 goes first, and goes whole: 38,400 IOPS are 6,400 of the second.
        (
            {"volume_type": "io2", "iops": 64_000},
            [("EBS:VolumeP-IOPS.io2", 32), ("EBS:VolumeP-IOPS.io2.tier2", 16)],
            (32_000, 10),
            "38,400 IOPS",
            "12.8",
        ),
    ],
)
def test_what_is_provisioned_is_cut_to_what_is_used(
    entry: dict[str, Any], meters: list[tuple[str, int]], used: tuple[float, float], proposed: str, saved: str
) -> None:
    one = advised(entry, *meters, uses={"vol-1": traffic(*used)})
    assert isinstance(one, Recommendation)
    assert (one.kind, one.resource_type, one.proposed) == ("right_sizing", "volume", proposed)
    assert one.estimate.saving == pytest.approx(WINDOW.monthly(30 * Decimal(saved), 30), abs=Decimal("0.00000001"))
    charged = [daily for meter, daily in meters if "VolumeP-" in meter]
    assert one.estimate.cost == WINDOW.monthly(Decimal(30 * sum(charged)), 30)
    assert f"--iops {proposed.split(' ')[0].replace(',', '')}" in (one.command or "")


def test_reads_and_writes_that_peak_at_different_times_are_added_up() -> None:
    one = advised({}, ("EBS:VolumeP-IOPS.piops", 10), uses={"vol-1": traffic(8400, 10)})
    assert one is None


@pytest.mark.parametrize(
    ("entry", "uses", "reason"),
    [
        ({"iops": None}, {"vol-1": traffic(100, 1)}, "what it is provisioned for is not known"),
        ({}, {}, "the reads and writes of it are not known"),
        ({}, {"vol-1": traffic(100, 1, days=4)}, "of 4 days; 14 are needed"),
    ],
)
def test_reason_is_said(entry: dict[str, Any], uses: dict[str, Use], reason: str) -> None:
    one = advised(entry, ("EBS:VolumeP-IOPS.piops", 10), uses=uses)
    assert isinstance(one, Exclusion)
    assert reason in one.reason


def test_volume_of_the_free_performance_has_nothing_to_cut() -> None:
    gp3 = {"volume_type": "gp3", "iops": 3000, "throughput_mbps": 125}
    assert advised(gp3, ("EBS:VolumeUsage.gp3", 10), uses={"vol-1": traffic(1, 1)}) is None


def test_size_is_a_guess_with_a_copy_to_make() -> None:
    gp3 = {"volume_type": "gp3", "iops": 3000, "throughput_mbps": 125}
    one = advised(gp3, ("EBS:VolumeUsage.gp3", 10), uses={"i-1": use(disk_used_percent=20)})
    assert isinstance(one, Recommendation)
    assert (one.proposed, one.effort, one.risk, one.confidence) == ("volume of 24 GiB", "high", "high", "low")
    assert one.estimate.saving == WINDOW.monthly(Decimal(300) * Decimal("0.76"), 30)
    assert one.estimate.low == 0
    assert one.command is None
    assert advised(gp3, ("EBS:VolumeUsage.gp3", 10), uses={"i-1": use(disk_used_percent=60)}) is None
