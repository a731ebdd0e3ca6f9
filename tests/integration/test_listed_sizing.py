"""Services are put beside what the bill charges for their tasks, and volumes beside theirs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import psycopg
import pytest

from ml.savings.histogram import Histogram
from ml.savings.recommendation import Recommendation
from ml.savings.sizing import CPU, MEMORY, Exclusion, SizingSettings, Use
from orchestration.lib.inventory.entries import checked
from orchestration.lib.inventory.store import ensure_inventory, replace_inventory
from orchestration.lib.listed_sizing import listed_sizes
from tests.unit.test_container_sizing import GB, TASK, VCPU
from tests.unit.test_right_sizing import WINDOW

SERVICE = {
    "resource_id": "arn:aws:ecs:eu-west-1:1:service/shop/web",
    "sub_account_id": "1",
    "region_id": "eu-west-1",
    "launch_type": "FARGATE",
    "cpu_units": "2048",
    "memory_mib": "8192",
    "observed_on": WINDOW.last.isoformat(),
}


@pytest.fixture
def warehouse(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("create schema finops")
        connection.execute("create table finops.cost_records (resource_id text, tags jsonb, charge_date date)")
        # A table that was made before a column was added to its list.
        ensure_inventory(connection)
        connection.execute("alter table raw.inventory_services drop column operating_system")
        yield connection


def sized(connection: psycopg.Connection[Any], tags: str, *services: dict[str, str]) -> list[Any]:
    connection.execute("insert into finops.cost_records values (%s, %s, %s)", [TASK, tags, date(2026, 9, 5)])
    ensure_inventory(connection)
    entries = checked("services", [(f"row {number}", one) for number, one in enumerate(services)])
    replace_inventory(connection, "estate", {"services": entries})
    used = Use({CPU: Histogram.of(np.full(9000, 10.0)), MEMORY: Histogram.of(np.full(9000, 20.0))}, 30)
    return list(listed_sizes(connection, WINDOW, [VCPU, GB], {"shop/web": used}, SizingSettings()))


@pytest.mark.parametrize("tag", ["aws:ecs:serviceName", "resourceTags/aws:ecs:serviceName", "aws_ecs_service_name"])
def test_tasks_are_those_that_carry_the_tag_of_the_service(warehouse: psycopg.Connection[Any], tag: str) -> None:
    (found,) = sized(warehouse, f'{{"{tag}": "web", "team": "Shop"}}', SERVICE)
    assert isinstance(found, Recommendation)
    assert found.proposed == "tasks of 0.25 vCPU and 2 GB"


def test_tasks_without_the_tag_are_of_nobody(warehouse: psycopg.Connection[Any]) -> None:
    (found,) = sized(warehouse, '{"team": "web"}', SERVICE)
    assert isinstance(found, Exclusion)
    assert "aws:ecs:serviceName" in found.reason


def test_service_that_is_named_as_another_has_no_use_of_its_own(warehouse: psycopg.Connection[Any]) -> None:
    other = SERVICE | {"resource_id": "arn:aws:ecs:eu-west-1:2:service/shop/web", "sub_account_id": "2"}
    reasons = [one.reason for one in sized(warehouse, '{"aws:ecs:serviceName": "web"}', SERVICE, other)]
    assert any("its use of CPU and of memory is not known" in reason for reason in reasons)
    assert len(reasons) == 2


def test_pods_are_not_sized_and_it_is_said(warehouse: psycopg.Connection[Any]) -> None:
    ensure_inventory(warehouse)
    names = ("arn:aws:eks:eu-west-1:1:cluster/pods", "arn:aws:eks:eu-west-1:1:cluster/not-billed")
    day = WINDOW.last.isoformat()
    rows = [{"resource_id": name, "cluster_kind": "eks", "node_count": "3", "observed_on": day} for name in names]
    replace_inventory(
        warehouse, "estate", {"clusters": checked("clusters", [(row["resource_id"], row) for row in rows])}
    )
    paid = [replace(VCPU, resource_id=names[0])]
    (found,) = listed_sizes(warehouse, WINDOW, paid, {}, SizingSettings())
    assert isinstance(found, Exclusion)
    assert (found.resource_id, found.reason[:22]) == (names[0], "its pods are not sized")


def test_list_that_is_too_old_is_not_believed(warehouse: psycopg.Connection[Any]) -> None:
    (found,) = sized(warehouse, '{"aws:ecs:serviceName": "web"}', SERVICE | {"observed_on": "2026-07-01"})
    assert "too old" in found.reason
