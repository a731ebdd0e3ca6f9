"""Tables of the schema ml: made before any view on them, and replaced as a whole by the asset that fills them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import sql

_LOCK = 7_204_061


@dataclass(frozen=True)
class Table:
    """A table of the schema ml. `columns`: name, type and meaning, in their order."""

    name: str
    about: str
    columns: tuple[tuple[str, str, str], ...]

    @property
    def identifier(self) -> sql.Identifier:
        return sql.Identifier("ml", self.name)

    @property
    def names(self) -> list[str]:
        return [name for name, *_ in self.columns]


def ensure_tables(connection: psycopg.Connection[Any], tables: Sequence[Table]) -> None:
    """Create what is missing."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute("create schema if not exists ml")
        for table in tables:
            columns = [sql.SQL("{} " + kind).format(sql.Identifier(name)) for name, kind, _ in table.columns]
            connection.execute(
                sql.SQL("create table if not exists {} ({})").format(table.identifier, sql.SQL(", ").join(columns))
            )
            connection.execute(sql.SQL("comment on table {} is {}").format(table.identifier, sql.Literal(table.about)))
            for name, _, meaning in table.columns:
                connection.execute(
                    sql.SQL("comment on column {}.{} is {}").format(
                        table.identifier, sql.Identifier(name), sql.Literal(meaning)
                    )
                )


def replace_rows(connection: psycopg.Connection[Any], rows: Mapping[Table, Sequence[Sequence[Any]]]) -> None:
    """Put rows in place of the former ones, of all tables in one transaction: a reader sees one run."""
    with connection.transaction():
        ensure_tables(connection, list(rows))
        for table, content in rows.items():
            connection.execute(sql.SQL("lock table {} in share row exclusive mode").format(table.identifier))
            connection.execute(sql.SQL("delete from {}").format(table.identifier))
            copy = sql.SQL("copy {} ({}) from stdin").format(
                table.identifier, sql.SQL(", ").join(map(sql.Identifier, table.names))
            )
            with connection.cursor() as cursor, cursor.copy(copy) as out:
                for row in content:
                    out.write_row(row)
        for table in rows:
            connection.execute(sql.SQL("analyze {}").format(table.identifier))


def digest_of_rows(*tables: Sequence[Sequence[Any]]) -> str:
    """A run id: of what the rows say, so that a run that finds the same leaves the same bytes."""
    return sha256(json.dumps(tables, default=_plain, ensure_ascii=False).encode()).hexdigest()[:32]


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, date) else f"{value:f}" if isinstance(value, Decimal) else str(value)
