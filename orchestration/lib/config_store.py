"""Keep the configuration in the warehouse as dated versions, so that a derived row can name the rules it came from."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from orchestration.lib import allocation_drivers
from orchestration.lib.config_models import Config

_TABLE = """
create schema if not exists config;

create table if not exists config.sections (
    section text not null,
    content_hash text not null,
    content jsonb not null,
    loaded_at timestamptz not null,
    superseded_at timestamptz,
    primary key (section, content_hash, loaded_at)
);

create unique index if not exists sections_current on config.sections (section) where superseded_at is null;
"""


_SUPERSEDE = "update config.sections set superseded_at = %s where section = %s and superseded_at is null"
_INSERT = "insert into config.sections (section, content_hash, content, loaded_at) values (%s, %s, %s, %s)"


def store_config(connection: psycopg.Connection[Any], config: Config) -> dict[str, str]:
    """Make this configuration the current one, in one transaction, and return section -> content hash (sha256 in hex).

    A section that changed gets a new version and its former one an end; an unchanged section is left alone. Runs that
    store at the same time do so one after the other. Raises FinopsError for a driver of cost allocation that is wrong.
    """
    sections = config.sections()
    hashes = {section: sha256(canonical_json(content).encode()).hexdigest() for section, content in sections.items()}
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtextextended('config.sections', 0))")
        connection.execute(_TABLE)
        connection.execute(allocation_drivers.TABLES)
        current = dict(
            connection.execute("select section, content_hash from config.sections where superseded_at is null")
        )
        # Not now(): that is when the transaction began to wait for the lock, before the version that it waited for.
        ((loaded_at,),) = connection.execute("select clock_timestamp()").fetchall()
        allocation_drivers.store_drivers(connection, config, loaded_at)
        for section in (name for name, content_hash in hashes.items() if current.get(name) != content_hash):
            connection.execute(_SUPERSEDE, (loaded_at, section))
            connection.execute(_INSERT, (section, hashes[section], Jsonb(sections[section]), loaded_at))
    return hashes


def canonical_json(content: Any) -> str:
    """The one text of a JSON value: keys sorted, no spaces, so that equal contents have equal hashes."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
