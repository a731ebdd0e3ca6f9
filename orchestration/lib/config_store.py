"""Keep the configuration in the warehouse as dated versions, so that a derived row can name the rules it came from."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import psycopg
from psycopg.types.json import Jsonb

from orchestration.lib import allocation_drivers
from orchestration.lib.ai.price_table import PRICES_TABLE
from orchestration.lib.config_models import Config
from orchestration.lib.currency_rates import RATES_TABLE, Rates, keep_rates, read_rates
from orchestration.lib.pattern_check import check_patterns

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
    store at the same time do so one after the other. Raises FinopsError, and stores nothing, where a pattern or a file that
    the configuration names is wrong.
    """
    rates = read_rates(config)
    sections = _sections(config, rates)
    hashes = _hashes(sections)
    with connection.transaction():
        check_patterns(connection, config)
        connection.execute("select pg_advisory_xact_lock(hashtextextended('config.sections', 0))")
        connection.execute(_TABLE)
        connection.execute(RATES_TABLE)
        if rates is not None:
            keep_rates(connection, rates)
        connection.execute(allocation_drivers.TABLES)
        connection.execute(PRICES_TABLE)
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


def section_hashes(config: Config) -> dict[str, str]:
    """Section -> content hash of a configuration and the files that it names, as they are now."""
    return _hashes(_sections(config, read_rates(config)))


def _sections(config: Config, rates: Rates | None) -> dict[str, Any]:
    """The sections as they are kept: a file that one names counts with its content."""
    sections = config.sections()
    if rates is not None:
        sections["currencies"]["rates"]["content_hash"] = rates.content_hash
    return sections


def _hashes(sections: dict[str, Any]) -> dict[str, str]:
    return {section: sha256(canonical_json(content).encode()).hexdigest() for section, content in sections.items()}


def canonical_json(content: Any) -> str:
    """The one text of a JSON value: keys sorted, no spaces, so that equal contents have equal hashes."""
    return json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
