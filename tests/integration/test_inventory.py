"""Inventory: files in every format, what is refused, and AWS itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from botocore.exceptions import ClientError

from orchestration.lib.config import load_config
from orchestration.lib.config_inventory import InventorySource
from orchestration.lib.errors import FinopsError
from orchestration.lib.inventory import aws_session
from orchestration.lib.inventory.aws import asked_of_aws
from orchestration.lib.inventory.lists import LISTS
from orchestration.lib.inventory.reading import read_source
from orchestration.lib.inventory.store import stored_lists, take_inventory
from tests.support.moto_server import moto_server, set_credentials

VOLUME = {
    "resource_id": "vol-1",
    "volume_type": "gp2",
    "size_gb": 100,
    "state": "available",
    "observed_on": "2026-10-20",
}
REGION = "eu-west-1"


@pytest.fixture
def warehouse(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def take(connection: psycopg.Connection[Any], folder: Path) -> tuple[dict[str, int], list[str]]:
    path = folder / "finops-config.yaml"
    path.write_text(
        "organization: {name: Example, first_billing_period: 2026-01}\n"
        "sources: [{name: aws, format: cur, location: bills}]\n"
        "inventory: [{name: estate, location: lists}]\n"
    )
    config = load_config(path)
    return take_inventory(connection, config, lambda source: read_source(source, path, folder / "spool"))


def test_a_source_is_replaced_whole_and_a_bad_one_leaves_what_was_there(
    warehouse: psycopg.Connection[Any], tmp_path: Path
) -> None:
    lists = tmp_path / "lists"
    (lists / "snapshots").mkdir(parents=True)
    (lists / "volumes.jsonl").write_text("\n".join(json.dumps(VOLUME | {"resource_id": f"vol-{n}"}) for n in (1, 2)))
    (lists / "addresses.csv").write_text("resource_id,attached_to,observed_on\neipalloc-1,,2026-10-20\n")
    pq.write_table(
        pa.table(
            {
                "resource_id": ["snap-1"],
                "is_newest": [False],
                "created_on": pa.array([20_000], pa.date32()),
                "observed_on": ["2026-10-20"],
            }
        ),
        lists / "snapshots" / "eu.parquet",
    )
    counts, errors = take(warehouse, tmp_path)
    assert errors == []
    assert {name: count for name, count in counts.items() if count} == {"volumes": 2, "addresses": 1, "snapshots": 1}
    before = stored_lists(warehouse)
    assert [row["resource_id"] for row in before["volumes"]] == ["vol-1", "vol-2"]
    assert before["addresses"][0]["attached_to"] is None

    (lists / "volumes.jsonl").write_text(json.dumps(VOLUME | {"size_gb": "much"}))
    counts, errors = take(warehouse, tmp_path)
    assert errors == ["estate: volumes.jsonl, row 1, column size_gb: 'much' is no whole number from 0 on."]
    assert stored_lists(warehouse) == before

    (lists / "volumes.jsonl").write_text(json.dumps(VOLUME))
    (lists / "addresses.csv").unlink()
    assert take(warehouse, tmp_path)[1] == []
    after = stored_lists(warehouse)
    assert (len(after["volumes"]), after["addresses"]) == (1, [])


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("disks.jsonl", "{}", "is of no list. Name the file or its folder after one: instances"),
        ("volumes.jsonl", '{"resource_id": "vol-1"}', "column observed_on: is empty."),
        ("volumes.jsonl", "[1]", "a line is no JSON object"),
        (
            "volumes.jsonl",
            json.dumps(VOLUME) + "\n" + json.dumps(VOLUME),
            "vol-1 is in estate: volumes.jsonl, row 1 already",
        ),
        ("volumes.jsonl", json.dumps(VOLUME | {"sise": 1}), "volumes have no column sise"),
        (
            "volumes.jsonl",
            json.dumps(VOLUME | {"observed_on": "yesterday"}),
            "'yesterday' is no date such as 2026-10-01.",
        ),
        ("volumes.parquet", "no parquet", "is not what its name says"),
        ("readme.txt", "", "no lists were found"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(FinopsError) as caught:
        read_source(InventorySource(name="estate", location=str(tmp_path)), tmp_path / "x.yaml", tmp_path)
    assert said in str(caught.value)


def test_exports_of_s3_become_rows_of_buckets(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "lake" / "analysis.csv").write_text(
        "Date,ConfigId,Filter,StorageClass,ObjectAge,ObjectCount,DataUploaded_MB,Storage_MB,DataRetrieved_MB,GetRequestCount\n"
        "2026-10-19,a,,STANDARD,000-014,9,1,100,5,2\n"
        "2026-10-20,a,,STANDARD,000-014,10,1,200,7,3\n"
        "2026-10-20,a,,STANDARD,730+,4,0,50,,\n"
        "2026-10-20,a,,STANDARD,ALL,14,0,250,7,3\n"
    )
    (tmp_path / "lens.csv").write_text(
        "version_number,configuration_id,report_date,aws_account_number,aws_region,storage_class,record_type,record_value,"
        "bucket_name,metric_name,metric_value\n"
        "V_1,c,2026-10-20,1,eu-west-1,STANDARD,BUCKET,,logs,StorageBytes,1000\n"
        "V_1,c,2026-10-20,1,eu-west-1,STANDARD,BUCKET,,logs,ObjectCount,10\n"
        "V_1,c,2026-10-20,1,eu-west-1,STANDARD,BUCKET,,logs,IncompleteMultipartUploadStorageBytes,300\n"
    )
    found = read_source(InventorySource(name="estate", location=str(tmp_path)), tmp_path / "x.yaml", tmp_path)
    names = [field.name for field in LISTS["buckets"]]
    rows = [dict(zip(names, entry, strict=True)) for entry in found["buckets"]]
    young, old, uploads, current = rows
    mb = 1 << 20
    assert (young["resource_id"], young["age_from_days"], young["age_to_days"]) == ("lake", 0, 15)
    assert (young["stored_bytes"], young["retrieved_bytes"], young["get_requests"]) == (200 * mb, 12 * mb, 5)
    assert (old["age_from_days"], old["age_to_days"], old["period_days"]) == (730, None, 2)
    assert (uploads["part"], uploads["stored_bytes"]) == ("incomplete_uploads", 300)
    assert (current["part"], current["stored_bytes"], current["age_from_days"]) == ("current", 700, None)


def test_aws_is_asked_for_every_list(monkeypatch: pytest.MonkeyPatch) -> None:
    set_credentials(monkeypatch)
    with moto_server() as address:
        ec2 = boto3.client("ec2", region_name=REGION, endpoint_url=address)
        volume = ec2.create_volume(AvailabilityZone=f"{REGION}a", Size=50, VolumeType="gp2")["VolumeId"]
        first, second = (ec2.create_snapshot(VolumeId=volume)["SnapshotId"] for _ in range(2))
        allocation = ec2.allocate_address(Domain="vpc")["AllocationId"]
        subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
        nat = ec2.create_nat_gateway(SubnetId=subnet, AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"])
        boto3.client("s3", region_name=REGION, endpoint_url=address).create_bucket(
            Bucket="lake", CreateBucketConfiguration={"LocationConstraint": REGION}
        )
        size: dict[str, Any] = {
            "MetricName": "BucketSizeBytes",
            "Dimensions": [
                {"Name": "BucketName", "Value": "lake"},
                {"Name": "StorageType", "Value": "StandardStorage"},
            ],
            "Value": 5000,
        }
        boto3.client("cloudwatch", region_name=REGION, endpoint_url=address).put_metric_data(
            Namespace="AWS/S3", MetricData=[size]
        )
        role = "arn:aws:iam::123456789012:role/finops-read"
        source = InventorySource(name="estate", regions=(REGION,), endpoint_url=address, role_arn=role)
        lists = asked_of_aws(source)
    volumes = [dict(zip([f.name for f in LISTS["volumes"]], row, strict=True)) for row in lists["volumes"]]
    (own,) = [row for row in volumes if row["resource_id"] == volume]
    assert (own["volume_type"], own["size_gb"], own["state"], own["attached_to"]) == ("gp2", 50, "available", None)
    assert (own["region_id"], own["sub_account_id"]) == (REGION, "123456789012")
    newest = {row[0]: row[7] for row in lists["snapshots"]}
    assert sorted((newest[first], newest[second])) == [False, True]
    assert allocation in {row[0] for row in lists["addresses"]}
    assert [row[0] for row in lists["nat_gateways"]] == [nat["NatGateway"]["NatGatewayId"]]
    names = [field.name for field in LISTS["buckets"]]
    (bucket,) = [dict(zip(names, row, strict=True)) for row in lists["buckets"]]
    assert (bucket["resource_id"], bucket["storage_class"], bucket["stored_bytes"]) == ("lake", "STANDARD", 5000)
    assert set(lists) == set(LISTS)


def test_a_refused_call_names_the_permission_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetCallerIdentity")

    monkeypatch.setattr(aws_session.AwsSession, "client", refuse)
    source = InventorySource(name="estate", regions=(REGION,))
    session = aws_session.AwsSession(source)
    with pytest.raises(FinopsError, match="elasticloadbalancing:DescribeTargetHealth"):
        session.call(REGION, "elbv2", "describe_target_health")
    with pytest.raises(FinopsError, match="s3:ListAllMyBuckets"):
        session.call(REGION, "s3", "list_buckets")
