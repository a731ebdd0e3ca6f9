"""What a single budget cannot know: whether its owner exists, and whether another budget is for the same months."""

from __future__ import annotations

from itertools import combinations

from orchestration.lib.config_document import Document, Location, nearest, path_text
from orchestration.lib.config_models import Team
from orchestration.lib.config_money import Budget


def check_budgets(document: Document, budgets: dict[Location, Budget], teams: dict[Location, Team]) -> None:
    """Report teams and cost centres that are not declared, and budgets that overlap.

    Projects and services are named by tags and bills: whether they occur is a test of the models.
    """
    known = {
        "team": [team.name for team in teams.values()],
        "cost_center": sorted({team.cost_center for team in teams.values()}),
    }
    for location, budget in budgets.items():
        kind, name = budget.scope
        if kind in known and name not in known[kind]:
            where = (*location, kind)
            meant = "teams" if kind == "team" else "teams' cost centres"
            document.report(
                where, f"{document.shown(where)} is none of the {meant}.{nearest(document.written[where], known[kind])}"
            )
    for (first, one), (second, other) in combinations(budgets.items(), 2):
        if (one.scope, one.currency) == (other.scope, other.currency) and one.overlaps(other):
            document.report(
                second,
                f"{document.shown((*second, other.scope[0]))} has the budget {path_text(first)} in some of the same months. "
                "Set valid_from and valid_to so that one ends where the next begins.",
            )
