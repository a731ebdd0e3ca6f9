"""What is really paid for a resource, read from the marts."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from ml.savings.paid import Paid
from ml.savings.recommendation import Owner, Window
from orchestration.lib.savings_inputs import instance_type, paid_costs, resource_window

WINDOW = Window(date(2026, 9, 1), date(2026, 9, 2))
COLUMNS = {
    "source_name": "aws",
    "resource_id": "i-1",
    "resource_name": None,
    "resource_type": None,
    "service_provider_name": "AWS",
    "sub_account_id": "1",
    "service_name": "EC2",
    "service_category": "Compute",
    "region_id": "eu-west-1",
    "sku_id": "SKU",
    "sku_meter": "EUW1-BoxUsage:m5.large",
    "sku_price_details_id": 7,
    "pricing_category": "Standard",
    "billing_currency": "USD",
    "charge_category": "Usage",
    "charge_class": None,
    "commitment_discount_id": None,
    "commitment_discount_status": None,
    "consumed_unit": "Hrs",
    "consumed_quantity": Decimal(24),
    "list_cost": Decimal(10),
    "effective_cost": Decimal(10),
    "team": "Search",
    "cost_center": "CC-1",
    "project": None,
    "environment": "prod",
    "charge_date": date(2026, 9, 1),
}


@pytest.fixture
def marts(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database) as connection:
        for schema in ("finops", "intermediate", "raw"):
            connection.execute(f"create schema {schema}")
        types = {str: "text", type(None): "text", int: "bigint", Decimal: "numeric", date: "date"}
        columns = ", ".join(f"{name} {types[type(value)]}" for name, value in COLUMNS.items())
        connection.execute(f"create table finops.cost_records ({columns})")
        connection.execute(
            "create table intermediate.int_aws_price_details (price_details_id bigint, price_details jsonb)"
        )
        connection.execute("create table raw.maps (map_id bigint, map jsonb)")
        connection.execute(
            "create table finops.focus_contract_commitments (contract_commitment_id text, contract_commitment_period_end timestamptz)"
        )
        yield connection


def add(connection: psycopg.Connection[Any], **changes: Any) -> None:
    row = {**COLUMNS, **changes}
    places = ", ".join(["%s"] * len(row))
    connection.execute(f"insert into finops.cost_records ({', '.join(row)}) values ({places})", list(row.values()))


def only(connection: psycopg.Connection[Any]) -> Paid:
    (paid,) = paid_costs(connection, WINDOW)
    return paid


def test_committed_part_is_told_apart_and_ends_with_its_commitment(marts: psycopg.Connection[Any]) -> None:
    covered = {
        "pricing_category": "Committed",
        "commitment_discount_status": "Used",
        "commitment_discount_id": "sp-1",
        "effective_cost": Decimal(6),
    }
    add(marts, **covered)
    add(marts, effective_cost=Decimal(2))
    add(marts, charge_date=date(2026, 9, 2))
    add(marts, resource_id="sp-1", commitment_discount_status="Unused", effective_cost=Decimal(99))
    add(marts, charge_category="Purchase", effective_cost=Decimal(99))
    marts.execute("insert into finops.focus_contract_commitments values ('sp-1', '2027-04-01Z')")
    marts.execute(
        """insert into intermediate.int_aws_price_details values (7, '{"InstanceType": "m5.large", "CoreCount": 2}')"""
    )
    paid = only(marts)
    assert paid.daily == {date(2026, 9, 1): Decimal(8), date(2026, 9, 2): Decimal(10)}
    assert paid.uncommitted == {date(2026, 9, 1): Decimal(2), date(2026, 9, 2): Decimal(10)}
    assert paid.committed_share == Decimal(6) / Decimal(18)
    assert paid.committed_until == date(2027, 4, 1)
    assert (paid.instance_type, paid.price_details["CoreCount"]) == ("m5.large", 2)
    assert paid.owner == Owner("Search", "CC-1", None, "prod")
    assert (paid.consumed_quantity, paid.list_cost) == (Decimal(72), Decimal(30))


def test_discount_without_a_resource_lowers_what_uncommitted_resources_cost(marts: psycopg.Connection[Any]) -> None:
    add(marts, effective_cost=Decimal(30))
    add(marts, resource_id="i-2", effective_cost=Decimal(70))
    add(marts, resource_id="i-3", effective_cost=Decimal(50), commitment_discount_status="Used")
    add(marts, resource_id=None, effective_cost=Decimal(-10))
    add(marts, resource_id=None, effective_cost=Decimal(-10), sub_account_id="2")
    costs = {one.resource_id: sum(one.daily.values()) for one in paid_costs(marts, WINDOW)}
    assert costs == {"i-1": Decimal(27), "i-2": Decimal(63), "i-3": Decimal(50)}


def test_window_ends_where_every_living_source_is_whole(marts: psycopg.Connection[Any]) -> None:
    assert resource_window(marts, 2) is None
    add(marts, charge_date=date(2026, 9, 20))
    add(marts, source_name="azure", charge_date=date(2026, 9, 18))
    add(marts, source_name="old", charge_date=date(2026, 1, 1))
    assert resource_window(marts, 2) == Window(date(2026, 9, 16), date(2026, 9, 17))


@pytest.mark.parametrize(
    ("meter", "expected"),
    [
        ("BoxUsage:m5.large", "m5.large"),
        ("EUC1-SpotUsage:c6gd.16xlarge", "c6gd.16xlarge"),
        ("InstanceUsage:db.r6g.2xlarge", "db.r6g.2xlarge"),
        ("NodeUsage:cache.t4g.micro", "cache.t4g.micro"),
        ("EBS:VolumeUsage.gp3", None),
        ("EBS:VolumeUsage.large", None),
        ("TimedStorage-ByteHrs", None),
        (None, None),
    ],
)
def test_instance_type_of_a_meter(meter: str | None, expected: str | None) -> None:
    assert instance_type({}, meter) == expected
    assert instance_type({"InstanceType": "D8s v5"}, meter) == "D8s v5"
