"""The names behind the pseudonyms of AI users, where the configuration asks for them: readable by their owner only, erasable.

Who looks at them, and who erases one, is noted in the audit log, which holds no name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import psycopg

from orchestration.lib import audit
from orchestration.lib.ai.pseudonyms import pseudonym
from orchestration.lib.errors import FinopsError
from orchestration.lib.warehouse import ensure_warehouse

_SCHEMA_LOCK = 7_204_003
# Of a person who was forgotten the pseudonym stays: their name comes again with the next delivery, and must not be kept.
_TABLES = """
create schema if not exists personal;
revoke all on schema personal from public;
create table if not exists personal.ai_users (user_id text primary key, user_name text not null);
comment on table personal.ai_users is 'Names behind the pseudonyms of AI users. finops ai forget erases one.';
create table if not exists personal.forgotten_ai_users (user_id text primary key);
comment on table personal.forgotten_ai_users is 'Pseudonyms whose names are not kept again.';
revoke all on all tables in schema personal from public;
"""


def ensure_users(connection: psycopg.Connection[Any]) -> None:
    """Create the schema where it is missing."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_SCHEMA_LOCK])
        connection.execute(_TABLES)


def remember(connection: psycopg.Connection[Any], names: Mapping[str, str]) -> None:
    """Keep names by their pseudonyms, but for those who were forgotten."""
    if not names:
        return
    ensure_users(connection)
    connection.execute(
        "insert into personal.ai_users (user_id, user_name)"
        " select n.user_id, n.user_name from unnest(%s::text[], %s::text[]) as n (user_id, user_name)"
        " where not exists (select from personal.forgotten_ai_users as f where f.user_id = n.user_id)"
        " on conflict do nothing",
        [list(names), list(names.values())],
    )


def users(connection: psycopg.Connection[Any]) -> list[tuple[str, str]]:
    """(pseudonym, name) of everybody who is kept. The access is noted."""
    ensure_warehouse(connection)
    ensure_users(connection)
    with connection.transaction():
        found = connection.execute("select user_id, user_name from personal.ai_users order by user_name").fetchall()
        audit.append(connection, action="read_names", subject="ai_users", details={"names": len(found)})
    return [(str(user_id), str(name)) for user_id, name in found]


def forget(connection: psycopg.Connection[Any], user: str) -> str:
    """Erase the name of a user, given by it or by the pseudonym, for good; returns the pseudonym. The erasure is noted.

    Raises FinopsError for one who is not known.
    """
    ensure_warehouse(connection)
    ensure_users(connection)
    with connection.transaction():
        row = connection.execute(
            "select user_id from personal.ai_users where user_id = %s or user_name = %s or user_id = %s",
            [user, user.strip(), pseudonym(user) or ""],
        ).fetchone()
        if row is None:
            raise FinopsError(
                f"no name is kept for {user!r}. `finops ai users` lists those that are; give the name or the pseudonym."
            )
        connection.execute("delete from personal.ai_users where user_id = %s", [row[0]])
        connection.execute("insert into personal.forgotten_ai_users values (%s) on conflict do nothing", [row[0]])
        audit.append(connection, action="forget", subject=row[0], details={})
    return str(row[0])
