"""The ledger of deliveries: who loads what, what came of it, and the swap that makes a delivery current."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

import psycopg
from psycopg import sql

from orchestration.lib.deliveries import Delivery
from orchestration.lib.encoding import Days
from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.columns import Format
from orchestration.lib.interning import Interned

# First half of the advisory lock of a scope; the second is the scope's id.
_SCOPE_LOCKS = 7_204
_SWAP_TIMEOUT = "120s"
CUT_OFF = "cut off before it was loaded"
# Times are copied without a zone; they are UTC whatever the server's setting.
UTC = "-c TimeZone=UTC"


@contextmanager
def connect(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection that commits every statement. Raises FinopsError where there is none to be had."""
    try:
        connection = psycopg.connect(database_url, autocommit=True, options=UTC)
    except psycopg.OperationalError as error:
        raise FinopsError(
            f"the warehouse cannot be reached: {str(error).splitlines()[0]}. Try `finops doctor`."
        ) from error
    with connection:
        yield connection


def delivery_table(table: str, delivery_id: int) -> str:
    return f"{table}_d{delivery_id}"


def scope_of(connection: psycopg.Connection, source_name: str, billing_period: date, format_name: str) -> int:
    """The id of the scope, made on first sight. Raises FinopsError where a source has changed its format."""
    connection.execute(
        "insert into raw.scopes (source_name, billing_period, format) values (%s, %s, %s) on conflict do nothing",
        [source_name, billing_period, format_name],
    )
    row = connection.execute(
        "select scope_id, format from raw.scopes where source_name = %s and billing_period = %s",
        [source_name, billing_period],
    ).fetchone()
    assert row is not None
    if row[1] != format_name:
        raise FinopsError(
            f"{source_name} {billing_period:%Y-%m} was delivered as {row[1]} and now as {format_name}. "
            "Give the source with the new format a name of its own."
        )
    return int(row[0])


@contextmanager
def scope_lock(connection: psycopg.Connection, scope_id: int) -> Iterator[None]:
    """Held by the one load of a scope; the database frees it when that process ends, however it ends."""
    row = connection.execute("select pg_try_advisory_lock(%s, %s)", [_SCOPE_LOCKS, scope_id]).fetchone()
    if row is None or not row[0]:
        raise FinopsError(
            "another run is loading this billing month of this source. Wait for it to end, then run again."
        )
    try:
        yield
    finally:
        if not connection.closed and not connection.broken:
            connection.execute("select pg_advisory_unlock(%s, %s)", [_SCOPE_LOCKS, scope_id])


def clear_leftovers(connection: psycopg.Connection, scope_id: int, format_: Format) -> None:
    """Remove what loads of this scope that were cut off left behind. Needs the scope's lock."""
    stale = connection.execute(
        "select delivery_id from raw.deliveries where scope_id = %s and status = 'loading'", [scope_id]
    ).fetchall()
    for (delivery_id,) in stale:
        _set_rejected(connection, format_, delivery_id, CUT_OFF)


def is_current(connection: psycopg.Connection, scope_id: int, fingerprint: str) -> bool:
    row = connection.execute(
        "select 1 from raw.scopes join raw.deliveries using (delivery_id) where scopes.scope_id = %s and fingerprint = %s",
        [scope_id, fingerprint],
    ).fetchone()
    return row is not None


def current_fingerprints(connection: psycopg.Connection, source_name: str) -> dict[date, str]:
    """Billing period -> fingerprint of the delivery that is loaded."""
    rows = connection.execute(
        "select s.billing_period, d.fingerprint from raw.scopes as s join raw.deliveries as d using (delivery_id) where s.source_name = %s",
        [source_name],
    ).fetchall()
    return dict(rows)


def begin(
    connection: psycopg.Connection, scope_id: int | None, source_name: str, delivery: Delivery, run_id: str | None
) -> int:
    row = connection.execute(
        "insert into raw.deliveries (scope_id, source_name, billing_period, fingerprint, status, run_id)"
        " values (%s, %s, %s, %s, 'loading', %s) returning delivery_id",
        [scope_id, source_name, delivery.billing_period, delivery.fingerprint, run_id],
    ).fetchone()
    assert row is not None
    return int(row[0])


def same_content(
    connection: psycopg.Connection, scope_id: int, delivery_id: int, fingerprint: str, content_hash: str
) -> bool:
    """Whether this is what is loaded already (copied or touched, say); the loaded delivery then takes the new fingerprint."""
    row = connection.execute(
        "select delivery_id from raw.scopes join raw.deliveries using (delivery_id)"
        " where scopes.scope_id = %s and content_hash = %s",
        [scope_id, content_hash],
    ).fetchone()
    if row is None:
        return False
    with connection.transaction():
        connection.execute("update raw.deliveries set fingerprint = %s where delivery_id = %s", [fingerprint, row[0]])
        connection.execute("delete from raw.deliveries where delivery_id = %s", [delivery_id])
    return True


