"""Usage and bills of three AI providers over a few days, with a case of each thing that is treated in its own way."""

from __future__ import annotations

from typing import Any

from tests.dbt.project import SETTINGS, Project
from tests.support.ai_usage import Record, deliver_usage, record, set_prices
from tests.support.feed import Feed
from tests.support.lines import Line, csv_bytes, cur, focus

RULE = {"name": "ai", "match": {"service_names": ["OpenAI API", "Claude API", "AmazonBedrock"]}, "method": "ai_usage"}
SECTIONS: dict[str, Any] = {
    "accounts": [
        *SETTINGS["accounts"],
        {"sub_account_id": "proj_1", "team": "Checkout", "project": "assistant"},
        {"sub_account_id": "default", "team": "Search", "valid_from": "2025-03-05"},
    ],
    "virtual_tags": {"rules": [{"name": "keys", "match": {"tag:api_key_id": "^key_a$"}, "set": {"team": "Search"}}]},
    "cost_allocation": {"rules": [RULE]},
}
SONNET = {
    "provider": "anthropic",
    "operation": "messages",
    "model": "claude-sonnet-4-5-20250929",
    "project_id": "default",
}
NOVA = {"provider": "aws", "operation": "Converse", "model": "amazon.nova-lite-v1:0", "project_id": "000000000042"}


def keyed(key: str, **columns: Any) -> Record:
    return record(**columns, api_key_id=key, tags={"api_key_id": key, "project_id": "proj_1"})


def openai_usage() -> list[Record]:
    tokens = {"uncached_input_tokens": 1000, "cache_read_tokens": 500, "output_tokens": 200, "request_count": 3}
    return [
        keyed("key_a", **tokens),
        keyed("key_a", time="2025-03-04T06:30:00", **tokens),
        keyed("key_b", **tokens | {"uncached_input_tokens": 2001}),
        keyed("key_b", time="2025-03-05T06:00:00", **tokens, service_tier="batch"),
        # Charged, and nobody knows its price.
        keyed("key_b", model="gpt-next", uncached_input_tokens=70, output_tokens=30, request_count=1),
        # Used, and not charged yet.
        keyed("key_b", model="gpt-4o", time="2025-03-06T00:00:00", uncached_input_tokens=10, request_count=1),
        record(operation="web_search_calls", model=None, web_search_count=4, request_count=4),
    ]


def anthropic_usage() -> list[Record]:
    day = "2025-03-04T10:00:00"
    return [
        record(
            day, **SONNET, uncached_input_tokens=4000, cache_write_5m_tokens=100, output_tokens=50, web_search_count=2
        ),
        record(day, **SONNET, uncached_input_tokens=1000, output_tokens=10, service_tier="priority"),
        record("2025-03-05T10:00:00", **SONNET, uncached_input_tokens=100, unknown_usage={"new_tokens": "7"}),
    ]


def bedrock_usage() -> list[Record]:
    return [
        record(
            f"2025-03-04T10:{minute:02}:00",
            **NOVA,
            request_count=1,
            uncached_input_tokens=1000,
            output_tokens=100,
            principal=f"role/{team}",
            tags={"team": team, "principal": f"role/{team}"},
        )
        for minute, team in ((1, "search"), (2, "search"), (3, "checkout"), (4, "nobody"))
    ]


def openai_line(key: str | None, model: str, cost: str, *, day: int = 4, meter: str = "input", **columns: Any) -> Line:
    return focus(
        **{
            "ProviderName": "OpenAI",
            "InvoiceIssuerName": "OpenAI",
            "ServiceName": "OpenAI API",
            "ServiceCategory": "AI and Machine Learning",
            "SubAccountId": "proj_1",
            "ResourceId": key,
            "SkuId": model,
            "SkuMeter": meter,
            "Tags": f'{{"api_key_id":"{key}"}}' if key else "{}",
            "ChargePeriodStart": f"2025-03-{day:02}T00:00:00Z",
            "ChargePeriodEnd": f"2025-03-{day + 1:02}T00:00:00Z",
            **dict.fromkeys(("BilledCost", "EffectiveCost", "ContractedCost", "ListCost"), cost),
        }
        | columns
    )


def openai_bill() -> list[Line]:
    return [
        openai_line("key_a", "gpt-4o", "0.01025"),
        openai_line("key_b", "gpt-4o", "0.0076275"),
        openai_line("key_b", "gpt-4o", "0.0030625", day=5),
        openai_line("key_b", "gpt-next", "0.5"),
        openai_line(None, "web search tool calls", "0.1", meter="web_search_count"),
        openai_line(None, "code interpreter", "0.03", meter="session_count"),
        openai_line(None, "gpt-gone", "0.0000000001"),
        openai_line(None, "credit", "-0.25", meter="credit", ChargeCategory="Credit"),
    ]


def anthropic_bill() -> list[Line]:
    own: dict[str, Any] = {
        "ProviderName": "Anthropic",
        "InvoiceIssuerName": "Anthropic",
        "ServiceName": "Claude API",
        "SubAccountId": "default",
    }
    return [
        openai_line(None, "claude-sonnet-4-5", "0.013125", meter="uncached_input_tokens", **own),
        openai_line(None, "claude-sonnet-4-5", "0.02", day=5, meter="output_tokens", **own),
    ]


def bedrock_bill() -> list[Line]:
    nova = {
        "line_item_product_code": "AmazonBedrock",
        "line_item_resource_id": None,
        "resource_tags": None,
        "pricing_public_on_demand_cost": None,
    }
    return [
        cur(
            **nova,
            line_item_usage_type=f"USE1-Nova-Lite-{kind}-tokens",
            line_item_unblended_cost=cost,
            line_item_usage_amount=amount,
            pricing_unit="1K tokens",
        )
        for kind, cost, amount in (("input", "0.24", "4"), ("output", "0.096", "0.4"))
    ]


def set_all_prices(url: str) -> None:
    set_prices(
        url,
        "gpt-4o",
        {"uncached_input_tokens": "0.0000025", "cache_read_tokens": "0.00000125", "output_tokens": "0.00001"},
    )
    set_prices(
        url, "gpt-4o",
        {"uncached_input_tokens": "0.00000125", "cache_read_tokens": "0.000000625", "output_tokens": "0.000005"},
        tier="batch",
    )  # fmt: skip
    for tier in ("standard", "priority"):
        set_prices(
            url, SONNET["model"],
            {"uncached_input_tokens": "0.000003", "cache_write_5m_tokens": "0.00000375", "output_tokens": "0.000015"},
            provider="anthropic", tier=tier,
        )  # fmt: skip
    set_prices(url, NOVA["model"], {"uncached_input_tokens": "0.00006", "output_tokens": "0.00024"}, provider="aws")


def deliver_ai(project: Project) -> None:
    """All usage and bills of March 2025, and the prices."""
    project.configure(**SECTIONS)
    set_all_prices(project.url)
    for source, usage in (("openai", openai_usage()), ("anthropic", anthropic_usage()), ("bedrock", bedrock_usage())):
        deliver_usage(project.url, project.folder, source, usage)
    for source, bill in (("openai", openai_bill()), ("anthropic", anthropic_bill())):
        feed = Feed(project.url, project.folder / source, "focus", name=source)
        feed.deliver("2025-03/bill.csv", csv_bytes(*bill))
        feed.load_one()
    project.deliver("aws", "2025-03", bedrock_bill())
