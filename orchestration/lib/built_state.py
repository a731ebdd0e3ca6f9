"""What the marts were built from, as one digest: whether they are those of what is loaded and configured now."""

from __future__ import annotations

from typing import Any

import psycopg

_TABLE = """
create schema if not exists intermediate;
create table if not exists intermediate.built_state (state text not null);
comment on table intermediate.built_state is 'Digest of deliveries, settings and reopened months that the last whole build started from.';
"""

# Every delivered day, the settings, prices of AI usage, and the months that were opened again. A close changes no figure and is left out.
_STATE = """
select md5(concat_ws(
    '|',
    (
        select string_agg(concat_ws(',', d.scope_id, d.charge_date, d.digest, s.attributes_digest), ';' order by d.scope_id, d.charge_date)
        from raw.delivery_days as d
        inner join raw.scopes as s using (scope_id)
    ),
    (select string_agg(concat_ws(',', section, content_hash), ';' order by section) from config.sections where superseded_at is null),
    (select string_agg(concat_ws(',', driver, content_hash), ';' order by driver) from config.driver_versions where superseded_at is null),
    (select content_hash from config.ai_price_versions where superseded_at is null),
    (select string_agg(close_id::text, ';' order by close_id) from audit.reopenings)
))
"""


def current_state(connection: psycopg.Connection[Any]) -> str:
    """The digest of what is there now. Needs the tables of `ensure_warehouse` and a stored configuration."""
    row = connection.execute(_STATE).fetchone()
    assert row is not None
    return str(row[0])


def record_state(connection: psycopg.Connection[Any], state: str) -> None:
    """Note that all marts were built, and passed their tests, from a state that was asked for before the build began."""
    with connection.transaction():
        connection.execute(_TABLE)
        connection.execute("delete from intermediate.built_state")
        connection.execute("insert into intermediate.built_state values (%s)", [state])


def is_built(connection: psycopg.Connection[Any]) -> bool:
    """Whether the marts are those of what is there now."""
    if connection.execute("select to_regclass('intermediate.built_state') is null").fetchone() == (True,):
        return False
    return connection.execute("select state from intermediate.built_state").fetchone() == (current_state(connection),)
