"""The table ml.recommendation_exclusions: of what nothing can be recommended, and why. Silence would look like nothing to save."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

from orchestration.lib.ml_tables import Table, ensure_tables, replace_rows

EVERYTHING = "*"
"""In place of a resource: the whole kind lacks its inputs."""

_TABLE = Table(
    "recommendation_exclusions",
    "Of what the last run could recommend nothing, and why. Written by the asset ml/recommendations.",
    (
        ("kind", "text not null", "Kind of saving that was looked for."),
        ("resource_id", "text not null", "The resource; * where the whole kind lacks its inputs."),
        ("reason", "text not null", "What is missing or not known, in words."),
    ),
)


@dataclass(frozen=True, order=True)
class Excluded:
    """A resource, or with * all of a kind, of which nothing can be said."""

    kind: str
    resource_id: str
    reason: str


def ensure_exclusions(connection: psycopg.Connection[Any]) -> None:
    """Create the table where it is missing."""
    ensure_tables(connection, [_TABLE])


def store_exclusions(connection: psycopg.Connection[Any], found: Iterable[Excluded]) -> None:
    """Put these in place of the former ones."""
    replace_rows(connection, {_TABLE: [(one.kind, one.resource_id, one.reason) for one in sorted(set(found))]})
