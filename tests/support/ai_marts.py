"""The marts of AI usage, made by hand from a few rows, for tests of what reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql

_TABLES = """
create schema if not exists finops;
create table finops.ai_usage (
    provider text, operation text default 'completions', model text, service_tier text default 'standard', context_window text,
    project_id text, api_key_id text, principal text, status text, team text, cost_center text, project text, environment text,
    price_status text default 'priced', is_repeated boolean default false,
    request_count numeric, failed_request_count numeric, uncached_input_tokens numeric, cache_read_tokens numeric,
    cache_write_5m_tokens numeric, cache_write_1h_tokens numeric, input_audio_tokens numeric, cache_read_audio_tokens numeric,
    output_tokens numeric, output_audio_tokens numeric, image_count numeric, audio_seconds numeric, character_count numeric,
    model_cost numeric, charge_date date
);
create table finops.ai_usage_hourly (like finops.ai_usage including defaults, usage_hour timestamptz);
create table finops.ai_cost_reconciliation (
    provider text, billing_currency text, computed_cost numeric, unexplained_cost numeric, charge_date date
);
"""


def make_ai_marts(
    connection: psycopg.Connection[Any], daily: Sequence[Mapping[str, Any]], hourly: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Make the marts from rows that name some of their columns."""
    connection.execute(_TABLES)
    for table, rows in (("ai_usage", daily), ("ai_usage_hourly", hourly)):
        for row in rows:
            statement = sql.SQL("insert into {} ({}) values ({})").format(
                sql.Identifier("finops", table),
                sql.SQL(", ").join(map(sql.Identifier, row)),
                sql.SQL(", ").join(map(sql.Placeholder, row)),
            )
            connection.execute(statement, row)
    connection.commit()
