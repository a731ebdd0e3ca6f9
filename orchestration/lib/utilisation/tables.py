"""The tables of utilisation: digests by file, resource, metric and day, and the files that they are from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from psycopg import sql

from orchestration.lib.utilisation.digest import DayDigest
from orchestration.lib.utilisation.hours import HOURS_TABLE

_LOCK = 7_204_062
_TABLES = """
create schema if not exists raw;
create table if not exists raw.utilisation_files (
    file_id bigint generated always as identity primary key,
    source_name text not null,
    file_key text not null,
    version text not null,
    point_count bigint not null,
    first_day date,
    last_day date,
    loaded_at timestamptz not null default now(),
    unique (source_name, file_key)
);
comment on table raw.utilisation_files is
'One row per file of measurements that is loaded. A file that is delivered again under its name replaces what it said before.';
create table if not exists raw.utilisation (
    file_id bigint not null references raw.utilisation_files on delete cascade,
    usage_date date not null,
    sample_count integer not null,
    first_second integer not null,
    last_second integer not null,
    minimum double precision not null,
    maximum double precision not null,
    total double precision not null,
    resource_id text not null,
    metric text not null,
    unit text not null,
    buckets bytea not null,
    counts bytea not null
);
create index if not exists utilisation_file on raw.utilisation (file_id);
comment on table raw.utilisation is
'One row per file, resource, metric, day and stretch: how its measurements are spread. Where stretches overlap the last file counts.';
comment on column raw.utilisation.unit is
'Percent, Bytes/Second, Count, …: what minimum, maximum and total (the sum of all measurements) are in.';
comment on column raw.utilisation.buckets is
'Little-endian 16-bit numbers: bucket k holds values above 1.04^(k-1) and at most 1.04^k; -32768 holds zeros.';
comment on column raw.utilisation.counts is
'Little-endian 32-bit numbers: how many measurements are in each bucket.';
"""
_COLUMNS = {
    "file_id": "int8",
    "usage_date": "date",
    "sample_count": "int4",
    "first_second": "int4",
    "last_second": "int4",
    "minimum": "float8",
    "maximum": "float8",
    "total": "float8",
    "resource_id": "text",
    "metric": "text",
    "unit": "text",
    "buckets": "bytea",
    "counts": "bytea",
}


def ensure_utilisation(connection: psycopg.Connection[Any]) -> None:
    """Create the tables where they are missing. Safe to call at any time and from several processes."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute(_TABLES)
        connection.execute(HOURS_TABLE)


def copy_digests(connection: psycopg.Connection[Any], file_id: int, digests: Iterable[DayDigest]) -> None:
    """Write digests as rows of a file."""
    copied = sql.SQL("copy raw.utilisation ({}) from stdin (format binary)").format(
        sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    )
    with connection.cursor() as cursor, cursor.copy(copied) as out:
        out.set_types(list(_COLUMNS.values()))
        for one in digests:
            out.write_row((
                file_id, one.usage_date, one.count, one.first, one.last, one.minimum, one.maximum, one.total,
                one.resource_id, one.metric, one.unit, one.buckets, one.counts,
            ))  # fmt: skip
