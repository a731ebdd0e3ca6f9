"""Whether the rules of cost allocation fit together: what a single rule cannot know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

from orchestration.lib.config_base import spelling
from orchestration.lib.config_document import Document, Location, nearest, path_text
from orchestration.lib.config_models import AllocationDriver, AllocationRule

Rules = Mapping[Location, AllocationRule]


def check_allocation(
    document: Document, team_names: list[str], rules: Rules, drivers: Mapping[Location, AllocationDriver]
) -> None:
    """Report versions that overlap, drivers that are not declared, unknown teams in shares, and steps out of order."""
    _check_versions(document, rules)
    _check_drivers(document, rules, drivers)
    for location, rule in rules.items():
        for team in rule.shares or ():
            if team not in team_names:
                where = (*location, "shares", team)
                document.report(where, f"{team!r} is none of the teams.{nearest(team, team_names)}")
        _check_steps(document, location, rule, rules)


def team_references(location: Location, rule: AllocationRule) -> list[Location]:
    """Where a rule lists teams."""
    lists = {"match": rule.match.teams, "over": rule.over.teams if rule.over else None}
    return [(*location, key, "teams", index) for key, teams in lists.items() for index in range(len(teams or ()))]


def gives_to(rule: AllocationRule) -> Iterator[str]:
    """The teams that a rule names as payers. Others follow from costs or from a driver."""
    yield from rule.shares or ()
    if rule.over:
        yield from rule.over.teams or ()


def conflict(rule: AllocationRule, team: str, rules: Rules) -> tuple[Location, AllocationRule] | None:
    """The rule by which the costs of a team are already divided when another rule gives to that team."""
    found = (
        (location, other)
        for location, other in rules.items()
        if team in other.takes_whole_teams and other.step <= rule.step and other.overlaps(rule)
    )
    return next(found, None)


def conflict_text(rule: AllocationRule, team: str, location: Location, other: AllocationRule) -> str:
    """What is wrong with giving to a team whose costs are already divided, and what to do about it."""
    if other is rule:
        return f"the rule {rule.name!r} gives to {team!r}, whose costs it divides. Leave the team out."
    return (
        f"the rule {rule.name!r} of step {rule.step} gives to {team!r}, whose costs the rule {other.name!r} "
        f"({path_text(location)}) divides in step {other.step}: they would go round in a circle. Leave the team out, "
        f"or give {other.name!r} a later step than {rule.step}."
    )


def _check_versions(document: Document, rules: Rules) -> None:
    for (first, rule), (second, other) in combinations(rules.items(), 2):
        if spelling(rule.name) != spelling(other.name):
            continue
        where = (*second, "name")
        shown = document.shown(where)
        if rule.name != other.name:
            document.report(where, f"{shown} is also {path_text(first)}: case makes no difference.")
        elif rule.overlaps(other):
            document.report(
                where,
                f"{shown} is also {path_text(first)}, on some of the same days. Give one another name, or set valid_from "
                "and valid_to so that one version ends where the next begins.",
            )


def _check_drivers(document: Document, rules: Rules, drivers: Mapping[Location, AllocationDriver]) -> None:
    names = [driver.name for driver in drivers.values()]
    for location, rule in rules.items():
        if rule.driver is not None and rule.driver not in names:
            where = (*location, "driver")
            document.report(
                where, f"{document.shown(where)} is none of cost_allocation.drivers.{nearest(rule.driver, names)}"
            )


def _check_steps(document: Document, location: Location, rule: AllocationRule, rules: Rules) -> None:
    for team in dict.fromkeys(gives_to(rule)):
        if found := conflict(rule, team, rules):
            document.report(location, conflict_text(rule, team, *found))
