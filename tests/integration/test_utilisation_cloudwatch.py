"""CloudWatch is asked for what resources used, a day at a time, until the day has settled."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest

from ml.savings.recommendation import Window
from orchestration.lib.config_utilisation import UtilisationSource
from orchestration.lib.utilisation.load import storage_of, take_in_days, take_in_files
from orchestration.lib.utilisation.uses import uses
from tests.support.moto_server import moto_server, set_credentials

# moto keeps what is put into it for two weeks.
TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def cloud(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> UtilisationSource:
    set_credentials(monkeypatch)
    return UtilisationSource(name="cloudwatch", region="eu-west-1", endpoint_url=endpoint, lookback_days=5)


@pytest.fixture
def warehouse(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        yield connection


def put(source: UtilisationSource, namespace: str, metric: str, value: float, minute: int, **dimensions: str) -> None:
    at = datetime(YESTERDAY.year, YESTERDAY.month, YESTERDAY.day, 3, minute, tzinfo=UTC)
    named = [{"Name": name, "Value": held} for name, held in dimensions.items()]
    data: Any = {"MetricName": metric, "Dimensions": named, "Timestamp": at, "Value": value}
    client = boto3.client("cloudwatch", region_name=source.region, endpoint_url=source.endpoint_url)
    client.put_metric_data(Namespace=namespace, MetricData=[data])


def test_days_are_asked_for_until_they_have_settled(
    cloud: UtilisationSource, warehouse: psycopg.Connection[Any]
) -> None:
    for minute, cpu in ((0, 10.0), (5, 30.0)):
        put(cloud, "AWS/EC2", "CPUUtilization", cpu, minute, InstanceId="i-1")
        put(cloud, "AWS/EC2", "NetworkIn", 3_000.0, minute, InstanceId="i-1")
    put(cloud, "CWAgent", "mem_used_percent", 55.0, 0, InstanceId="i-1", ImageId="ami-1")
    put(cloud, "AWS/RDS", "CPUUtilization", 7.0, 0, DBInstanceIdentifier="orders")
    put(cloud, "AWS/EC2", "StatusCheckFailed", 1.0, 0, InstanceId="i-1")
    days = [(TODAY - timedelta(days=back)).isoformat() for back in range(5, -1, -1)]
    taken = take_in_days(warehouse, cloud, TODAY)
    assert (taken.loaded, taken.points, taken.rejected) == (tuple(days), 6, ())
    found = uses(warehouse, Window(YESTERDAY, YESTERDAY))
    metrics = found["i-1"].metrics
    assert {name: one.maximum for name, one in metrics.items()} == {"cpu": 30.0, "memory": 55.0, "network_in": 10.0}
    assert metrics["cpu"].mean == pytest.approx(20.0)
    assert list(found["orders"].metrics) == ["cpu"]
    again = take_in_days(warehouse, cloud, TODAY)
    assert (again.loaded, again.unchanged) == (tuple(days[3:]), 3)


def test_containers_volumes_and_file_systems_are_measured_as_wholes(
    cloud: UtilisationSource, warehouse: psycopg.Connection[Any]
) -> None:
    for minute in (0, 5):
        put(cloud, "AWS/ECS", "CPUUtilization", 12.0, minute, ClusterName="shop", ServiceName="web")
        put(cloud, "AWS/ECS", "CPUUtilization", 70.0, minute, ClusterName="shop")
        for value in (20.0, 60.0):
            put(cloud, "AWS/ECS", "MemoryUtilization", value, minute, ClusterName="shop", ServiceName="web")
        put(cloud, "AWS/EBS", "VolumeReadOps", 600_000.0, minute, VolumeId="vol-1")
        put(cloud, "AWS/EBS", "VolumeWriteBytes", 3_000.0, minute, VolumeId="vol-1")
        put(cloud, "AWS/RDS", "FreeableMemory", 4096.0, minute, DBInstanceIdentifier="ledger")
        for path, used in (("/", 30.0), ("/boot", 80.0)):
            put(cloud, "CWAgent", "disk_used_percent", used, minute, InstanceId="i-2", path=path)
    take_in_days(warehouse, cloud, TODAY)
    found = uses(warehouse, Window(YESTERDAY, YESTERDAY))
    told = {
        name: {metric: one.maximum for metric, one in found[name].metrics.items()}
        for name in ("shop/web", "vol-1", "ledger", "i-2")
    }
    assert told == {
        "shop/web": {"cpu": 12.0, "memory": 60.0},
        "vol-1": {"VolumeReadOps": 2000.0, "VolumeWriteBytes": 10.0},
        "ledger": {"FreeableMemory": 4096.0},
        "i-2": {"disk_used_percent": 30.0},
    }
    assert "shop" not in found


def test_what_aws_refuses_is_one_error_that_names_the_permission(
    warehouse: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_credentials(monkeypatch)
    source = UtilisationSource(
        name="cloudwatch", region="eu-west-1", endpoint_url="http://127.0.0.1:9", lookback_days=2
    )
    (error,) = take_in_days(warehouse, source, TODAY).rejected
    assert "cloudwatch:GetMetricData" in error


def test_files_of_a_bucket_are_taken_in(
    cloud: UtilisationSource, warehouse: psycopg.Connection[Any], tmp_path: Path
) -> None:
    client = boto3.client("s3", endpoint_url=cloud.endpoint_url, region_name="us-east-1")
    client.create_bucket(Bucket="metrics")
    body = "resource_id,metric,unit,timestamp,value\ni-9,cpu,Percent,2026-10-01T00:00:00Z,12\n"
    client.put_object(Bucket="metrics", Key="export/a.csv", Body=body.encode())
    source = UtilisationSource(
        name="bucket", location="s3://metrics/export", endpoint_url=cloud.endpoint_url, region="us-east-1"
    )
    taken = take_in_files(warehouse, source.name, storage_of(source, tmp_path, tmp_path / "spool"))
    assert (taken.loaded, taken.points) == (("a.csv",), 1)
