"""Tasks on Fargate: the cheapest size that carries what they used."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ml.savings.container_sizing import Service, container_sizing
from ml.savings.fargate import Size, sizes
from ml.savings.histogram import Histogram
from ml.savings.paid import Paid
from ml.savings.recommendation import Recommendation
from ml.savings.sizing import CPU, MEMORY, Exclusion, SizingSettings, Use
from tests.unit.test_right_sizing import DAYS, WINDOW
from tests.unit.test_right_sizing import paid as instance

TASK = "arn:aws:ecs:eu-west-1:1:task/shop/0abc"
ENTRY: dict[str, Any] = {
    "resource_id": "arn:aws:ecs:eu-west-1:1:service/shop/web",
    "launch_type": "FARGATE",
    "cpu_units": 2048,
    "memory_mib": 8192,
    "operating_system": "LINUX",
}


def charge(meter: str, quantity: int, daily: str, task: str = TASK) -> Paid:
    return instance(
        resource_id=task, sku_id=meter, sku_meter=f"EUW1-{meter}", instance_type=None,
        consumed_quantity=Decimal(quantity), daily={day: Decimal(daily) for day in DAYS},
    )  # fmt: skip


# Two vCPU and 8 GB for 720 hours: at 0.04 a vCPU-hour and 0.004 a GB-hour, less a discount of a fifth.
VCPU = charge("Fargate-vCPU-Hours:perCPU", 1440, "1.536")
GB = charge("Fargate-GB-Hours", 5760, "0.6144")
DISK = charge("Fargate-EphemeralStorage-GB-Hours", 100, "5")


def use(cpu: float, memory: float, days: int = 30) -> Use:
    return Use({name: Histogram.of(np.full(days * 288, value)) for name, value in ((CPU, cpu), (MEMORY, memory))}, days)


def found(entry: dict[str, Any] = ENTRY, tasks: tuple[Paid, ...] = (VCPU, GB, DISK), used: Use | None = None) -> Any:
    (one,) = container_sizing([Service(entry, tasks, used)], SizingSettings())
    return one


def test_sizes_are_those_that_fargate_offers() -> None:
    offered = list(sizes())
    assert len(offered) == 3 + 4 + 7 + 13 + 23 + 12 + 12
    assert {Size(256, 512), Size(1024, 3072), Size(4096, 30720), Size(8192, 20480), Size(16384, 122880)} <= set(offered)
    assert not {Size(256, 4096), Size(8192, 17408)} & set(offered)


def test_vcpu_and_memory_are_saved_at_what_each_is_paid() -> None:
    # 10 % of 2 vCPU and 20 % of 8 GB, with a fifth to spare: 246 units and 1966 MiB, which 0.25 vCPU and 2 GB carry.
    one = found(used=use(10, 20))
    assert isinstance(one, Recommendation)
    assert one.proposed == "tasks of 0.25 vCPU and 2 GB"
    saved = Decimal("1.536") * 7 / 8 + Decimal("0.6144") * 3 / 4
    assert one.estimate.saving == WINDOW.monthly(30 * saved, 30)
    assert one.estimate.cost == WINDOW.monthly(30 * Decimal("2.1504"), 30)
    assert one.acts_on == ((TASK, VCPU.monthly_cost + GB.monthly_cost),)
    assert (one.resource_type, one.risk, one.confidence) == ("container", "low", "medium")
    assert "--cluster shop --service web" in (one.command or "")


def test_memory_takes_the_vcpu_that_it_is_offered_with() -> None:
    # 3 GB are not offered with a quarter of a vCPU.
    assert found(used=use(5, 30)).proposed == "tasks of 0.5 vCPU and 3 GB"


def test_vcpu_keeps_more_memory_where_that_is_needed() -> None:
    # 0.5 vCPU have 4 GB at most, and 6 GB are needed.
    assert found(used=use(2, 60)).proposed == "tasks of 1 vCPU and 6 GB"


def test_tasks_that_are_used_are_left_alone() -> None:
    assert not list(container_sizing([Service(ENTRY, (VCPU, GB), use(70, 70))], SizingSettings()))
    # With a fifth to spare 85 % of 8 GB are more than 1 vCPU is offered with.
    assert not list(container_sizing([Service(ENTRY, (VCPU, GB), use(15, 85))], SizingSettings()))


def test_what_a_commitment_covers_is_not_saved() -> None:
    covered = [replace(one, daily_committed=one.daily) for one in (VCPU, GB)]
    assert "fully covered" in found(tasks=tuple(covered), used=use(5, 5)).reason
    half = replace(VCPU, daily_committed={day: cost / 2 for day, cost in VCPU.daily.items()})
    one = found(tasks=(half, GB), used=use(10, 20))
    assert one.estimate.saving == WINDOW.monthly(30 * (Decimal("0.768") * 7 / 8 + Decimal("0.6144") * 3 / 4), 30)


@pytest.mark.parametrize(
    ("entry", "tasks", "used", "reason"),
    [
        ({"launch_type": "EC2"}, (VCPU, GB), use(5, 5), "save only when an instance goes"),
        ({"memory_mib": None}, (VCPU, GB), use(5, 5), "the size of its tasks is not known"),
        ({"operating_system": "WINDOWS_SERVER_2022_CORE"}, (VCPU, GB), use(5, 5), "do not run on Linux"),
        ({"memory_mib": 4096}, (VCPU, GB), use(5, 5), "another size than is listed"),
        ({}, (), use(5, 5), "activate the cost allocation tag aws:ecs:serviceName"),
        ({}, (VCPU,), use(5, 5), "what its tasks cost for vCPU and for memory"),
        ({}, (VCPU, GB), None, "its use of CPU and of memory is not known"),
        ({}, (VCPU, GB), use(5, 5, days=3), "of 3 days; 14 are needed"),
    ],
)
def test_reason_is_said(entry: dict[str, Any], tasks: tuple[Paid, ...], used: Use | None, reason: str) -> None:
    one = found(ENTRY | entry, tasks, used)
    assert isinstance(one, Exclusion)
    assert reason in one.reason
