"""What tag rules, and so owners, can see of an AI record or charge."""

from __future__ import annotations

from collections.abc import Mapping


def tags_of(further: Mapping[str, str | None] | None = None, /, **known: str | None) -> dict[str, str]:
    """The tags of a record: what is known of the ids in `known`, and all of `further` (a caller's own metadata).

    Names are api_key_id, project_id, workspace_id, user_id (a pseudonym), principal, service_account_id; they win over
    `further`, which callers can write into as they like.

    >>> tags_of({"team": "search", "project_id": "mine"}, project_id="proj_1", user_id=None)
    {'team': 'search', 'project_id': 'proj_1'}
    """
    tags = {key: value for key, value in (further or {}).items() if value is not None}
    return tags | {key: value for key, value in known.items() if value is not None}
