"""Records of small usage logs, and the files they lie in."""

import gzip
import json
from typing import Any

from tests.support.feed import Feed

Record = dict[str, Any]

FOLDER = "AWSLogs/123456789012/BedrockModelInvocationLogs/us-east-1/2025/03"
KEY = "a key of tests"
_BODY = {"messages": [{"role": "user", "content": [{"text": 'say "inputTokenCount": 7'}]}]}


def bedrock(request_id: str = "r1", **changes: Any) -> Record:
    """A record of a model invocation log. `tokens`: input, cache read, cache write, output."""
    tokens = changes.pop("tokens", (4, 3, 2, 38))
    record = {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": "2025-03-04T05:38:02Z",
        "accountId": "123456789012",
        "identity": {"arn": "arn:aws:sts::123456789012:assumed-role/team-a/jane@example.com"},
        "region": "us-east-1",
        "requestId": request_id,
        "operation": "ConverseStream",
        "modelId": "amazon.nova-lite-v1:0",
        "input": {
            "inputContentType": "application/json",
            "inputBodyJson": _BODY,
            "inputTokenCount": tokens[0],
            "cacheReadInputTokenCount": tokens[1],
            "cacheWriteInputTokenCount": tokens[2],
        },
        "output": {
            "outputContentType": "application/json",
            "outputBodyJson": {"output": {}, "usage": {"inputTokens": 4, "outputTokens": 38}},
            "outputTokenCount": tokens[3],
        },
        "inferenceRegion": "us-west-2",
        "requestMetadata": {"team": "search"},
    }
    return record | changes


def json_lines(*records: Record) -> bytes:
    return "".join(json.dumps(record, separators=(",", ":")) + "\n" for record in records).encode()


def log_object(*records: Record) -> bytes:
    """A log object as Bedrock writes them."""
    return gzip.compress(json_lines(*records), mtime=0)


def usage(feed: Feed, *columns: str) -> list[tuple[Any, ...]]:
    """Columns (SQL, see Feed.lines) of what is loaded; numbers are exact texts, as they are in the database."""
    return feed.lines(*columns, order_by=", ".join(str(position) for position in range(1, len(columns) + 1)))


def map_of(column: str) -> str:
    """SQL of a map column, for `usage`."""
    return f"(select m.map from raw.maps as m where m.map_id = a.{column}_id)"


def tokens(feed: Feed) -> tuple[Any, ...]:
    """Sums: requests, failed ones, uncached input, cache read, cache write, output."""
    (sums,) = feed.lines(
        "sum(l.request_count)", "sum(l.failed_request_count)", "sum(l.uncached_input_tokens)", "sum(l.cache_read_tokens)",
        "sum(l.cache_write_5m_tokens)", "sum(l.output_tokens)",
    )  # fmt: skip
    return sums


def notes(feed: Feed) -> list[str]:
    """The notes on the newest delivery that was taken."""
    found: list[str] = feed.value(
        "select notes from raw.deliveries where source_name = %s and status = 'loaded' order by delivery_id desc limit 1",
        feed.source.name,
    )
    return found
