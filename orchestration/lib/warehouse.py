"""The tables that no model makes: the ledger of deliveries, lines and attributes of each format, the audit log and closes."""

from __future__ import annotations

import psycopg
from psycopg import sql

from orchestration.lib.alerts.tables import ensure_alerts
from orchestration.lib.anomalies.tables import ensure_anomalies
from orchestration.lib.audit import ensure_audit
from orchestration.lib.close_tables import ensure_closes
from orchestration.lib.forecasts.tables import ensure_forecasts
from orchestration.lib.formats.columns import Column, Format, Kind
from orchestration.lib.formats.registry import FORMATS
from orchestration.lib.realised_savings import ensure_realised
from orchestration.lib.recommendation_exclusions import ensure_exclusions
from orchestration.lib.recommendation_states import ensure_states
from orchestration.lib.recommendations import ensure_recommendations

_SCHEMA_LOCK = 7_204_001

_LEDGER = """
create schema if not exists raw;
create table if not exists raw.scopes (
    scope_id integer generated always as identity primary key,
    source_name text not null,
    billing_period date not null,
    format text not null,
    delivery_id bigint,
    attributes_digest text not null default '',
    unique (source_name, billing_period)
);
comment on table raw.scopes is 'What is replaced as a whole: one billing month of one source.';
create table if not exists raw.deliveries (
    delivery_id bigint generated always as identity primary key,
    scope_id integer references raw.scopes,
    source_name text not null,
    billing_period date,
    fingerprint text not null,
    content_hash text,
    status text not null check (status in ('loading', 'loaded', 'rejected', 'superseded')),
    files jsonb not null default '[]',
    line_count bigint,
    billed_cost numeric,
    effective_cost numeric,
    ignored_columns text[] not null default '{}',
    error text,
    run_id text,
    started_at timestamptz not null default now(),
    finished_at timestamptz
);
do $$ begin
    if not exists (
        select from information_schema.columns
        where table_schema = 'raw' and table_name = 'deliveries' and column_name = 'notes'
    ) then
        alter table raw.deliveries add column notes text[] not null default '{}';
    end if;
end $$;
comment on table raw.deliveries is 'Every attempt to take in a delivery, with its files, control totals and outcome.';
create table if not exists raw.delivery_days (
    scope_id integer not null references raw.scopes,
    charge_date date not null,
    line_count bigint not null,
    billed_cost numeric not null,
    effective_cost numeric,
    digest text not null,
    primary key (scope_id, charge_date)
);
comment on table raw.delivery_days is 'Control totals and content digest of each day of the current delivery of a scope.';
create table if not exists raw.maps (map_id bigint primary key, map jsonb not null);
comment on table raw.maps is 'Distinct tags and other key-value columns; rows hold the id, a hash of the content.';
"""


def ensure_warehouse(connection: psycopg.Connection) -> None:
    """Create what is missing of the schemas raw, audit, ml and alerts. Safe to call at any time and from several processes."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_SCHEMA_LOCK])
        connection.execute(_LEDGER)
        ensure_audit(connection)
        ensure_closes(connection)
        ensure_recommendations(connection)
        ensure_forecasts(connection)
        ensure_alerts(connection)
        ensure_states(connection)
        ensure_exclusions(connection)
        ensure_anomalies(connection)
        ensure_realised(connection)
        for format_ in FORMATS.values():
            for name, columns in (
                (format_.line_table, line_columns(format_)),
                (format_.attribute_table, attribute_columns(format_)),
            ):
                connection.execute(
                    sql.SQL("create table if not exists raw.{} ({}) partition by list (scope_id)").format(
                        sql.Identifier(name), sql.SQL(", ").join(columns)
                    )
                )


def line_columns(format_: Format) -> list[sql.Composable]:
    """Column definitions of the line table: fixed-width columns first, which keeps rows small."""
    times = [column for column in format_.line_columns if column.kind is Kind.TIME]
    numbers = [column for column in format_.line_columns if column.kind is Kind.NUMBER]
    fixed = "attributes_id bigint not null", "scope_id integer not null", "charge_date date not null"
    return [*map(sql.SQL, fixed), *map(_definition, times), *map(_definition, numbers)]


def attribute_columns(format_: Format) -> list[sql.Composable]:
    fixed = "attributes_id bigint not null", "scope_id integer not null"
    return [*map(sql.SQL, fixed), *map(_definition, format_.attribute_columns)]


def _definition(column: Column) -> sql.Composable:
    nullable = " not null" if column.filled else ""
    return sql.SQL("{} " + column.sql_type + nullable).format(sql.Identifier(column.stored_name))
