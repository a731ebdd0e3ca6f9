"""Usage and costs as Anthropic's Admin API answers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

from .costs import Cost
from .pages import HOURS_OF_A_PAGE, Page, paged, write_pages
from .planted import CODE_EXECUTION, Plan
from .prices import CACHE_READ, CACHE_WRITE_1H, CACHE_WRITE_5M, OUTPUT, REQUESTS, SEARCHES, UNCACHED
from .traffic import CODERS, HAIKU, OPUS, RENAMED, SONNET, Stream
from .usage import Use

_ORGANIZATION_ID = "6f0d6c1e-3a57-4b42-9c5d-8e21b7a4f093"
_TITLES = {SONNET: "Claude Sonnet 4.5", HAIKU: "Claude Haiku 4.5", OPUS: "Claude Opus 4.5"}
# Price class -> token_type and how the description calls it.
_TOKEN_TYPES = {
    UNCACHED: ("uncached_input_tokens", "Input Tokens"),
    CACHE_READ: ("cache_read_input_tokens", "Input Tokens, Cache Read"),
    CACHE_WRITE_5M: ("cache_creation.ephemeral_5m_input_tokens", "Input Tokens, Cache Write (5m)"),
    CACHE_WRITE_1H: ("cache_creation.ephemeral_1h_input_tokens", "Input Tokens, Cache Write (1h)"),
    OUTPUT: ("output_tokens", "Output Tokens"),
}
_ADDRESSES = dict(zip(CODERS, ("renee@halden.example", "ivo@halden.example", "maike@halden.example"), strict=True))


def write_usage(root: Path, day: date, uses: Iterable[Use], plan: Plan) -> None:
    """Write the hour buckets of a day; hours without usage have empty ones."""
    found: dict[int, list[Page]] = defaultdict(list)
    for use in uses:
        found[use.hour].append(_messages(use, plan.is_renamed(day)))
    buckets = [
        {"starting_at": _hour(day, hour), "ending_at": _hour(day, hour + 1), "results": found[hour]}
        for hour in range(24)
    ]
    write_pages(root, "messages", day, paged(buckets, HOURS_OF_A_PAGE, {}))


def write_costs(root: Path, day: date, costs: Iterable[Cost]) -> int:
    """Write the cost bucket of a day, grouped by workspace and description, and return how many lines it has."""
    results: dict[tuple[str | None, str], Page] = {}
    amounts: dict[tuple[str | None, str], Decimal] = defaultdict(Decimal)
    for cost in costs:
        if cost.reported is None:
            continue
        result = _cost(cost)
        key = cost.stream.project_id, str(result["description"])
        results[key] = result
        # In cents.
        amounts[key] += cost.reported * 100
    for key, result in results.items():
        result["amount"] = format(amounts[key].normalize(), "f")
    bucket = {"starting_at": _hour(day, 0), "ending_at": _hour(day, 24), "results": list(results.values())}
    write_pages(root, "cost_report", day, paged([bucket], 1, {}))
    return len(results)


def write_claude_code(root: Path, day: date, uses: Iterable[Use], costs: Iterable[Cost], plan: Plan) -> None:
    """Write what people used Claude Code for; its tokens are among those of the usage report too."""
    estimates: dict[Stream, Decimal] = defaultdict(Decimal)
    for cost in costs:
        estimates[cost.stream] += cost.computed or 0
    days: dict[Stream, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for use in uses:
        if use.stream.name.startswith("code "):
            for name, count in use.counts.items():
                days[use.stream][name] += count
    rows = [_coder(day, stream, counts, estimates[stream], plan.is_renamed(day)) for stream, counts in _by_name(days)]
    write_pages(root, "claude_code", day, [{"data": rows, "has_more": False, "next_page": None}])


def _by_name(days: dict[Stream, dict[str, int]]) -> list[tuple[Stream, dict[str, int]]]:
    """Return streams with their counts in the order of their names."""
    return sorted(days.items(), key=lambda entry: entry[0].name)


def _hour(day: date, hour: int) -> str:
    return f"{day + timedelta(days=hour // 24)}T{hour % 24:02d}:00:00Z"


def _context_window(stream: Stream) -> str:
    return "200k-1M" if stream.long_context else "0-200k"


def _messages(use: Use, renamed: bool) -> Page:
    stream, count = use.stream, use.counts.get
    return {
        "account_id": stream.user_id,
        "api_key_id": stream.api_key_id,
        "cache_creation": {
            "ephemeral_1h_input_tokens": count(CACHE_WRITE_1H, 0),
            "ephemeral_5m_input_tokens": count(CACHE_WRITE_5M, 0),
        },
        "cache_read_input_tokens": count(CACHE_READ, 0),
        "context_window": _context_window(stream),
        "inference_geo": "global",
        "model": _name(stream.model, renamed),
        "output_tokens": count(OUTPUT, 0),
        "server_tool_use": {"web_search_requests": count(SEARCHES, 0)},
        "service_account_id": stream.service_account_id,
        "service_tier": stream.tier,
        "uncached_input_tokens": count(UNCACHED, 0),
        "workspace_id": stream.project_id,
    }


def _name(model: str, renamed: bool) -> str:
    return RENAMED.get(model, model) if renamed else model


def _cost(cost: Cost) -> Page:
    stream = cost.stream
    line: Page = {
        "amount": "0",
        "context_window": None,
        "cost_type": cost.price_class,
        "currency": "USD",
        "description": "Code Execution Usage",
        "inference_geo": None,
        "model": None,
        "service_tier": None,
        "token_type": None,
        "workspace_id": stream.project_id,
    }
    if cost.price_class == CODE_EXECUTION:
        return line
    if cost.price_class == SEARCHES:
        return line | {"cost_type": "web_search", "description": "Web Search Usage"}
    token_type, words = _TOKEN_TYPES[cost.price_class]
    lane = {"batch": " (Batch)"}.get(stream.tier, "") + (" (Long Context)" if stream.long_context else "")
    return line | {
        "context_window": _context_window(stream),
        "cost_type": "tokens",
        "description": f"{_TITLES[stream.model]} Usage{lane} - {words}",
        "inference_geo": "global",
        "model": stream.model,
        "service_tier": stream.tier,
        "token_type": token_type,
    }


def _coder(day: date, stream: Stream, counts: dict[str, int], estimate: Decimal, renamed: bool) -> Page:
    requests = counts[REQUESTS]
    tools = ("edit_tool", "multi_edit_tool", "notebook_edit_tool", "write_tool")
    return {
        "date": _hour(day, 0),
        "actor": {"type": "user_actor", "email_address": _ADDRESSES[stream.user_id or ""]},
        "organization_id": _ORGANIZATION_ID,
        "customer_type": "api",
        "subscription_type": None,
        "terminal_type": "vscode",
        "core_metrics": {
            "num_sessions": requests // 60 + 1,
            "lines_of_code": {"added": requests * 5, "removed": requests * 2},
            "commits_by_claude_code": requests // 40,
            "pull_requests_by_claude_code": requests // 120,
        },
        "tool_actions": {
            tool: {"accepted": requests // (4 * number), "rejected": requests // (30 * number)}
            for number, tool in enumerate(tools, start=1)
        },
        "model_breakdown": [
            {
                "model": _name(stream.model, renamed),
                "tokens": {
                    "input": counts[UNCACHED],
                    "output": counts[OUTPUT],
                    "cache_read": counts[CACHE_READ],
                    "cache_creation": counts[CACHE_WRITE_5M] + counts[CACHE_WRITE_1H],
                },
                # In cents.
                "estimated_cost": {"currency": "USD", "amount": round(estimate * 100)},
            }
        ],
    }
