"""The part of the sample organisation's settings that is about AI usage, as a user would write it."""

from __future__ import annotations

from datetime import date
from typing import Any

from ..commitments import month_before
from .bedrock import CALLERS
from .planted import DISCOUNT, DISCOUNT_MONTHS
from .prices import CACHE_READ, CACHE_WRITE_1H, CACHE_WRITE_5M, IMAGE_MODEL, IMAGE_PRICE, IMAGES, OUTPUT, UNCACHED
from .traffic import DEFAULT_WORKSPACE, PROJECTS, SHARED_KEYS, WORKSPACES

# What the ARN of an application's own profile does not tell.
_PROFILES = {caller.model_id: caller.model for caller in CALLERS if caller.application_profile}
SOURCES: tuple[dict[str, Any], ...] = (
    {"name": "openai", "format": "openai", "location": "deliveries/openai"},
    {"name": "anthropic", "format": "anthropic", "location": "deliveries/anthropic"},
    {
        "name": "bedrock",
        "format": "bedrock_logs",
        "location": "deliveries/bedrock",
        "inference_profiles": _PROFILES,
        # Each request has a trace of its own, which says nothing about who pays for it.
        "left_out_tags": ["traceId"],
    },
)
# The organisation is ready to try a smaller model for any traffic.
_SUBSTITUTIONS = [
    {"traffic": "small", "candidates": ["small"]},
    {"traffic": "medium", "candidates": ["medium", "small"]},
    {"traffic": "large", "candidates": ["large", "medium"]},
    {"traffic": "embedding", "candidates": ["embedding"]},
]


def ai_settings(end: date) -> dict[str, Any]:
    """Return the sources, the owners of their projects, workspaces and keys, and sections of their own.

    The workspace that several teams share has no owner: its keys tell whose usage it is.
    """
    places = (*PROJECTS.values(), *WORKSPACES.values(), (DEFAULT_WORKSPACE, "Platform Engineering", "landing-zone"))
    return {
        "sources": list(SOURCES),
        "accounts": [
            {"sub_account_id": place, "team": team, "project": project, "environment": "production"}
            for place, team, project in places
            if team and project
        ],
        "virtual_tag_rules": [
            {"name": f"key {key}", "match": {"tag:api_key_id": f"^{key}$"}, "set": {"team": team}}
            for key, team in SHARED_KEYS.items()
        ],
        "allocation_rule": {
            "name": "AI usage",
            "match": {"service_names": ["OpenAI API", "Claude API", "Amazon Bedrock"]},
            "method": "ai_usage",
        },
        "sections": {
            "ai_prices": _prices(end),
            "ai_api_optimization": {"substitutions": _SUBSTITUTIONS, "rules": _rules()},
        },
    }


def _prices(end: date) -> dict[str, Any]:
    return {
        "overrides": [
            {
                "name": "images of medium quality",
                "provider": "openai",
                "model": IMAGE_MODEL,
                "per_unit": {IMAGES: float(IMAGE_PRICE)},
            },
            # The catalogue does not know this tier: it is bought ahead, and used at the standard price.
            {
                "name": "priority tier",
                "provider": "anthropic",
                "model": "claude-haiku-4-5*",
                "service_tier": "priority",
                "per_million_tokens": {
                    UNCACHED: 1,
                    CACHE_READ: 0.1,
                    CACHE_WRITE_5M: 1.25,
                    CACHE_WRITE_1H: 2,
                    OUTPUT: 5,
                },
            },
        ],
        "discounts": [
            {
                "name": "agreement on Sonnet",
                "provider": "anthropic",
                "model": "claude-sonnet-4-5*",
                "percent": int(DISCOUNT * 100),
                "valid_from": month_before(end, DISCOUNT_MONTHS),
            }
        ],
    }


def _rules() -> list[dict[str, Any]]:
    return [
        {
            "name": "many dear requests",
            "condition": "requests_per_day > 1000 and cost_per_token > 0.01",
            "potential_savings_percentage": 40,
        },
        {
            "name": "long prompts that no cache holds",
            "condition": "tokens_per_request > 10000 and cache_read_share < 0.1",
            "potential_savings_percentage": 30,
        },
    ]
