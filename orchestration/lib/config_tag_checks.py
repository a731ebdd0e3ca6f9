"""What a tag key or a rule cannot know of the others."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

from orchestration.lib.config_base import spelling
from orchestration.lib.config_document import Document, Location, nearest, path_text
from orchestration.lib.config_models import Team
from orchestration.lib.config_tagging import OWNER_KEYS, VirtualTagRule


def check_tag_keys(document: Document) -> None:
    """One tag key cannot mean two things."""
    policy = document.data.get("tag_policy")
    keys = policy.get("keys") if isinstance(policy, dict) else None
    meant = {_folded_key(key): key for key in OWNER_KEYS}
    for key, settings in keys.items() if isinstance(keys, dict) else ():
        where: Location = ("tag_policy", "keys", key)
        if meant.setdefault(_folded_key(key), key) != key:
            _report_meaning(document, where, repr(key), meant[_folded_key(key)])
        aliases = settings.get("aliases") if isinstance(settings, dict) else None
        for index, alias in enumerate(aliases if isinstance(aliases, list) else []):
            if isinstance(alias, str) and meant.setdefault(_folded_key(alias), key) != key:
                where = ("tag_policy", "keys", key, "aliases", index)
                _report_meaning(document, where, document.shown(where), meant[_folded_key(alias)])


def _report_meaning(document: Document, where: Location, shown: str, other: str) -> None:
    document.report(where, f"{shown} already means {other}: case, '-', '_' and ' ' make no difference.")


def _folded_key(key: str) -> str:
    return re.sub(r"^user[:_]|[-_ ]", "", key.strip().lower())


def check_virtual_tags(document: Document, rules: dict[Location, VirtualTagRule], teams: dict[Location, Team]) -> None:
    """On each day a rule's name means one rule, and a team that it names itself is a declared one."""
    for (first, one), (second, other) in combinations(rules.items(), 2):
        if spelling(one.name) == spelling(other.name) and one.overlaps(other):
            where = (*second, "name")
            document.report(
                where,
                f"the rule {document.shown(where)} is also {path_text(first)} on some of the same days. Give it another "
                "name, or set valid_from and valid_to so that one ends where the next begins.",
            )
    spellings = {spelling(written) for written in _team_names(document)}
    for location, rule in rules.items():
        where = (*location, "set", "team")
        if rule.set.team and "\\" not in rule.set.team and spelling(rule.set.team) not in spellings:
            hint = nearest(document.written[where], [document.written[(*team, "name")] for team in teams])
            document.report(where, f"{document.shown(where)} of the rule {rule.name!r} is none of the teams.{hint}")


def _team_names(document: Document) -> list[str]:
    """Names and aliases of all teams: one that is wrong in itself is still a team."""
    listed: Any = document.data.get("teams")
    names = []
    for team in listed if isinstance(listed, list) else []:
        if isinstance(team, dict):
            aliases = team.get("aliases")
            names += [team.get("name"), *(aliases if isinstance(aliases, list) else [])]
    return [name for name in names if isinstance(name, str)]
