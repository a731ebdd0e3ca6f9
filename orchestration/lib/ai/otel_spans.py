"""Spans of OpenTelemetry as flat mappings: OTLP JSON (resourceSpans), or one span a row."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from orchestration.lib.ai.log_rows import Row
from orchestration.lib.ai.records import Place
from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.columns import squash

_VALUES = ("stringValue", "intValue", "doubleValue", "boolValue")
_NANOSECONDS = 1_000_000_000
_squash = lru_cache(maxsize=10_000)(squash)


class Span:
    """A span: its attributes and those of its resource, by name, whatever their case and punctuation."""

    def __init__(self, fields: Mapping[str, Any], resource: Mapping[str, Any]) -> None:
        self.attributes = dict(resource)
        # Flat rows have the attributes beside the fields.
        for name, value in fields.items():
            if name in ("attributes", "resource", "resource_attributes", "resourceAttributes", "status"):
                continue
            self.attributes |= dict(_flat(name, value)) if isinstance(value, Mapping) else {name: value}
        for name in ("resource", "resource_attributes", "resourceAttributes", "attributes"):
            self.attributes |= attributes_of(fields.get(name))
        self.status = fields.get("status")
        self._by_name = {_squash(name): value for name, value in self.attributes.items() if value not in (None, "")}

    def get(self, *names: str) -> Any:
        """The first of some attributes that has a value."""
        return next((self._by_name[key] for name in names if (key := _squash(name)) in self._by_name), None)

    def has(self, prefix: str) -> bool:
        """Whether an attribute begins so."""
        return any(name.startswith(_squash(prefix)) for name in self._by_name)


def spans_of(row: Row, place: Place) -> Iterator[Span]:
    """The spans of a row. Raises FinopsError for a row that is none."""
    try:
        if "resourceSpans" not in row:
            yield Span(row, {})
            return
        for resource in row["resourceSpans"] or ():
            known = attributes_of((resource.get("resource") or {}).get("attributes"))
            for scope in resource.get("scopeSpans") or ():
                for span in scope.get("spans") or ():
                    yield Span(span, known)
    except (AttributeError, TypeError, ValueError) as error:
        raise FinopsError(f"{place}: not spans as OTLP JSON has them ({error}). Deliver the file again.") from error


def attributes_of(value: Any) -> dict[str, Any]:
    """Attributes as a mapping: from OTLP's list of keys and typed values, or from an object or its JSON, nested or not."""
    if isinstance(value, str) and value.startswith(("{", "[")):
        value = json.loads(value, parse_float=Decimal)
    if isinstance(value, Mapping):
        return attributes_of(value["attributes"]) if "attributes" in value else dict(_flat("", value))
    found = {}
    for entry in value if isinstance(value, list) else ():
        typed = entry.get("value") or {}
        found[str(entry.get("key"))] = next((typed[kind] for kind in _VALUES if kind in typed), None)
    return found


def _flat(prefix: str, value: Any) -> Iterator[tuple[str, Any]]:
    if not isinstance(value, Mapping):
        yield prefix, value
        return
    for key, inner in value.items():
        yield from _flat(f"{prefix}.{key}" if prefix else str(key), inner)


def time_text(value: Any) -> Any:
    """A time as an ISO 8601 text, also where it is nanoseconds since 1970."""
    digits = str(value)
    if digits.isdecimal() and 19 <= len(digits) <= 20:
        return datetime.fromtimestamp(int(digits) // _NANOSECONDS, UTC).isoformat()
    return value
