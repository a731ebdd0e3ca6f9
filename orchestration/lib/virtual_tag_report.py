"""What each virtual tag rule does, and which do nothing: for `finops rules`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, LiteralString

import psycopg

MEANINGS = {
    "decides": "in use",
    "shadowed": "never decides: an earlier rule does wherever it could",
    "tagged": "never decides: tags of the charges do",
    "no_value": "never decides: it yields no declared team, or an empty text",
    "no_match": "never matches",
    "not_in_force": "holds in no delivered month",
}

# Resources are those of the latest month in which there are any: months must not be added.
_QUERY: LiteralString = """
    with months as (
        select
            virtual_tag_rule, rule_position, status, valid_from, valid_to, delivery_period,
            sum(matched_resource_count) as matched, sum(decided_resource_count) as decided
        from finops.virtual_tag_rule_usage
        group by virtual_tag_rule, rule_position, status, valid_from, valid_to, delivery_period
    )

    select distinct on (rule_position) virtual_tag_rule, status, delivery_period, matched, decided
    from months
    order by rule_position, matched > 0 desc, delivery_period desc nulls last
"""


@dataclass(frozen=True)
class RuleUsage:
    """A rule, what became of it over all months, and its resources in the latest month in which it matched any."""

    rule: str
    status: str
    month: str | None
    matched: int
    decided: int

    @property
    def is_idle(self) -> bool:
        """Whether the rule could be left out without changing an owner."""
        return self.status != "decides"


def rule_usage(connection: psycopg.Connection[Any]) -> list[RuleUsage]:
    """Every virtual tag rule in the order of the configuration, as of the last build of the marts."""
    return [
        RuleUsage(rule, status, f"{month:%Y-%m}" if month else None, int(matched), int(decided))
        for rule, status, month, matched, decided in connection.execute(_QUERY)
    ]


def usage_text(usages: Iterable[RuleUsage]) -> str:
    """One line for each rule.

    >>> print(usage_text([RuleUsage("names", "decides", "2026-10", 12, 9), RuleUsage("old", "no_match", None, 0, 0)]))
    names: in use; 12 resources match in 2026-10, it decides 9
    old: never matches
    """
    lines = []
    for usage in usages:
        counts = (
            f"; {usage.matched} resources match in {usage.month}, it decides {usage.decided}" if usage.matched else ""
        )
        lines.append(f"{usage.rule}: {MEANINGS[usage.status]}{counts}")
    return "\n".join(lines)
