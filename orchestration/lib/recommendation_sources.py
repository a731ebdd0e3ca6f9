"""Who looks for savings: each kind with what it found, and of what it could say nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg

from ml.savings.recommendation import Recommendation, Window
from orchestration.lib.config import Config
from orchestration.lib.recommendation_exclusions import EVERYTHING, Excluded


@dataclass(frozen=True)
class Found:
    """What one kind found."""

    recommendations: Sequence[Recommendation] = ()
    excluded: Sequence[Excluded] = ()


Source = Callable[[psycopg.Connection[Any], Config], Found]
CommitmentSource = Callable[[psycopg.Connection[Any], Config, Sequence[Recommendation]], Found]


def ai_models(connection: psycopg.Connection[Any], config: Config) -> Found:
    """Savings on AI models."""
    from orchestration.lib.ai.savings import ai_recommendations  # imports pandas

    window, found = ai_recommendations(connection, config)
    if window is None:
        return Found(excluded=[Excluded("ai", EVERYTHING, "no usage of AI models is known")])
    return Found(dated(found, window))


def dated(found: Sequence[Recommendation], window: Window) -> list[Recommendation]:
    """Recommendations with the days they rest on, where they do not say themselves."""
    return [one if one.window else replace(one, window=window) for one in found]


def sizes(connection: psycopg.Connection[Any], config: Config) -> Found:
    """Another size, family or generation. What would save nothing, as a commitment without a known end covers it, is said."""
    from orchestration.lib.right_sizing import sized

    found = sized(connection, config)
    kind = "right_sizing"
    silent = [
        Excluded(kind, one.resource_id, one.reason)
        for one in found.recommendations
        if one.resource_id and not _saves(one)
    ]
    if not config.utilisation:
        silent.append(Excluded(kind, EVERYTHING, "no utilisation is taken in: see utilisation in the configuration"))
    excluded = [Excluded(kind, one.resource_id, one.reason) for one in found.exclusions]
    return Found([one for one in found.recommendations if _saves(one)], excluded + silent)


def waste(connection: psycopg.Connection[Any], config: Config) -> Found:
    """What is idle, left over, on at night for nobody, or in too dear a class of storage."""
    from orchestration.lib.waste import waste as find

    found = find(connection, config)
    excluded = [Excluded("waste", one.resource_id, one.reason) for one in found.exclusions]
    if not config.inventory:
        excluded.append(
            Excluded("waste", EVERYTHING, "no list of resources is taken in: see inventory in the configuration")
        )
    return Found(found.recommendations, excluded)


def of_aws(connection: psycopg.Connection[Any], config: Config) -> Found:
    """What AWS recommends, to be shown beside ours."""
    from orchestration.lib.provider_advice import provider_advice

    return Found(provider_advice(connection, config))


def commitments(connection: psycopg.Connection[Any], config: Config, chosen: Sequence[Recommendation]) -> Found:
    """What to commit to of the usage that is left by what was chosen."""
    from orchestration.lib.commitment_advice import commitment_advice

    found = commitment_advice(connection, config, after=chosen)
    excluded = [Excluded("commitment", programme, reason) for programme, reason in found.refused]
    if not found.recommendations and not excluded:
        excluded.append(Excluded("commitment", EVERYTHING, "there is no usage that a commitment could cover"))
    return Found(found.recommendations, excluded)


def _saves(one: Recommendation) -> bool:
    return one.estimate.saving > 0 or not one.estimate.cost


SOURCES: tuple[Source, ...] = (ai_models, sizes, waste, of_aws)
COMMITMENTS: tuple[CommitmentSource, ...] = (commitments,)
