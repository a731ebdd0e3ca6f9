"""FOCUS files as tables of texts, for the rules that are looked at in the database."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

NULLS = ("", "NULL")


def load_texts(connection: psycopg.Connection[Any], path: Path, table: str = "file") -> str:
    """Make a temporary table of the columns and rows of a CSV file, as they are written; returns its name.

    Blanks around a header do not count. An empty field is null, and so is the word NULL, as the published samples write it.
    """
    rows = csv.reader(io.StringIO(path.read_text("utf-8-sig"), newline=""))
    columns = {name.strip(): number for number, name in enumerate(next(rows)) if name.strip()}
    connection.execute(
        sql.SQL("create temporary table {} ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(name)) for name in columns),
        )
    )
    with (
        connection.cursor() as cursor,
        cursor.copy(sql.SQL("copy {} from stdin").format(sql.Identifier(table))) as copy,
    ):
        for row in filter(None, rows):
            fields = [row[number] if number < len(row) else "" for number in columns.values()]
            copy.write_row([None if field in NULLS else field for field in fields])
    return table
