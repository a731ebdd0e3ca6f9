"""Fetch CloudWatch's hourly token counts of Bedrock, a file for each day: `metrics/2026-10/2026-10-04.jsonl.gz`.

A line is what GetMetricData answered, with the queries that were asked, the account and the region.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from orchestration.lib.ai.bedrock_metrics import METRICS
from orchestration.lib.ai.landing import Landing, days_between
from orchestration.lib.ai.pages import parse
from orchestration.lib.config_sources import Source
from orchestration.lib.errors import FinopsError

KIND = "metrics"
NAMESPACE = "AWS/Bedrock"
_HOUR_SECONDS = 3_600
_QUERIES_IN_CALL = 500
_TIMEOUT_SECONDS = 30
_DAY = timedelta(days=1)


def fetch_metrics(
    source: Source,
    root: Path,
    first_month: date,
    months: Collection[date],
    *,
    refetch_days: int = 3,
    now: datetime | None = None,
) -> list[date]:
    """Bring the days of these months up to date below `root`; returns those that were fetched.

    A day that is there is fetched again until it was fetched `refetch_days` after its end: CloudWatch is late at times.
    Raises FinopsError for what AWS refuses; days that were fetched before stay.
    """
    from botocore.exceptions import BotoCoreError, ClientError

    now = now or datetime.now(UTC)
    landing = Landing(root, KIND)
    days = [day for day in days_between(first_month, now.date()) if day.replace(day=1) in months]
    due = landing.due(days, now, timedelta(days=refetch_days))
    if not due:
        return []
    try:
        client, account, region = _client(source)
        queries = list(_queries(client))
        for day in due:
            pages = [
                {"AccountId": account, "Region": region, "MetricDataQueries": asked, **answer}
                for begin in range(0, len(queries), _QUERIES_IN_CALL)
                for asked in (queries[begin : begin + _QUERIES_IN_CALL],)
                for answer in _answers(client, asked, day)
            ]
            # A day without models is a page without results: the file says that the day was asked for.
            pages = pages or [
                {"AccountId": account, "Region": region, "MetricDataQueries": [], "MetricDataResults": []}
            ]
            texts = [json.dumps(page, sort_keys=True, separators=(",", ":")) for page in pages]
            landing.put(day, [text.encode() for text in texts], [parse(text) for text in texts], now)
    except (BotoCoreError, ClientError) as error:
        raise FinopsError(
            f"{source.name}: CloudWatch cannot be asked: {error}. The role needs cloudwatch:ListMetrics and "
            "cloudwatch:GetMetricData."
        ) from error
    return due


def _client(source: Source) -> tuple[Any, str, str]:
    """A client of CloudWatch, the account that it is of, and its region."""
    import boto3
    from botocore.config import Config

    config = Config(connect_timeout=_TIMEOUT_SECONDS, read_timeout=_TIMEOUT_SECONDS, retries={"mode": "standard"})
    client, identity = (
        boto3.client(service, endpoint_url=source.endpoint_url, region_name=source.region, config=config)
        for service in ("cloudwatch", "sts")
    )
    return client, identity.get_caller_identity()["Account"], client.meta.region_name


def _queries(client: Any) -> Iterator[dict[str, Any]]:
    """A query for each metric and model, in an order that does not depend on the answer's."""
    found = {
        (metric["MetricName"], metric["Dimensions"][0]["Value"])
        for page in client.get_paginator("list_metrics").paginate(Namespace=NAMESPACE)
        for metric in page["Metrics"]
        # Other metrics split the same counts further.
        if metric["MetricName"] in METRICS and [dimension["Name"] for dimension in metric["Dimensions"]] == ["ModelId"]
    }
    for number, (name, model) in enumerate(sorted(found)):
        metric = {"Namespace": NAMESPACE, "MetricName": name, "Dimensions": [{"Name": "ModelId", "Value": model}]}
        yield {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": _HOUR_SECONDS, "Stat": "Sum"}}


def _answers(client: Any, queries: list[dict[str, Any]], day: date) -> Iterator[dict[str, Any]]:
    start = datetime.combine(day, time(), UTC)
    asked: dict[str, Any] = {"MetricDataQueries": queries, "StartTime": start, "EndTime": start + _DAY}
    pages = client.get_paginator("get_metric_data").paginate(**asked, ScanBy="TimestampAscending")
    for page in pages:
        yield {
            "MetricDataResults": [
                {
                    "Id": result["Id"],
                    "Timestamps": [moment.astimezone(UTC).isoformat() for moment in result["Timestamps"]],
                    "Values": result["Values"],
                }
                for result in page["MetricDataResults"]
            ]
        }
