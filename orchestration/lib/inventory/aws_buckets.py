"""Buckets as CloudWatch tells them: bytes by class, and what is read where request metrics are on. Ages are in exports of S3 only."""

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
_READ_DAYS = 30
_WHOLE_BUCKET = "EntireBucket"
"""What the console names a filter of request metrics that leaves nothing out."""
_READS = {"BytesDownloaded": "retrieved_bytes", "GetRequests": "get_requests"}
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
            some = names[begin : begin + _BUCKETS_IN_CALL]
            reads = _reads(session, region, some)
            for row in _sizes(session, region, some):
                # Reads are told of all classes together. Where they all count for Standard, no colder class looks better than it is.
                yield region, row | reads.get(row["resource_id"], {}) if row["storage_class"] == "STANDARD" else row


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


def _reads(session: AwsSession, region: str, names: list[str]) -> dict[str, dict[str, int]]:
    """What was read of each bucket, and the days from the first on that anything is known of."""
    filtered = [{"Name": "FilterId", "Value": _WHOLE_BUCKET}]
    measured = {
        dimension["Value"]
        for metric in session.pages(
            region,
            "cloudwatch",
            "list_metrics",
            "Metrics",
            Namespace="AWS/S3",
            MetricName="BytesDownloaded",
            Dimensions=filtered,
        )
        for dimension in metric["Dimensions"]
        if dimension["Name"] == "BucketName"
    }
    asked = [(name, metric) for name in names if name in measured for metric in _READS]
    if not asked:
        return {}
    # Whole days, so that the day that is not over yet does not count as one.
    end = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    queries = [
        {
            "Id": f"m{number}",
            "MetricStat": {
                "Metric": {
                    "Namespace": "AWS/S3",
                    "MetricName": metric,
                    "Dimensions": [{"Name": "BucketName", "Value": name}, *filtered],
                },
                "Period": _DAY_SECONDS,
                "Stat": "Sum",
            },
        }
        for number, (name, metric) in enumerate(asked)
    ]
    found: dict[str, dict[str, int]] = {}
    for result in session.pages(
        region,
        "cloudwatch",
        "get_metric_data",
        "MetricDataResults",
        MetricDataQueries=queries,
        StartTime=end - timedelta(days=_READ_DAYS),
        EndTime=end,
        ScanBy="TimestampDescending",
    ):
        name, metric = asked[int(result["Id"].removeprefix("m"))]
        if result["Values"]:
            row = found.setdefault(name, {"period_days": 0})
            row[_READS[metric]] = row.get(_READS[metric], 0) + round(sum(result["Values"]))
            row["period_days"] = max(row["period_days"], (end - min(result["Timestamps"])).days)
    return found
