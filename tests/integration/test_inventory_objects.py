"""Lists of every object of a bucket become its ages by class."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.lib.config_inventory import InventorySource
from orchestration.lib.errors import FinopsError
from orchestration.lib.inventory.aws import asked_of_aws
from orchestration.lib.inventory.lists import LISTS
from orchestration.lib.inventory.reading import read_source
from tests.support.moto_server import moto_server, set_credentials

CREATED = datetime(2026, 10, 20, 1, tzinfo=UTC)
SCHEMA = "Bucket, Key, VersionId, IsLatest, IsDeleteMarker, Size, LastModifiedDate, StorageClass"
# Key, is it the latest, is it a marker, size, age in days, class.
OBJECTS = [
    ("a", True, False, 100, 0, "STANDARD"),
    ("b", True, False, 20, 14, "STANDARD"),
    ("c", True, False, 3, 15, "STANDARD"),
    ("d, with a comma", True, False, 5000, 800, "STANDARD"),
    ("e", True, False, 7, 800, "GLACIER"),
    ("a", False, False, 60, 5, "STANDARD"),
    ("a", False, False, 40, 400, "STANDARD"),
    ("f", True, True, None, 9, None),
]
EXPECTED = [
    ("GLACIER", "current", 730, None, 7, 1),
    ("STANDARD", "current", 0, 15, 120, 2),
    ("STANDARD", "current", 15, 30, 3, 1),
    ("STANDARD", "current", 730, None, 5000, 1),
    ("STANDARD", "noncurrent_versions", None, None, 100, 2),
]


def modified(age: int) -> datetime:
    return CREATED.replace(hour=0) - timedelta(days=age) + timedelta(hours=12)


def csv_list(path: Path) -> None:
    lines = [
        f'"lake","{key}","v1","{str(latest).lower()}","{str(marker).lower()}","{"" if size is None else size}",'
        f'"{modified(age):%Y-%m-%dT%H:%M:%S}.000Z","{storage or ""}"\n'
        for key, latest, marker, size, age, storage in OBJECTS
    ]
    path.write_bytes(gzip.compress("".join(lines).encode()))


def parquet_list(path: Path) -> None:
    keys, latest, markers, sizes, ages, classes = (list(column) for column in zip(*OBJECTS, strict=True))
    columns: dict[str, Any] = {
        "bucket": ["lake"] * len(keys),
        "key": keys,
        "is_latest": latest,
        "is_delete_marker": markers,
        "size": pa.array(sizes, pa.int64()),
        "last_modified_date": pa.array([modified(age) for age in ages], pa.timestamp("ms")),
        "storage_class": classes,
    }
    pq.write_table(pa.table(columns), path)


def manifest(kind: str, key: str, created: datetime = CREATED, **changes: Any) -> str:
    told = {
        "sourceBucket": "lake",
        "destinationBucket": "arn:aws:s3:::lists",
        "creationTimestamp": str(int(created.timestamp() * 1000)),
        "fileFormat": kind,
        "fileSchema": SCHEMA,
        "files": [{"key": key, "size": 1}],
    }
    return json.dumps(told | changes)


def read(folder: Path) -> list[dict[str, Any]]:
    found = read_source(InventorySource(name="estate", location=str(folder)), folder / "x.yaml", folder)
    names = [field.name for field in LISTS["buckets"]]
    return [dict(zip(names, entry, strict=True)) for entry in found["buckets"]]


def shown(rows: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    columns = ("storage_class", "part", "age_from_days", "age_to_days", "stored_bytes", "object_count")
    return [tuple(row[column] for column in columns) for row in rows]


@pytest.mark.parametrize(
    ("kind", "name", "write"), [("CSV", "1.csv.gz", csv_list), ("Parquet", "1.parquet", parquet_list)]
)
def test_objects_are_summed_by_class_and_age(
    tmp_path: Path, kind: str, name: str, write: Callable[[Path], None]
) -> None:
    data, newest, former = (
        tmp_path / "lake" / "all" / part for part in ("data", "2026-10-20T01-00Z", "2026-10-13T01-00Z")
    )
    for folder in (data, newest, former):
        folder.mkdir(parents=True)
    write(data / name)
    (data / f"former-{name}").write_text("what an older list has")
    # A manifest names files by their whole key in the bucket that they were written to.
    (newest / "manifest.json").write_text(manifest(kind, f"exports/lake/all/data/{name}"))
    (former / "manifest.json").write_text(manifest(kind, "gone", CREATED - timedelta(days=7)))
    (data / "addresses.csv").write_text("resource_id,attached_to,observed_on\neipalloc-1,,2026-10-20\n")
    rows = read(tmp_path)
    assert shown(rows) == EXPECTED
    assert {(row["resource_id"], row["observed_on"], row["retrieved_bytes"]) for row in rows} == {
        ("lake", CREATED.date(), None)
    }


def test_what_exports_say_of_the_same_part_counts_before_the_list_of_objects(tmp_path: Path) -> None:
    (tmp_path / "lake").mkdir()
    (tmp_path / "data").mkdir()
    csv_list(tmp_path / "data" / "1.csv.gz")
    (tmp_path / "manifest.json").write_text(manifest("CSV", "data/1.csv.gz"))
    (tmp_path / "lake" / "analysis.csv").write_text(
        "Date,ConfigId,Filter,StorageClass,ObjectAge,ObjectCount,DataUploaded_MB,Storage_MB,DataRetrieved_MB,GetRequestCount\n"
        "2026-10-20,a,,STANDARD,000-014,10,1,200,7,3\n"
    )
    (tmp_path / "lens.csv").write_text(
        "version_number,configuration_id,report_date,aws_account_number,aws_region,storage_class,record_type,record_value,"
        "bucket_name,metric_name,metric_value\n"
        "V_1,c,2026-10-20,1,eu-west-1,STANDARD,BUCKET,,lake,StorageBytes,1000\n"
        "V_1,c,2026-10-20,1,eu-west-1,STANDARD,BUCKET,,lake,NonCurrentVersionStorageBytes,300\n"
    )

    def told() -> dict[tuple[Any, ...], int]:
        return {
            (row["storage_class"], row["part"], row["age_from_days"]): row["stored_bytes"] for row in read(tmp_path)
        }

    both = told()
    assert both == {
        ("STANDARD", "current", 0): 200 << 20,
        ("STANDARD", "current", None): 700,
        ("STANDARD", "noncurrent_versions", None): 300,
        ("STANDARD", "current", 15): 3,
        ("STANDARD", "current", 730): 5000,
        ("GLACIER", "current", 730): 7,
    }
    (tmp_path / "lake" / "analysis.csv").unlink()
    assert told() == both | {("STANDARD", "current", 0): 120}


def test_part_of_a_bucket_without_objects_adds_nothing(tmp_path: Path) -> None:
    csv_list(tmp_path / "1.csv.gz")
    (tmp_path / "2.csv.gz").write_bytes(gzip.compress(b""))
    (tmp_path / "manifest.json").write_text(
        manifest("CSV", "", files=[{"key": "exports/1.csv.gz"}, {"key": "exports/2.csv.gz"}])
    )
    assert shown(read(tmp_path)) == EXPECTED


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("{}", "is no manifest of S3 Inventory"),
        (manifest("ORC", "1.orc"), "the format ORC cannot be read"),
        (manifest("CSV", "other.csv.gz"), "names other.csv.gz, which is not there"),
        (manifest("CSV", "1.csv.gz", fileSchema="Bucket, Key, Size"), "the field lastmodifieddate is missing"),
        (manifest("CSV", "1.csv.gz", fileSchema="Size, LastModifiedDate, StorageClass"), "1.csv.gz: cannot be read"),
        (manifest("Parquet", "1.csv.gz"), "1.csv.gz: cannot be read"),
    ],
)
def test_list_that_cannot_be_read_is_said(tmp_path: Path, body: str, said: str) -> None:
    csv_list(tmp_path / "1.csv.gz")
    (tmp_path / "manifest.json").write_text(body)
    with pytest.raises(FinopsError, match="estate: ") as caught:
        read(tmp_path)
    assert said in str(caught.value)


def test_reads_come_from_request_metrics_of_the_whole_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    set_credentials(monkeypatch)
    with moto_server() as address:
        boto3.client("s3", region_name="us-east-1", endpoint_url=address).create_bucket(Bucket="lake")
        cloudwatch = boto3.client("cloudwatch", region_name="us-east-1", endpoint_url=address)

        def put(metric: str, value: float, back: int, name: str, kind: str) -> None:
            at = datetime.now(UTC).replace(hour=3) - timedelta(days=back)
            named: Any = [{"Name": "BucketName", "Value": "lake"}, {"Name": name, "Value": kind}]
            data: Any = {"MetricName": metric, "Dimensions": named, "Timestamp": at, "Value": value}
            cloudwatch.put_metric_data(Namespace="AWS/S3", MetricData=[data])

        put("BucketSizeBytes", 5000, 1, "StorageType", "StandardStorage")
        put("BucketSizeBytes", 900, 1, "StorageType", "StandardIAStorage")
        for back in (1, 4):
            put("BytesDownloaded", 70, back, "FilterId", "EntireBucket")
            put("GetRequests", 2, back, "FilterId", "EntireBucket")
            put("BytesDownloaded", 1, back, "FilterId", "logs")
        lists = asked_of_aws(InventorySource(name="estate", regions=("us-east-1",), endpoint_url=address))
    names = [field.name for field in LISTS["buckets"]]
    rows = {row["storage_class"]: row for row in (dict(zip(names, one, strict=True)) for one in lists["buckets"])}
    standard = rows["STANDARD"]
    assert (standard["retrieved_bytes"], standard["get_requests"], standard["period_days"]) == (140, 4, 4)
    assert rows["STANDARD_IA"]["retrieved_bytes"] is None
