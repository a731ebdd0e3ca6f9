"""CloudWatch's token counts of Bedrock: fetched over HTTP into a file a day, read to the last token, and comparable with the logs."""

import gzip
import json
import os
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from orchestration.lib.ai.bedrock_metrics import METRICS
from orchestration.lib.ai.bedrock_metrics_fetch import NAMESPACE, fetch_metrics
from orchestration.lib.errors import FinopsError
from tests.support.feed import Feed
from tests.support.moto_server import moto_server, set_credentials
from tests.support.usage_logs import json_lines, notes, usage

MODEL = "us.amazon.nova-lite-v1:0"
# moto keeps what is put into it for two weeks.
TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Address of a CloudWatch on this machine."""
    with moto_server() as address:
        yield address


@pytest.fixture
def metrics(
    module_database: str, source_name: str, tmp_path: Path, endpoint: str, monkeypatch: pytest.MonkeyPatch
) -> Feed:
    """A source of metrics whose folder is the one that they are fetched into."""
    set_credentials(monkeypatch)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    return Feed(module_database, tmp_path / "landing", "bedrock_metrics", name=source_name)


def put(endpoint: str, name: str, value: float, hour: int, model: str = MODEL) -> None:
    import boto3

    at = datetime(YESTERDAY.year, YESTERDAY.month, YESTERDAY.day, hour, 10, tzinfo=UTC)
    data = {"MetricName": name, "Dimensions": [{"Name": "ModelId", "Value": model}], "Timestamp": at, "Value": value}
    boto3.client("cloudwatch", endpoint_url=endpoint).put_metric_data(Namespace=NAMESPACE, MetricData=[data])


def fetch(feed: Feed, **options: Any) -> list[date]:
    first = YESTERDAY.replace(day=1)
    return fetch_metrics(feed.source, feed.root, first, {first, TODAY.replace(day=1)}, **options)


def test_counts_are_fetched_and_read(metrics: Feed, endpoint: str) -> None:
    for position, name in enumerate(METRICS):
        put(endpoint, name, 100 + position, 3)
        put(endpoint, name, 10, 3)
        put(endpoint, name, 1, 20)
    assert YESTERDAY in fetch(metrics)
    outcomes = metrics.load()
    assert [getattr(outcome, "error", None) for outcome in outcomes if getattr(outcome, "line_count", 0)] == [None]
    assert usage(metrics, "l.usage_start::text", *(f"l.{column}" for column in METRICS.values())) == [
        (f"{YESTERDAY} 03:00:00+00", 110, 111, 112, 113, 114),
        (f"{YESTERDAY} 20:00:00+00", 1, 1, 1, 1, 1),
    ]
    assert usage(metrics, "distinct a.operation", "a.model", "a.delivered_model", "a.region", "a.project_id") == [
        ("metrics", "amazon.nova-lite-v1:0", MODEL, "us-east-1", "123456789012")
    ]


def test_days_are_fetched_again_until_they_are_settled(metrics: Feed) -> None:
    days = fetch(metrics)
    assert days[-1] == TODAY
    assert fetch(metrics) == [day for day in days if day >= TODAY - timedelta(days=3)]
    later = datetime.now(UTC) + timedelta(days=5)
    assert fetch(metrics, now=later)[:1] == [day for day in days if day >= TODAY - timedelta(days=3)][:1]
    paths = sorted(metrics.root.rglob("*.jsonl.gz"))
    before = [path.read_bytes() for path in paths]
    for path in paths:
        os.utime(path, (0, 0))
    fetch(metrics)
    assert [path.read_bytes() for path in paths] == before


def test_what_aws_refuses_is_told_and_days_stay(metrics: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(
        FinopsError, match=f"{metrics.source.name}: CloudWatch cannot be asked: .*cloudwatch:GetMetricData"
    ):
        fetch(metrics)
    assert not list(metrics.root.rglob("*.jsonl.gz"))


def page(timestamps: list[str], values: list[Any], metric: str = "InputTokenCount") -> dict[str, Any]:
    """A page as it is fetched."""
    stat = {
        "Metric": {"Namespace": NAMESPACE, "MetricName": metric, "Dimensions": [{"Name": "ModelId", "Value": MODEL}]}
    }
    return {
        "AccountId": "123456789012",
        "Region": "us-east-1",
        "MetricDataQueries": [{"Id": "m0", "MetricStat": stat}],
        "MetricDataResults": [{"Id": "m0", "Timestamps": timestamps, "Values": values}],
    }


def test_an_hour_in_two_files_counts_once(metrics: Feed) -> None:
    content = gzip.compress(json_lines(page(["2025-03-04T05:00:00+00:00"], [15.0])))
    metrics.deliver("metrics/2025-03/2025-03-04.jsonl.gz", content)
    metrics.deliver("metrics/2025-03/copy.jsonl.gz", content)
    metrics.load_one()
    assert usage(metrics, "l.uncached_input_tokens", "l.output_tokens") == [(15, None)]
    assert len(notes(metrics)) == 1


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (page(["2025-03-04T05:00:00Z"], [-15.0]), "line 1, InputTokenCount: '-15.0' is negative"),
        (page(["2025-03-04T05:00:00Z"], [1.5]), "line 1, InputTokenCount: '1.5' is not a count"),
        (page(["2025-03-04T05:00:00Z"], []), "line 1: not a page of GetMetricData"),
        ({"MetricDataResults": []}, "line 1: not a page of GetMetricData"),
    ],
)
def test_a_bad_page_is_named(metrics: Feed, content: dict[str, Any], error: str) -> None:
    metrics.deliver("metrics/2025-03/2025-03-04.jsonl.gz", gzip.compress(json_lines(content)))
    assert error in metrics.refuse_one()


def test_the_recorded_answer(metrics: Feed, real_data: Path) -> None:
    sample = real_data / "ai_usage" / "bedrock_cloudwatch_token_metrics_1.json"
    if not sample.exists():
        pytest.skip("needs the folder of real data")
    (result,) = json.loads(sample.read_text())["data"]["MetricDataResults"]
    fields = ("year", "month", "day", "hour", "minute", "second", "microsecond")
    times = [datetime(*(moment[name] for name in fields)).isoformat() for moment in result["Timestamps"]]
    metrics.deliver(
        "metrics/2026-07/2026-07-21.jsonl.gz",
        gzip.compress(json_lines(page(times, result["Values"], "OutputTokenCount")), mtime=0),
    )
    metrics.load_one()
    assert usage(metrics, "l.usage_start::text", "l.output_tokens") == [("2026-07-21 14:00:00+00", 15)]
