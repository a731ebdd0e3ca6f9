"""The tables of reference data, replaced together by what the files of the configuration say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from ml.savings.instance_types import Catalogue, Spec
from orchestration.lib.config import Config
from orchestration.lib.reference.read import Reference, read_reference
from orchestration.lib.storage import file_at

_LOCK = 7_204_063
_TABLES = """
create schema if not exists config;
create table if not exists config.instance_types (
    instance_type text primary key,
    vcpu numeric not null,
    memory_gib numeric,
    network_gbps numeric,
    architecture text
);
comment on table config.instance_types is 'One row per instance type that the reference files describe.';
create table if not exists config.instance_prices (
    region_id text not null,
    system text not null,
    instance_type text not null,
    valid_from date not null,
    hourly_price numeric not null,
    currency text not null,
    primary key (region_id, system, instance_type, valid_from)
);
comment on table config.instance_prices is
'One row per region, operating system or engine, instance type and day from which on its list price an hour holds.';
create table if not exists config.instance_successors (
    current_type text not null,
    proposed_type text not null,
    primary key (current_type, proposed_type)
);
comment on table config.instance_successors is
'One row per family or type and the family or type that the reference files name in its place.';
"""
_PRICES = """
select distinct on (region_id, system, instance_type) region_id, system, instance_type, hourly_price
from config.instance_prices
where valid_from <= %s
order by region_id, system, instance_type, valid_from desc
"""


def ensure_reference(connection: psycopg.Connection[Any]) -> None:
    """Create the tables where they are missing. Safe to call at any time and from several processes."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute(_TABLES)


def store_reference(connection: psycopg.Connection[Any], config: Config, spool: Path) -> Reference:
    """Read every file of the configuration and put what they say in place of what was there, all or nothing."""
    found = Reference()
    for file in config.reference:
        with file_at(file, config.path.parent, spool) as path:
            read_reference(file, path, found)
    ensure_reference(connection)
    types = [
        (one.instance_type, one.vcpu, one.memory_gib, one.network_gbps, one.architecture)
        for one in sorted(found.types.values(), key=lambda one: one.instance_type)
    ]
    prices = [
        (one.region_id, one.system, one.instance_type, one.valid_from, one.hourly_price, one.currency)
        for one in sorted(found.prices.values())
    ]
    with connection.transaction():
        _replace(connection, "instance_types", types)
        _replace(connection, "instance_prices", prices)
        _replace(connection, "instance_successors", sorted(found.successors))
    return found


def _replace(connection: psycopg.Connection[Any], table: str, rows: Iterable[Sequence[Any]]) -> None:
    name = sql.Identifier("config", table)
    connection.execute(sql.SQL("delete from {}").format(name))
    with connection.cursor() as cursor, cursor.copy(sql.SQL("copy {} from stdin").format(name)) as out:
        for row in rows:
            out.write_row(row)


def reference_catalogue(connection: psycopg.Connection[Any], day: date) -> Catalogue:
    """What the reference files say of types, with the list prices of a day."""
    ensure_reference(connection)
    types = connection.execute(
        "select instance_type, vcpu, memory_gib, network_gbps, architecture from config.instance_types"
    )
    specs = {
        name: Spec(vcpu, memory, float(network * 10**9) if network else None, architecture)
        for name, vcpu, memory, network, architecture in types
    }
    prices: dict[tuple[str, str, str], Decimal] = {
        (region, system, name): price for region, system, name, price in connection.execute(_PRICES, [day])
    }
    successors: dict[str, list[str]] = {}
    for current, proposed in connection.execute("select * from config.instance_successors order by 1, 2"):
        successors.setdefault(current, []).append(proposed)
    return Catalogue(specs=specs, prices=prices, successors=successors)
