"""The tables of the monthly close, in schema audit: what was signed is kept for ever."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

from orchestration.lib.audit import keep_rows

SIGNED_COLUMNS = {
    "chargeback_id": "text not null",
    "source_name": "text not null",
    "billing_account_id": "text",
    "sub_account_id": "text",
    "charge_category": "text not null",
    "team": "text not null",
    "cost_center": "text",
    "project": "text",
    "cost_type": "text not null",
    "allocation_rule": "text",
    "allocation_method": "text",
    "billing_currency": "text",
    "allocation_share": "numeric",
    "billed_cost": "numeric not null",
    "effective_cost": "numeric not null",
    "contracted_cost": "numeric",
    "list_cost": "numeric",
    "billed_markup": "numeric not null",
    "effective_markup": "numeric not null",
    "contracted_markup": "numeric",
    "list_markup": "numeric",
    "billing_period": "date not null",
    "adjusts_billing_period": "date",
    "adjusts_close_id": "bigint",
}
"""The columns of finops.chargeback_reports, which are signed as they are."""

_TABLES = """
create table audit.closes (
    close_id bigint primary key,
    billing_period date not null,
    closed_at timestamptz not null,
    closed_by text not null,
    row_count bigint not null,
    content_hash text not null,
    record jsonb not null
);
comment on table audit.closes is
    'One row per close of a billing month. record: totals, rule versions, input deliveries and accepted differences.';
create table audit.reopenings (
    close_id bigint primary key references audit.closes,
    reopened_at timestamptz not null,
    reopened_by text not null,
    reason text not null
);
comment on table audit.reopenings is 'One row per close that was taken back.';
create table audit.chargebacks (
    close_id bigint not null references audit.closes,
    {columns},
    primary key (close_id, chargeback_id)
);
create index on audit.chargebacks (coalesce(adjusts_billing_period, billing_period));
comment on table audit.chargebacks is 'One row per close and row of finops.chargeback_reports, as it was signed.';
"""


def ensure_closes(connection: psycopg.Connection[Any]) -> None:
    """Create the tables where they are missing. Called by `ensure_warehouse`, which holds its lock."""
    if connection.execute("select to_regclass('audit.closes') is null").fetchone() != (True,):
        return
    columns = [sql.SQL("{} " + kind).format(sql.Identifier(name)) for name, kind in SIGNED_COLUMNS.items()]
    connection.execute(sql.SQL(_TABLES).format(columns=sql.SQL(", ").join(columns)))
    for table in ("closes", "reopenings", "chargebacks"):
        keep_rows(connection, table)
