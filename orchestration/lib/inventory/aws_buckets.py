"""Buckets as CloudWatch's daily storage metrics tell them: bytes by class. Ages and reads are in storage class analysis only."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestration.lib.inventory.aws_session import AwsSession

# Storage type of the metric BucketSizeBytes -> class.
_CLASSES = {
    "StandardStorage": "STANDARD",
    "IntelligentTieringFAStorage": "INTELLIGENT_TIERING",
    "StandardIAStorage": "STANDARD_IA",
    "OneZoneIAStorage": "ONEZONE_IA",
    "GlacierStorage": "GLACIER",
    "DeepArchiveStorage": "DEEP_ARCHIVE",
}
_DAY_SECONDS = 86_400
_LOOKBACK = timedelta(days=4)
_BUCKETS_IN_CALL = 80


def buckets(session: AwsSession, regions: Collection[str]) -> Iterator[tuple[str, dict[str, Any]]]:
    """(region, row of the list) of each bucket and class in these regions."""
    first = next(iter(regions), None)
    by_region: dict[str, list[str]] = {}
    for one in session.call(first, "s3", "list_buckets")["Buckets"]:
        place = session.call(first, "s3", "get_bucket_location", Bucket=one["Name"])["LocationConstraint"]
        region = "us-east-1" if place is None else "eu-west-1" if place == "EU" else place
        if region in regions:
            by_region.setdefault(region, []).append(one["Name"])
    for region, names in sorted(by_region.items()):
        for begin in range(0, len(names), _BUCKETS_IN_CALL):
            yield from ((region, row) for row in _sizes(session, region, names[begin : begin + _BUCKETS_IN_CALL]))


def _sizes(session: AwsSession, region: str, names: list[str]) -> Iterator[dict[str, Any]]:
    asked = [(name, kind) for name in names for kind in _CLASSES]
    now = datetime.now(UTC)
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/S3",
                    "MetricName": "BucketSizeBytes",
                    "Dimensions": [{"Name": "BucketName", "Value": name}, {"Name": "StorageType", "Value": kind}],
                },
                "Period": _DAY_SECONDS,
                "Stat": "Average",
            },
        }
        for number, (name, kind) in enumerate(asked)
    ]
    found = session.pages(
        region,
        "cloudwatch",
        "get_metric_data",
        "MetricDataResults",
        MetricDataQueries=queries,
        StartTime=now - _LOOKBACK,
        EndTime=now,
        ScanBy="TimestampDescending",
    )
    for result in found:
        name, kind = asked[int(result["Id"].removeprefix("m"))]
        if result["Values"] and result["Values"][0] > 0:
            yield {
                "resource_id": name,
                "storage_class": _CLASSES[kind],
                "part": "current",
                "stored_bytes": round(result["Values"][0]),
            }
