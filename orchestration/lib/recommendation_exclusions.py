"""The table ml.recommendation_exclusions: of what nothing can be recommended, and why. Silence would look like nothing to save."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg

EVERYTHING = "*"
"""In place of a resource: the whole kind lacks its inputs."""

_TABLE = """
create schema if not exists ml;
create table if not exists ml.recommendation_exclusions (
    kind text not null, resource_id text not null, reason text not null, primary key (kind, resource_id, reason)
);
comment on table ml.recommendation_exclusions is
    'Of what the last run could recommend nothing, and why. Written by the asset ml/recommendations.';
comment on column ml.recommendation_exclusions.kind is 'Kind of saving that was looked for.';
comment on column ml.recommendation_exclusions.resource_id is 'The resource; * where the whole kind lacks its inputs.';
comment on column ml.recommendation_exclusions.reason is 'What is missing or not known, in words.';
"""


@dataclass(frozen=True, order=True)
class Excluded:
    """A resource, or with * all of a kind, of which nothing can be said."""

    kind: str
    resource_id: str
    reason: str


def ensure_exclusions(connection: psycopg.Connection[Any]) -> None:
    """Create the table where it is missing."""
    connection.execute(_TABLE)


def store_exclusions(connection: psycopg.Connection[Any], found: Iterable[Excluded]) -> None:
    """Put these in place of the former ones."""
    with connection.transaction():
        connection.execute("delete from ml.recommendation_exclusions")
        with (
            connection.cursor() as cursor,
            cursor.copy("copy ml.recommendation_exclusions (kind, resource_id, reason) from stdin") as copy,
        ):
            for one in sorted(set(found)):
                copy.write_row((one.kind, one.resource_id, one.reason))
