"""The part of the sample organisation's settings that is about AI usage, as a user would write it."""

from __future__ import annotations

from typing import Any

from .traffic import PROJECTS, SHARED_KEYS, WORKSPACES

# Name of the source -> its format.
SOURCES = {"openai": "openai", "anthropic": "anthropic", "bedrock": "bedrock_logs"}


def ai_settings() -> dict[str, Any]:
    """Return the sources, and the accounts and rules that give their projects, workspaces and keys to teams."""
    return {
        "sources": [
            {"name": name, "format": format_, "location": f"deliveries/{name}"} for name, format_ in SOURCES.items()
        ],
        "accounts": [
            {"sub_account_id": place, "team": team, "project": project, "environment": "production"}
            for place, team, project in (*PROJECTS.values(), *WORKSPACES.values())
            if team and project
        ],
        "virtual_tag_rules": [
            {"name": f"key {key}", "match": {"tag:api_key_id": f"^{key}$"}, "set": {"team": team}}
            for key, team in SHARED_KEYS.items()
        ],
    }
