"""The audit log: who did what to what, in a table that only grows and whose rows are chained by their hashes."""

from __future__ import annotations

import getpass
import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from orchestration.lib.config_store import canonical_json
from orchestration.lib.errors import FinopsError

ACTOR_VARIABLE = "FINOPS_ACTOR"
_SCHEMA_LOCK = 7_204_002
_BEFORE_THE_FIRST = ""

# audit.head says where the log ends: without it, rows that are missing at its end would not be missed.
_TABLES = """
create schema if not exists audit;
create function audit.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% keeps what is written to it: % is refused', tg_table_schema, tg_table_name, lower(tg_op)
        using errcode = 'insufficient_privilege';
end
$$;
create function audit.refuse_going_back() returns trigger language plpgsql as $$
begin
    if new.id is distinct from old.id + 1 then
        raise exception 'the audit log goes from one event to the next: from % to % is refused', old.id, new.id
            using errcode = 'insufficient_privilege';
    end if;
    return new;
end
$$;
create table audit.events (
    id bigint primary key,
    at timestamptz not null,
    actor text not null,
    action text not null,
    subject text not null,
    details jsonb not null,
    previous_hash text not null,
    hash text not null
);
comment on table audit.events is
    'Who did what. Rows are chained: hash is the sha256 of the row and of the hash before it. finops audit verify checks it.';
create table audit.head (id bigint not null, hash text not null);
comment on table audit.head is 'The last event of the log. One row.';
create unique index on audit.head ((true));
insert into audit.head values (0, '');
create trigger forward before update on audit.head for each row execute function audit.refuse_going_back();
alter table audit.head enable always trigger forward;
create trigger kept before delete or truncate on audit.head execute function audit.refuse_change();
alter table audit.head enable always trigger kept;
revoke all on schema audit from public;
revoke all on audit.head from public;
"""

# For statements, and always on: it refuses superusers and replication too.
_KEEP = """
create trigger kept before update or delete or truncate on {0} execute function audit.refuse_change();
alter table {0} enable always trigger kept;
revoke all on {0} from public;
"""


@dataclass(frozen=True)
class Problem:
    """An event that is not as it was written, and what is wrong with it."""

    event_id: int
    text: str


@dataclass(frozen=True)
class Verification:
    """What a check of the log found. `hash`: of its last event; noted elsewhere, it proves all that came before."""

    events: int
    hash: str
    problems: tuple[Problem, ...]


def ensure_audit(connection: psycopg.Connection[Any]) -> None:
    """Create the log where it is missing. Safe to call at any time and from several processes."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_SCHEMA_LOCK])
        if connection.execute("select to_regclass('audit.events') is null").fetchone() == (True,):
            connection.execute(_TABLES)
            keep_rows(connection, "events")


def keep_rows(connection: psycopg.Connection[Any], table: str) -> None:
    """Let a table of schema audit only grow: refuse UPDATE, DELETE and TRUNCATE to everyone."""
    connection.execute(sql.SQL(_KEEP).format(sql.Identifier("audit", table)))


def append(
    connection: psycopg.Connection[Any],
    *,
    action: str,
    subject: str,
    details: Mapping[str, Any],
    actor: str | None = None,
) -> int:
    """Write an event in the transaction of the caller, and return its id. Needs `ensure_warehouse`.

    `details`: JSON values, and decimals and dates, which are kept as texts. Floats are refused: they do not come back from
    a database as they went in. Others who append wait until the transaction ends, so append last.

    Example: append(connection, action="close", subject="2026-10", details={"rows": 12})
    """
    actor, action, subject = map(plain, (actor or current_actor(), action, subject))
    kept = plain(details)
    with connection.transaction():
        row = connection.execute("select id, hash, clock_timestamp() from audit.head for update").fetchone()
        if row is None:
            raise FinopsError("the audit log has lost its end (audit.head is empty): see `finops audit verify`.")
        event_id, previous, at = row[0] + 1, row[1], row[2]
        event_hash = _hash(event_id, at, actor, action, subject, kept, previous)
        connection.execute(
            "insert into audit.events (id, at, actor, action, subject, details, previous_hash, hash)"
            " values (%s, %s, %s, %s, %s, %s, %s, %s)",
            [event_id, at, actor, action, subject, Jsonb(kept), previous, event_hash],
        )
        connection.execute("update audit.head set id = %s, hash = %s", [event_id, event_hash])
    return int(event_id)


def verify(connection: psycopg.Connection[Any]) -> Verification:
    """Check every event against its hash and its place, and name those that were changed, removed or put in."""
    # One statement, so that events and end are of one moment.
    rows = connection.execute(
        "select head.id, head.hash, e.id, e.at, e.actor, e.action, e.subject, e.details, e.previous_hash, e.hash"
        " from (select max(id) as id, max(hash) as hash from audit.head) as head left join audit.events as e on true"
        " order by e.id"
    ).fetchall()
    last_id, last_hash = rows[0][:2]
    events = [row[2:] for row in rows if row[2] is not None]
    problems = []
    before_id, before_hash = 0, _BEFORE_THE_FIRST
    for event_id, at, actor, action, subject, details, previous, event_hash in events:
        if event_id > before_id + 1:
            problems.append(Problem(before_id + 1, f"{_range(before_id + 1, event_id - 1)} missing"))
        elif previous != before_hash:
            problems.append(Problem(event_id, f"event {event_id} does not follow on event {before_id}"))
        if event_hash != _hash(event_id, at, actor, action, subject, details, previous):
            problems.append(Problem(event_id, f"event {event_id} is not as it was written"))
        elif last_id is not None and event_id > last_id:
            problems.append(Problem(event_id, f"event {event_id} was put in behind the end of the log"))
        before_id, before_hash = event_id, event_hash
    if last_id is None:
        problems.append(Problem(before_id + 1, "the end of the log is not known: audit.head is empty"))
    elif last_id > before_id:
        problems.append(Problem(before_id + 1, f"{_range(before_id + 1, last_id)} missing at the end"))
    elif last_id == before_id and last_hash != before_hash:
        problems.append(Problem(before_id, f"event {before_id} is not the one that the log ended with"))
    return Verification(len(events), before_hash, tuple(problems))


def current_actor() -> str:
    """Who acts: FINOPS_ACTOR where it is set, else the operating system's user."""
    named = os.environ.get(ACTOR_VARIABLE, "").strip()
    if named:
        return named
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number without a name
        return f"uid {os.getuid()}"


def _hash(event_id: int, at: datetime, actor: str, action: str, subject: str, details: Any, previous: str) -> str:
    """sha256 of the canonical text of an event: a JSON list, so that no two events have the same text."""
    text = canonical_json([event_id, at.astimezone(UTC).isoformat(), actor, action, subject, details, previous])
    return sha256(text.encode()).hexdigest()


def plain(value: Any) -> Any:
    """A value as it comes back from a jsonb column."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
            raise FinopsError(f"the audit log cannot keep the text {value!r}: write it in UTF-8, without NUL bytes.")
        return value
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {plain(str(key)): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    raise TypeError(f"{type(value).__name__} {value!r} cannot be kept in an audit event")


def _range(first: int, last: int) -> str:
    return f"event {first} is" if first == last else f"events {first} to {last} are"
