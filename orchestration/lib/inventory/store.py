"""The tables raw.inventory_*: what is there by source, replaced whole."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from orchestration.lib.config_inventory import InventorySource
from orchestration.lib.config_models import Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.inventory.entries import Entry
from orchestration.lib.inventory.lists import LISTS

_LOCK = 7_204_063
Read = Callable[[InventorySource], Mapping[str, Sequence[Entry]]]


def ensure_inventory(connection: psycopg.Connection[Any]) -> None:
    """Create the tables where they are missing. Safe to call at any time and from several processes."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute("create schema if not exists raw")
        for name, fields in LISTS.items():
            table = sql.Identifier("raw", f"inventory_{name}")
            columns = [
                sql.SQL("{} " + field.kind + (" not null" if field.needed else "")).format(sql.Identifier(field.name))
                for field in fields
            ]
            connection.execute(
                sql.SQL("create table if not exists {} (source_name text not null, {})").format(
                    table, sql.SQL(", ").join(columns)
                )
            )
            for field, column in zip(fields, columns, strict=True):
                # A list may have grown since the table was made; what is new in one is never needed.
                connection.execute(sql.SQL("alter table {} add column if not exists {}").format(table, column))
                connection.execute(
                    sql.SQL("comment on column {}.{} is {}").format(
                        table, sql.Identifier(field.name), sql.Literal(field.meaning)
                    )
                )


def take_inventory(connection: psycopg.Connection[Any], config: Config, read: Read) -> tuple[dict[str, int], list[str]]:
    """Replace what each source tells. Returns the number of entries by list, and the error of each source that was refused.

    A source that is refused keeps what it told before; one that is no longer in the configuration is forgotten.
    """
    ensure_inventory(connection)
    counts = dict.fromkeys(LISTS, 0)
    errors = []
    _forget(connection, [source.name for source in config.inventory])
    for source in config.inventory:
        try:
            lists = read(source)
        except FinopsError as error:
            errors.append(str(error))
            continue
        replace_inventory(connection, source.name, lists)
        for name, entries in lists.items():
            counts[name] += len(entries)
    return counts, errors


def replace_inventory(
    connection: psycopg.Connection[Any], source_name: str, lists: Mapping[str, Sequence[Entry]]
) -> None:
    """Put the lists of a source in place of all that it told before, in one transaction."""
    with connection.transaction():
        for name, fields in LISTS.items():
            table = sql.Identifier("raw", f"inventory_{name}")
            connection.execute(sql.SQL("delete from {} where source_name = %s").format(table), [source_name])
            columns = sql.SQL(", ").join(
                sql.Identifier(column) for column in ("source_name", *(f.name for f in fields))
            )
            with (
                connection.cursor() as cursor,
                cursor.copy(sql.SQL("copy {} ({}) from stdin").format(table, columns)) as copy,
            ):
                for entry in lists.get(name, ()):
                    copy.write_row((source_name, *entry))


def _forget(connection: psycopg.Connection[Any], kept: Sequence[str]) -> None:
    with connection.transaction():
        for name in LISTS:
            connection.execute(
                sql.SQL("delete from {} where source_name <> all(%s)").format(
                    sql.Identifier("raw", f"inventory_{name}")
                ),
                [list(kept)],
            )


def stored_lists(connection: psycopg.Connection[Any]) -> dict[str, list[dict[str, Any]]]:
    """The entries of each list, in a fixed order."""
    found = {}
    for name, fields in LISTS.items():
        columns = sql.SQL(", ").join(sql.Identifier(field.name) for field in fields)
        query = sql.SQL("select {columns} from {table} order by {columns}").format(
            columns=columns, table=sql.Identifier("raw", f"inventory_{name}")
        )
        with connection.cursor(row_factory=dict_row) as cursor:
            found[name] = cursor.execute(query).fetchall()
    return found
