"""Ask CloudWatch what resources used, a day at a time, as batches of measurements."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pyarrow as pa

from orchestration.lib.config_utilisation import UtilisationSource
from orchestration.lib.errors import FinopsError
from orchestration.lib.utilisation.digest import COLUMNS

PERIOD_SECONDS = 300
_QUERIES_IN_CALL = 500
_TIMEOUT_SECONDS = 30
# Namespace -> dimensions that name the resource, and of each metric the statistic and the unit of what is kept. A sum is divided by the
# period where a rate is kept: that is what networks and volumes are sized by.
_METRICS: dict[str, tuple[tuple[str, ...], dict[str, tuple[str, str]]]] = {
    "AWS/EC2": (
        ("InstanceId",),
        {
            "CPUUtilization": ("Average", "Percent"),
            "NetworkIn": ("Sum", "Bytes/Second"),
            "NetworkOut": ("Sum", "Bytes/Second"),
        },
    ),
    "CWAgent": (
        ("InstanceId",),
        {"mem_used_percent": ("Average", "Percent"), "disk_used_percent": ("Maximum", "Percent")},
    ),
    "AWS/RDS": (
        ("DBInstanceIdentifier",),
        {
            "CPUUtilization": ("Average", "Percent"),
            "FreeableMemory": ("Minimum", "Bytes"),
            "DatabaseConnections": ("Maximum", "Count"),
            "NetworkReceiveThroughput": ("Average", "Bytes/Second"),
            "NetworkTransmitThroughput": ("Average", "Bytes/Second"),
        },
    ),
    "AWS/NATGateway": (("NatGatewayId",), {"BytesOutToDestination": ("Sum", "Bytes")}),
    "AWS/ApplicationELB": (("LoadBalancer",), {"RequestCount": ("Sum", "Count")}),
    # A task that needs more memory than it has is ended: the task with the most counts.
    "AWS/ECS": (
        ("ClusterName", "ServiceName"),
        {"CPUUtilization": ("Average", "Percent"), "MemoryUtilization": ("Maximum", "Percent")},
    ),
    "AWS/EBS": (
        ("VolumeId",),
        {
            "VolumeReadOps": ("Sum", "Count/Second"),
            "VolumeWriteOps": ("Sum", "Count/Second"),
            "VolumeReadBytes": ("Sum", "Bytes/Second"),
            "VolumeWriteBytes": ("Sum", "Bytes/Second"),
        },
    ),
}
NAMESPACES = tuple(_METRICS)


def client_of(source: UtilisationSource) -> Any:
    """A client of CloudWatch with the credentials of the environment."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=_TIMEOUT_SECONDS, read_timeout=_TIMEOUT_SECONDS, retries={"mode": "standard"})
    return boto3.client("cloudwatch", endpoint_url=source.endpoint_url, region_name=source.region, config=config)


def measurements(source: UtilisationSource, client: Any, day: date) -> Iterator[pa.RecordBatch]:
    """What was measured on a day. Raises FinopsError for what AWS refuses."""
    from botocore.exceptions import BotoCoreError, ClientError

    start = datetime.combine(day, time(), UTC)
    try:
        asked = list(_series(client, source.namespaces or NAMESPACES))
        for begin in range(0, len(asked), _QUERIES_IN_CALL):
            chosen = asked[begin : begin + _QUERIES_IN_CALL]
            queries = [{"Id": f"m{number}", "MetricStat": one[2]} for number, one in enumerate(chosen)]
            pages = client.get_paginator("get_metric_data").paginate(
                MetricDataQueries=queries,
                StartTime=start,
                EndTime=start + timedelta(days=1),
                ScanBy="TimestampAscending",
            )
            for page in pages:
                yield _batch(page["MetricDataResults"], chosen)
    except (BotoCoreError, ClientError) as error:
        raise FinopsError(
            f"{source.name}: CloudWatch cannot be asked: {error}. The role needs cloudwatch:ListMetrics and "
            "cloudwatch:GetMetricData."
        ) from error


def _series(client: Any, namespaces: tuple[str, ...]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Resource, unit and statistic of each metric that is kept, in an order that does not depend on the answer's."""
    for namespace in namespaces:
        named_by, metrics = _METRICS[namespace]
        found: dict[tuple[str, str], list[dict[str, str]]] = {}
        for page in client.get_paginator("list_metrics").paginate(Namespace=namespace):
            for metric in page["Metrics"]:
                held = {one["Name"]: one["Value"] for one in metric["Dimensions"]}
                resource = "/".join(held[name] for name in named_by if name in held)
                # Of the file systems of an instance only that of its root volume is told apart by its path.
                is_whole = held.keys() >= set(named_by) and held.get("path", "/") == "/"
                if metric["MetricName"] in metrics and is_whole:
                    key = metric["MetricName"], resource
                    # Agents split by more dimensions too; the one with the fewest is of the whole resource.
                    found[key] = min(found.get(key, metric["Dimensions"]), metric["Dimensions"], key=len)
        for (name, resource), dimensions in sorted(found.items()):
            statistic, unit = metrics[name]
            metric = {"Namespace": namespace, "MetricName": name, "Dimensions": dimensions}
            yield resource, unit, {"Metric": metric, "Period": PERIOD_SECONDS, "Stat": statistic}


def _batch(results: list[dict[str, Any]], asked: list[tuple[str, str, dict[str, Any]]]) -> pa.RecordBatch:
    rows: tuple[list[Any], ...] = ([], [], [], [], [])
    for result in results:
        resource, unit, stat = asked[int(result["Id"].removeprefix("m"))]
        divisor = PERIOD_SECONDS if stat["Stat"] == "Sum" and unit.endswith("/Second") else 1
        for moment, value in zip(result["Timestamps"], result["Values"], strict=True):
            for column, held in zip(
                rows, (resource, stat["Metric"]["MetricName"], unit, moment, value / divisor), strict=True
            ):
                column.append(held)
    kinds = pa.string(), pa.string(), pa.string(), pa.timestamp("us", tz="UTC"), pa.float64()
    return pa.RecordBatch.from_arrays(
        [pa.array(held, kind) for held, kind in zip(rows, kinds, strict=True)], list(COLUMNS)
    )
