"""What is asked of Anthropic's Admin API: messages by the hour, costs and Claude Code by the day, grouped by everything."""

from __future__ import annotations

from datetime import date

from orchestration.lib.ai.anthropic_pages import CLAUDE_CODE, COST_GROUPS, COST_REPORT, MESSAGE_GROUPS, MESSAGES
from orchestration.lib.ai.http import MAX_BUCKETS, Api
from orchestration.lib.ai.landing import Endpoint, bounds_of_day

API = Api(
    provider="Anthropic",
    address="https://api.anthropic.com",
    headers=lambda key: {"x-api-key": key, "anthropic-version": "2023-06-01"},
    key_kind="an admin key (sk-ant-admin…)",
    scope="the role admin of its organisation",
)
# Records of Claude Code in a page, at most.
_MAX_RECORDS = 1000


def _parameters(day: date, width: str, groups: tuple[str, ...]) -> list[tuple[str, str]]:
    start, end = bounds_of_day(day)
    return [
        ("starting_at", f"{start:%Y-%m-%dT%H:%M:%SZ}"),
        ("ending_at", f"{end:%Y-%m-%dT%H:%M:%SZ}"),
        ("bucket_width", width),
        ("limit", str(MAX_BUCKETS[width])),
        *(("group_by[]", name) for name in groups),
    ]


ENDPOINTS = (
    Endpoint(
        MESSAGES,
        "/v1/organizations/usage_report/messages",
        lambda day: _parameters(day, "1h", MESSAGE_GROUPS),
        is_hourly=True,
    ),
    Endpoint(COST_REPORT, "/v1/organizations/cost_report", lambda day: _parameters(day, "1d", COST_GROUPS)),
    Endpoint(
        CLAUDE_CODE,
        "/v1/organizations/usage_report/claude_code",
        lambda day: [("starting_at", day.isoformat()), ("limit", str(_MAX_RECORDS))],
    ),
)
