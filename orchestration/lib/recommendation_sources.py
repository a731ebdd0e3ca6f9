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


def sizes(connection: psycopg.Connection[Any], config: Config) -> Found:
    """Other sizes and generations of instances and databases."""
    from orchestration.lib.right_sizing import sized  # imports numpy

    found = sized(connection, config)
    return Found(
        found.recommendations, [Excluded("right_sizing", one.resource_id, one.reason) for one in found.exclusions]
    )


def dated(found: Sequence[Recommendation], window: Window) -> list[Recommendation]:
    """Recommendations with the days they rest on, where they do not say themselves."""
    return [one if one.window else replace(one, window=window) for one in found]


SOURCES: tuple[Source, ...] = (ai_models, sizes)
COMMITMENTS: tuple[CommitmentSource, ...] = ()
