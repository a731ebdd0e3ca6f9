"""Bring tags and other key-value columns to canonical JSON, once per distinct map."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from orchestration.lib.formats.columns import Column

if TYPE_CHECKING:
    from orchestration.lib.readers import Batch

# Control characters, one after the other, that separate the entries of a map while it is text. Hardly a tag holds one.
_ENTRY, _PAIR, _NULL = "\x1e", "\x1f", "\x1d"
# Distinct maps remembered between batches; beyond it the memory starts again.
_REMEMBERED = 100_000


class MapCanon:
    """Turns map columns into dictionaries of canonical JSON texts; an empty map is null."""

    def __init__(self) -> None:
        self._known: dict[str, str | None] = {}

    def canonical(self, batch: Batch, column: Column, array: pa.Array) -> pa.DictionaryArray:
        """Canonical JSON of a column of maps, lists of key-value pairs, structs or JSON texts.

        Raises FinopsError for a text that is no JSON object or array.
        """
        if pa.types.is_struct(array.type):
            return self._encode(
                [dumps({k: v for k, v in row.items() if v is not None}) if row else None for row in array.to_pylist()]
            )
        if pa.types.is_map(array.type):
            joined = _join(array)
            if joined is not None:
                return self._map(batch, column, joined.dictionary_encode(), parse=_split)
        if pa.types.is_map(array.type) or _is_list(array.type):
            pairs = [None if row is None else json.dumps(_pairs(row), default=str) for row in array.to_pylist()]
            return self._map(batch, column, pa.array(pairs, pa.string()).dictionary_encode(), parse=canonical_json)
        if pa.types.is_dictionary(array.type):
            return self._map(batch, column, array, parse=canonical_json)
        if pa.types.is_null(array.type):
            return pa.nulls(len(array), pa.string()).dictionary_encode()
        return self._map(batch, column, array.cast(pa.string()).dictionary_encode(), parse=canonical_json)

    def _map(self, batch: Batch, column: Column, array: pa.DictionaryArray, *, parse: Any) -> pa.DictionaryArray:
        values: list[str | None] = []
        if len(self._known) > _REMEMBERED:
            self._known.clear()
        for position, text in enumerate(array.dictionary.to_pylist()):
            if text not in self._known:
                try:
                    self._known[text] = parse(text)
                except (ValueError, RecursionError) as error:
                    index = pc.index(array.indices, pa.scalar(position, array.indices.type)).as_py()
                    if index >= 0:
                        raise batch.error(column.name, index, text, f"is not a JSON object: {error}.") from None
                    values.append(None)  # a dictionary may carry values that no row of this batch uses
                    continue
            values.append(self._known[text])
        return _dictionary(array.indices, values)

    @staticmethod
    def _encode(values: list[str | None]) -> pa.DictionaryArray:
        return pa.array([None if value == "{}" else value for value in values], pa.string()).dictionary_encode()


def _dictionary(indices: pa.Array, values: list[str | None]) -> pa.DictionaryArray:
    """Rows that point to a null value (an empty map) become null rows."""
    if None in values:
        return pa.array(values, pa.string()).take(indices).dictionary_encode()
    return pa.DictionaryArray.from_arrays(indices, pa.array(values, pa.string()))


def canonical_json(text: str) -> str | None:
    """JSON with sorted keys and no spaces; None for an empty map.

    Numbers with a fraction are left as delivered, because a float would round them.

    >>> canonical_json('{"b": "1", "a": null}')
    '{"a":null,"b":"1"}'
    """
    fractions: list[str] = []

    def keep(number: str) -> Decimal:
        fractions.append(number)
        return Decimal(number)

    parsed = json.loads(text, parse_float=keep, parse_constant=_refuse, object_pairs_hook=_object)
    if not isinstance(parsed, (dict, list)):
        raise ValueError(f"a {type(parsed).__name__} where an object is needed")
    if isinstance(parsed, list) and all(
        isinstance(entry, dict) and {"key", "value"} == entry.keys() for entry in parsed
    ):
        parsed = _object([(str(entry["key"]), entry["value"]) for entry in parsed])
    if not parsed:
        return None
    canonical = dumps(parsed)
    canonical.encode()  # half of a surrogate pair is no text, and the database would refuse it
    return text.strip() if fractions else canonical


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _is_list(type_: pa.DataType) -> bool:
    return bool(pa.types.is_list(type_) or pa.types.is_large_list(type_))


def _pairs(row: list[Any]) -> list[Any]:
    """The entries of a map or list as `canonical_json` takes them."""
    return [dict(zip(("key", "value"), entry, strict=True)) if isinstance(entry, tuple) else entry for entry in row]


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key occurs twice")
    return found


def dumps(value: Any) -> str:
    """The canonical text of a map: the same entries have the same text."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), default=str)


def _split(joined: str) -> str | None:
    if not joined:
        return None
    pairs = [entry.split(_PAIR) for entry in joined.split(_ENTRY)]
    return dumps(_object([(key, None if value == _NULL else value) for key, value in pairs]))


def _join(array: pa.MapArray) -> pa.StringArray | None:
    """Each map as one text, or None where a value holds a separator and the slow way is needed."""
    first, last = array.offsets[0].as_py(), array.offsets[-1].as_py()
    keys, items = (part.slice(first, last - first).cast(pa.string()) for part in (array.keys, array.items))
    if _holds_separator(keys) or _holds_separator(items):
        return None
    entries = pc.binary_join_element_wise(keys, items.fill_null(_NULL), _PAIR)
    missing = array.is_null() if array.null_count else None
    lists = pa.ListArray.from_arrays(pc.subtract(array.offsets, first), entries, mask=missing)
    return pc.binary_join(lists, _ENTRY)


def _holds_separator(texts: pa.StringArray) -> bool:
    """Whether a text holds a separator. Looking at all bytes at once is seven times faster than at each text."""
    _, offsets, data = texts.buffers()
    if not len(texts) or data is None:
        return False
    bounds = np.frombuffer(offsets, np.int32)
    found = np.frombuffer(data, np.uint8)[bounds[texts.offset] : bounds[texts.offset + len(texts)]]
    return bool(((found >= ord(_NULL)) & (found <= ord(_PAIR))).any())
