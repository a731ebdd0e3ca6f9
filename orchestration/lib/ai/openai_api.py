"""What is asked of OpenAI's organisation API: usage by the hour, costs by the day, grouped by everything."""

from __future__ import annotations

from datetime import date

from orchestration.lib.ai.http import MAX_BUCKETS, Api
from orchestration.lib.ai.landing import Endpoint, bounds_of_day
from orchestration.lib.ai.openai_pages import COST_GROUPS, COSTS, GROUPS

API = Api(
    provider="OpenAI",
    address="https://api.openai.com",
    headers=lambda key: {"Authorization": f"Bearer {key}"},
    key_kind="an admin key (sk-admin-…)",
    scope="the scope api.usage.read",
)


def _parameters(day: date, width: str, groups: tuple[str, ...]) -> list[tuple[str, str]]:
    start, end = bounds_of_day(day)
    return [
        ("start_time", str(int(start.timestamp()))),
        ("end_time", str(int(end.timestamp()))),
        ("bucket_width", width),
        ("limit", str(MAX_BUCKETS[width])),
        *(("group_by", name) for name in groups),
    ]


ENDPOINTS = (
    *(
        Endpoint(
            kind,
            f"/v1/organization/usage/{kind}",
            lambda day, groups=groups: _parameters(day, "1h", groups),  # type: ignore[misc]
            is_hourly=True,
        )
        for kind, groups in GROUPS.items()
    ),
    Endpoint(COSTS, "/v1/organization/costs", lambda day: _parameters(day, "1d", COST_GROUPS)),
)