def add_interned(connection: psycopg.Connection, format_: Format, delivery_id: int, fresh: Interned) -> None:
    """Store attributes and maps that were not seen before. Maps are shared by all deliveries and never removed."""
    if fresh.maps:
        ids, texts = zip(*sorted(fresh.maps), strict=True)
        connection.execute(
            "insert into raw.maps select * from unnest(%s::bigint[], %s::jsonb[]) on conflict do nothing",
            [list(ids), list(texts)],
        )
        row = connection.execute(
            "select m.map_id from raw.maps as m join unnest(%s::bigint[], %s::jsonb[]) as n (map_id, map) using (map_id)"
            " where m.map <> n.map limit 1",
            [list(ids), list(texts)],
        ).fetchone()
        if row is not None:
            raise FinopsError(f"two different maps have the same 64-bit id {row[0]}; please report this delivery.")
    if fresh.attributes:
        columns = ["attributes_id", *(column.stored_name for column in format_.attribute_columns)]
        statement = sql.SQL("copy raw.{} ({}) from stdin").format(
            sql.Identifier(delivery_table(format_.attribute_table, delivery_id)),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
        )
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for attributes_id, values in fresh.attributes:
                copy.write_row((attributes_id, *values))


def swap(
    connection: psycopg.Connection,
    format_: Format,
    scope_id: int,
    delivery_id: int,
    content_hash: str,
    files: Sequence[dict[str, object]],
    days: Days,
    ignored_columns: Sequence[str],
) -> None:
    """Make a loaded delivery the current one of its scope, in one transaction."""
    with connection.transaction():
        connection.execute("select set_config('lock_timeout', %s, true)", [_SWAP_TIMEOUT])
        former = connection.execute(
            "select delivery_id from raw.scopes where scope_id = %s for update", [scope_id]
        ).fetchone()
        former_id = former[0] if former else None
        for table in (format_.line_table, format_.attribute_table):
            if former_id is not None:
                connection.execute(
                    sql.SQL("drop table raw.{}").format(sql.Identifier(delivery_table(table, former_id)))
                )
            connection.execute(
                sql.SQL("alter table raw.{} attach partition raw.{} for values in ({})").format(
                    sql.Identifier(table), sql.Identifier(delivery_table(table, delivery_id)), sql.Literal(scope_id)
                )
            )
        connection.execute("delete from raw.delivery_days where scope_id = %s", [scope_id])
        with connection.cursor() as cursor:
            cursor.executemany(
                "insert into raw.delivery_days values (%s, %s, %s, trim_scale(%s), trim_scale(%s), %s)",
                [
                    (
                        scope_id,
                        day,
                        totals.lines,
                        totals.billed,
                        totals.effective if format_.effective else None,
                        totals.digest,
                    )
                    for day, totals in sorted(days.items())
                ],
            )
        connection.execute("update raw.deliveries set status = 'superseded' where delivery_id = %s", [former_id])
        connection.execute(
            "update raw.deliveries set status = 'loaded', content_hash = %s, files = %s::jsonb, ignored_columns = %s, finished_at = now(),"
            " (line_count, billed_cost, effective_cost) = (select sum(line_count), sum(billed_cost), sum(effective_cost)"
            " from raw.delivery_days where scope_id = %s) where delivery_id = %s",
            [content_hash, json.dumps(list(files)), list(ignored_columns), scope_id, delivery_id],
        )
        connection.execute(
            sql.SQL(
                "update raw.scopes set delivery_id = %s, attributes_digest ="
                " (select md5(string_agg(attributes_id::text, ',' order by attributes_id)) from raw.{})"
                " where scope_id = %s"
            ).format(sql.Identifier(delivery_table(format_.attribute_table, delivery_id))),
            [delivery_id, scope_id],
        )


def reject(database_url: str, format_: Format, delivery_id: int, error: str) -> None:
    """Record why a delivery was refused and remove its tables, over a connection of its own.

    Where the database is gone this is left to the next load of the scope, which clears leftovers first.
    """
    try:
        with psycopg.connect(database_url, autocommit=True, connect_timeout=5) as connection:
            _set_rejected(connection, format_, delivery_id, error)
    except psycopg.OperationalError:
        return


def reject_unloaded(
    connection: psycopg.Connection, source_name: str, delivery: Delivery, run_id: str | None, error: str
) -> None:
    """Record a delivery that is refused before it is read; once for each fingerprint."""
    known = connection.execute(
        "select 1 from raw.deliveries where source_name = %s and fingerprint = %s and status = 'rejected' and error = %s",
        [source_name, delivery.fingerprint, error],
    ).fetchone()
    if known is None:
        delivery_id = begin(connection, None, source_name, delivery, run_id)
        connection.execute(
            "update raw.deliveries set status = 'rejected', error = %s, finished_at = now() where delivery_id = %s",
            [error, delivery_id],
        )


def _set_rejected(connection: psycopg.Connection, format_: Format, delivery_id: int, error: str) -> None:
    # A connection that broke after the swap was committed has loaded its delivery, though it was not told so.
    loading = connection.execute(
        "select 1 from raw.deliveries where delivery_id = %s and status = 'loading'", [delivery_id]
    ).fetchone()
    if loading is None:
        return
    # Tables first, each in a transaction of its own: where the disk is full, the ledger's row needs the space they free.
    for table in (format_.line_table, format_.attribute_table):
        connection.execute(
            sql.SQL("drop table if exists raw.{}").format(sql.Identifier(delivery_table(table, delivery_id)))
        )
    connection.execute(
        "update raw.deliveries set status = 'rejected', error = %s, finished_at = now() where delivery_id = %s",
        [error.replace("\x00", "\\0"), delivery_id],
    )


def rejected_fingerprints(connection: psycopg.Connection, source_name: str) -> set[str]:
    """What was refused as it lies there; it is not tried again until it changes or somebody asks."""
    rows = connection.execute(
        "select fingerprint from raw.deliveries where split_part(source_name, '/', 1) = %s and status = 'rejected' and error <> %s",
        [source_name, CUT_OFF],
    ).fetchall()
    return {row[0] for row in rows}
