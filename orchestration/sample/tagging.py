"""Tags as people write them: mostly right, sometimes misspelt, sometimes missing."""

import numpy as np

from .organization import ENVIRONMENTS, STRAY_TEAMS, TAG_KEYS, TEAM, Account, Team


def _pick(rng: np.random.Generator, choices: tuple[tuple[str, float], ...]) -> str:
    names, weights = zip(*choices, strict=True)
    return str(names[int(np.searchsorted(np.cumsum(weights), rng.random() * sum(weights), side="right"))])


def _spelling(rng: np.random.Generator, team: Team) -> str:
    """Return the team's name as somebody typed it: case and stray blanks need folding, typos need an alias."""
    draw = rng.random()
    if draw < 0.76:
        return team.name
    if draw < 0.86:
        return team.name.lower()
    if draw < 0.90:
        return team.name.upper()
    if draw < 0.94:
        return f"{team.name} "
    return str(rng.choice(team.typos))


def owner_of(rng: np.random.Generator, account: Account) -> Team:
    """Return the team that runs a resource of the account."""
    return TEAM[_pick(rng, tuple(account.teams.items()))]


def tags_for(rng: np.random.Generator, account: Account, team: Team) -> tuple[tuple[str, str], ...]:
    """Return the tags of one resource; empty for what was made by hand and never tagged."""
    tags: dict[str, str] = {}
    environment = account.environment if rng.random() < 0.85 else "staging"
    if rng.random() < account.tagged:
        tags[_pick(rng, TAG_KEYS["team"])] = _spelling(rng, team)
        if account.environment == "sandbox" and rng.random() < 0.25:
            tags = {"team": str(rng.choice(STRAY_TEAMS))}
        if rng.random() < 0.03:
            # Two tools tagged the same resource with keys that differ in case only.
            tags |= {"team": team.name, "Team": f"{team.name} "}
        if rng.random() < 0.7:
            tags[_pick(rng, TAG_KEYS["cost_center"])] = team.cost_center
        if rng.random() < 0.75:
            tags[_pick(rng, TAG_KEYS["project"])] = str(rng.choice(team.projects))
    if rng.random() < 0.8:
        tags[_pick(rng, TAG_KEYS["environment"])] = _pick(rng, ENVIRONMENTS[environment])
    return tuple(sorted(tags.items()))
