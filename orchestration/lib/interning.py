"""Give every distinct set of attributes and every distinct map one id, from its content.

A bill repeats itself: thousands of lines share their account, service, resource and tags. Lines keep an id of 8 bytes
instead; the load, the roll-up and the tagging then work on what is distinct.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from hashlib import blake2b
from threading import Lock

import numpy as np
import pandas as pd
import pyarrow as pa

from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.columns import Format, Kind
from orchestration.lib.readers import Batch, time_texts

Values = tuple[str | None, ...]

# Distinct attribute sets remembered (about 500 bytes each); beyond it the memory starts again and the database removes repeats.
_REMEMBERED = 500_000
_FOLD_LIMIT = 1 << 40


@dataclass
class Interned:
    """What a batch brought that was not seen before: attribute rows (id, then values in column order) and maps (id, JSON)."""

    attributes: list[tuple[int, Values]] = field(default_factory=list)
    maps: list[tuple[int, str]] = field(default_factory=list)


class Interner:
    """Ids for the attributes of one delivery. Shared by its streams: `intern` may be called from several threads."""

    def __init__(self, format_: Format) -> None:
        self._format = format_
        self._lock = Lock()
        self._codes: dict[tuple[str, str], dict[str | None, int]] = {}
        self._seen: dict[tuple[tuple[str, str], ...], dict[bytes, int]] = {}
        self._contents: dict[int, int] = {}
        self._maps: set[int] = set()

    def intern(self, batch: Batch) -> tuple[np.ndarray, Interned]:
        """The attribute id of every row (int64, shape (rows,)), and what is new.

        Raises FinopsError if two different contents have the same id, which 64 bits make a matter of one in 10^8 bills.
        """
        columns = self._columns(batch)
        indices = {name: positions_of(array) for name, array in columns.items()}
        inverse, examples = distinct_rows(indices, columns, batch.rows)
        with self._lock:
            ids, fresh = self._ids(columns, indices, examples)
        return ids[inverse], fresh

    def _columns(self, batch: Batch) -> dict[tuple[str, str], pa.DictionaryArray]:
        """Attribute columns by (column, key): the key is empty but for the entries of a folded map."""
        columns = {}
        for column in self._format.attribute_columns:
            array = batch.columns.get(column.name)
            if array is not None and array.null_count < len(array):
                if column.kind is Kind.TIME:
                    array = time_texts(array)
                columns[column.name, ""] = array
        for name, keys in batch.folded.items():
            for key, array in keys.items():
                if array.null_count < len(array):
                    columns[name, key] = array
        return columns

    def _ids(
        self,
        columns: dict[tuple[str, str], pa.DictionaryArray],
        indices: dict[tuple[str, str], np.ndarray],
        examples: np.ndarray,
    ) -> tuple[np.ndarray, Interned]:
        names = tuple(columns)
        if len(self._contents) > _REMEMBERED:
            for memory in (self._codes, self._seen, self._contents, self._maps):
                memory.clear()
        seen = self._seen.setdefault(names, {})
        matrix = np.empty((len(examples), len(names)), np.int32)
        values: list[list[str | None]] = []
        for position, name in enumerate(names):
            codes = self._codes.setdefault(name, {None: 0})
            texts = [*columns[name].dictionary.to_pylist(), None]  # index -1, a null, finds the last
            matrix[:, position] = np.fromiter((codes.setdefault(t, len(codes)) for t in texts), np.int32, len(texts))[
                indices[name][examples]
            ]
            values.append(texts)
        ids, fresh = np.empty(len(examples), np.int64), Interned()
        packed, width = matrix.tobytes(), matrix.shape[1] * 4
        for row in range(len(examples)):
            key = packed[row * width : (row + 1) * width]
            known = seen.get(key)
            if known is None:
                example = examples[row]
                known = self._add(names, [v[indices[n][example]] for n, v in zip(names, values, strict=True)], fresh)
                seen[key] = known
            ids[row] = known
        return ids, fresh

    def _add(self, names: tuple[tuple[str, str], ...], values: list[str | None], fresh: Interned) -> int:
        given: dict[str, str | None] = {}
        folded: dict[str, dict[str, str]] = {}
        for (name, key), value in zip(names, values, strict=True):
            if not key:
                given[name] = value
            elif value is not None:
                folded.setdefault(name, {})[key] = value
        for name, entries in folded.items():
            given[name] = _merged(given.get(name), entries)
        texts = ["\x00" if (v := given.get(c.name)) is None else v for c in self._format.attribute_columns]
        content = "\x1e".join(texts)
        if content.count("\x1e") >= len(texts):  # a text holds the separator: it must not pass for the end of a column
            content = json.dumps(texts)
        first, second = _hash(content)
        if first in self._contents:
            if self._contents[first] != second:
                raise FinopsError(
                    "two different sets of attributes have the same 64-bit id; please report this delivery."
                )
            return first
        self._contents[first] = second
        row: list[str | None] = []
        for column in self._format.attribute_columns:
            value = given.get(column.name)
            if column.kind is Kind.MAP and value is not None:
                map_id = _hash(value)[0]
                if map_id not in self._maps:
                    self._maps.add(map_id)
                    fresh.maps.append((map_id, value))
                value = str(map_id)
            row.append(value)
        fresh.attributes.append((first, tuple(row)))
        return first


def _merged(delivered: str | None, entries: dict[str, str]) -> str:
    """A map column with the entries that have columns of their own: CUR 2.0 has both. Numbers are texts, as in Parquet."""
    if delivered is not None:
        whole = json.loads(delivered, parse_float=str, parse_int=str)
        if not isinstance(whole, dict):
            raise FinopsError(f"{delivered[:80]!r} is a JSON array where the columns of the same map need an object.")
        entries = whole | entries
    return json.dumps(entries, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def _hash(content: str) -> tuple[int, int]:
    digest = blake2b(content.encode(), digest_size=16).digest()
    return int.from_bytes(digest[:8], "little", signed=True), int.from_bytes(digest[8:], "little", signed=True)


def positions_of(array: pa.DictionaryArray) -> np.ndarray:
    """Positions in the dictionary; -1 for null."""
    indices = array.indices
    if array.null_count:
        indices = indices.fill_null(-1)
    positions: np.ndarray = indices.to_numpy(zero_copy_only=False)
    return positions


def distinct_rows(
    indices: dict[tuple[str, str], np.ndarray], columns: dict[tuple[str, str], pa.DictionaryArray], rows: int
) -> tuple[np.ndarray, np.ndarray]:
    """Which rows are alike: the group of each row, and one example row of each group."""
    groups, count = np.zeros(rows, np.int64), 1
    for name, positions in indices.items():
        size = len(columns[name].dictionary) + 1
        if size == 2 and not columns[name].null_count:
            continue
        if count * size > _FOLD_LIMIT:
            groups, found = pd.factorize(groups)
            count = len(found)
        groups = groups * size + (positions.astype(np.int64) + 1)
        count *= size
    groups, found = pd.factorize(groups)
    examples = np.empty(len(found), np.int64)
    examples[groups[::-1]] = np.arange(rows)[::-1]
    return groups, examples
