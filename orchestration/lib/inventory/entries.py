"""Entries of lists, checked value by value: what is wrong is said with its file, row, column and value."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any

from orchestration.lib.errors import FinopsError
from orchestration.lib.inventory.lists import KEYS, LISTS, Field

Entry = tuple[Any, ...]
"""The values of a row in the order of its list's columns."""


def checked(name: str, rows: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Entry]:
    """The entries of a list, given each row with where it is. Raises FinopsError for the first that is wrong or there twice."""
    fields = LISTS[name]
    known = {field.name for field in fields}
    entries: list[Entry] = []
    seen: dict[Entry, str] = {}
    for where, row in rows:
        unknown = sorted(str(column) for column in row.keys() - known)
        if unknown:
            raise FinopsError(
                f"{where}: {name} have no column {unknown[0]}. Columns: {', '.join(field.name for field in fields)}."
            )
        entry = tuple(_value(where, field, row.get(field.name)) for field in fields)
        key = tuple(value for field, value in zip(fields, entry, strict=True) if field.name in KEYS[name])
        first = seen.setdefault(key, where)
        if first != where:
            raise FinopsError(f"{where}: {entry[0]} is in {first} already. Each may be there once: keep one of them.")
        entries.append(entry)
    return entries


def _value(where: str, field: Field, given: object) -> Any:
    text = "" if given is None else str(given).strip()
    if text in ("", "null", "NULL"):
        if field.needed:
            raise FinopsError(f"{where}, column {field.name}: is empty. {field.meaning}")
        return None
    if field.kind == "date":
        return _day(where, field, given, text)
    if field.kind == "bigint":
        number = re.sub(r"\.0+$", "", text)
        if not re.fullmatch(r"\d{1,18}", number):
            raise FinopsError(f"{where}, column {field.name}: {text!r} is no whole number from 0 on.")
        return int(number)
    if field.kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise FinopsError(f"{where}, column {field.name}: {text!r} is neither true nor false.")
        return text.lower() == "true"
    return text


def _day(where: str, field: Field, given: object, text: str) -> date:
    if isinstance(given, datetime):
        return given.date()
    if isinstance(given, date):
        return given
    try:
        if re.match(r"\d{4}-\d\d-\d\d([T ]|$)", text):
            return date.fromisoformat(text[:10])
    except ValueError:
        pass
    raise FinopsError(f"{where}, column {field.name}: {text!r} is no date such as 2026-10-01.")
