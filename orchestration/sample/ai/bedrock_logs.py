"""Invocation logs of Bedrock where AWS puts them: gzipped JSON lines, a file per account, region and hour."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from .bedrock import BROKEN, LOGGED_SINCE, THROTTLED, Call
from .pages import write_lines
from .prices import CACHE_READ, CACHE_WRITE_5M, OUTPUT, UNCACHED

_STATUS = {THROTTLED: 429, BROKEN: 424}


def is_logged(call: Call, end: date) -> bool:
    """Whether logging was on where and when a call was made."""
    return call.caller.logged and call.day >= end - timedelta(days=LOGGED_SINCE)


def write_logs(root: Path, calls: Iterable[Call]) -> int:
    """Write the logs of some calls and return how many files they are."""
    files: dict[tuple[str, str, str], list[Call]] = defaultdict(list)
    for call in calls:
        files[call.caller.account_id, call.caller.region, f"{call.at:%Y/%m/%d/%H}"].append(call)
    for (account, region, hour), found in files.items():
        found.sort(key=lambda call: (call.at, call.request_id))
        folder = root / "AWSLogs" / account / "BedrockModelInvocationLogs" / region / hour
        name = f"{found[-1].at:%Y%m%dT%H%M%S}000Z_{found[0].request_id.replace('-', '')[:16]}.json.gz"
        write_lines(folder / name, map(_record, found))
    return len(files)


def _record(call: Call) -> dict[str, Any]:
    caller, count = call.caller, call.counts.get
    session = f"session-{call.team.lower().replace(' ', '-')}"
    record: dict[str, Any] = {
        "schemaType": "ModelInvocationLog",
        "schemaVersion": "1.0",
        "timestamp": f"{call.at:%Y-%m-%dT%H:%M:%SZ}",
        "accountId": caller.account_id,
        "identity": {"arn": f"arn:aws:sts::{caller.account_id}:assumed-role/{caller.name}/{session}"},
        "region": caller.region,
        "requestId": call.request_id,
        "operation": caller.operation,
        "modelId": caller.model_id,
        "input": {
            "inputContentType": "application/json",
            "inputBodyJson": {},
            "inputTokenCount": count(UNCACHED, 0),
            "cacheReadInputTokenCount": count(CACHE_READ, 0),
            "cacheWriteInputTokenCount": count(CACHE_WRITE_5M, 0),
        },
        "output": {
            "outputContentType": "application/json",
            "outputBodyJson": {},
            "outputTokenCount": count(OUTPUT, 0),
        },
        "inferenceRegion": call.served_in,
    }
    if caller.named:
        record["requestMetadata"] = {"team": call.team, "traceId": call.trace_id}
    if call.error:
        record |= {"errorCode": call.error, "status": _STATUS[call.error]}
    return record
