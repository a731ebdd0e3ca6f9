"""Text and map columns of a file, taken from the attributes of charges."""

import json
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from .calendar import HOUR_MS, Month
from .units import IntArray

Attributes = Mapping[str, str | Mapping[str, str] | None]


class Profiles:
    """Attributes of charges, column by column: each distinct value once and an index for each charge.

    A billing file repeats the same few texts in millions of lines; taking indexes makes a column of them without
    touching a string.
    """

    def __init__(self, texts: Sequence[str], maps: Sequence[str] = ()) -> None:
        self._texts = {name: _Column() for name in texts}
        self._maps = {name: _Column() for name in maps}
        self.size = 0

    def add(self, attributes: Attributes) -> None:
        """Add the attributes of the next charge; what it leaves out is null. Raises KeyError for a column not known."""
        unknown = attributes.keys() - self._texts.keys() - self._maps.keys()
        if unknown:
            raise KeyError(f"no such columns: {sorted(unknown)}")
        for name, column in (*self._texts.items(), *self._maps.items()):
            value = attributes.get(name)
            column.add(
                json.dumps(value, sort_keys=True, separators=(",", ":")) if isinstance(value, Mapping) else value
            )
        self.size += 1

    def text(self, name: str, profile: IntArray) -> pa.Array | None:
        """Return the column for lines of the given charges, dictionary encoded; None where no charge has a value."""
        return self._texts[name].taken(profile)

    def maps(self, name: str, profile: IntArray) -> pa.Array:
        """Return the column as map<string, string>, its keys and values dictionary encoded."""
        return self._maps[name].mapped(profile)


class _Column:
    def __init__(self) -> None:
        self._codes: dict[str, int] = {}
        self._rows: list[int] = []
        self._array = np.zeros(0, dtype=np.int32)

    @property
    def values(self) -> list[str]:
        return list(self._codes)

    def add(self, value: str | None) -> None:
        self._rows.append(-1 if value is None else self._codes.setdefault(value, len(self._codes)))

    def _index(self) -> np.ndarray:
        if len(self._array) != len(self._rows):
            self._array = np.array(self._rows, dtype=np.int32)
        return self._array

    def taken(self, profile: IntArray) -> pa.Array | None:
        if not self._codes:
            return None
        index = self._index()
        taken = index.take(profile, mode="clip")
        mask = taken < 0 if (index < 0).any() else None
        return pa.DictionaryArray.from_arrays(pa.array(taken, mask=mask), pa.array(self.values, pa.string()))

    def mapped(self, profile: IntArray) -> pa.Array:
        entries = [list(json.loads(text).items()) for text in self.values]
        # No map at all is an empty one; it comes last, where index -1 finds it.
        lengths = np.array([*(len(entry) for entry in entries), 0], dtype=np.int32)
        starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int32)
        code = self._index().take(profile, mode="clip")
        size = lengths[code]
        offsets = np.concatenate([[0], np.cumsum(size)]).astype(np.int32)
        position = np.arange(offsets[-1], dtype=np.int32) + np.repeat(starts[code] - offsets[:-1], size)
        flat = [pair for entry in entries for pair in entry]
        keys, values = (pa.array([pair[side] for pair in flat], pa.string()).dictionary_encode() for side in (0, 1))
        taken = [
            pa.DictionaryArray.from_arrays(
                pa.array(part.indices.to_numpy().take(position, mode="clip")), part.dictionary
            )
            for part in (keys, values)
        ]
        return pa.MapArray.from_arrays(pa.array(offsets), *taken)


def constant(value: str | None, size: int) -> pa.Array:
    """Return the same text in every line."""
    if value is None:
        return pa.nulls(size, pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(size, dtype=np.int32)), pa.array([value]))


def chosen(values: Sequence[str | None], index: np.ndarray) -> pa.Array:
    """One of few texts in every line, by index."""
    known = [value for value in values if value is not None]
    codes = np.array([known.index(value) if value is not None else -1 for value in values], dtype=np.int32)[index]
    if not known:
        return pa.nulls(len(index), pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), pa.array(known))


def intervals(month: Month, start_ms: IntArray, end_ms: IntArray) -> pa.Array:
    """`start/end` of each line as AWS writes it, e.g. 2026-10-01T00:00:00Z/2026-10-02T00:00:00Z."""
    hours = 1024
    code = (start_ms - month.start_ms) // HOUR_MS * hours + (end_ms - start_ms) // HOUR_MS
    seen = np.zeros(int(code.max(initial=0)) + 1, dtype=bool)
    seen[code] = True
    distinct = np.flatnonzero(seen)
    rank = np.zeros(len(seen), dtype=np.int32)
    rank[distinct] = np.arange(len(distinct))
    begin = month.start_ms + distinct // hours * HOUR_MS
    text = [
        f"{_iso(first)}/{_iso(first + length % hours * HOUR_MS)}"
        for first, length in zip(begin.tolist(), distinct.tolist(), strict=True)
    ]
    return pa.DictionaryArray.from_arrays(pa.array(rank[code]), pa.array(text, pa.string()))


def moments(month: Month, time_ms: IntArray) -> pa.Array:
    """Return times of a month (and of its end) as texts like 2026-10-01T00:00:00.000Z."""
    hours = (time_ms - month.start_ms) // HOUR_MS
    count = (month.end_ms - month.start_ms) // HOUR_MS + 1
    texts = [_iso(month.start_ms + hour * HOUR_MS).replace("Z", ".000Z") for hour in range(count)]
    return pa.DictionaryArray.from_arrays(pa.array(hours.astype(np.int32)), pa.array(texts))


def _iso(milliseconds: int) -> str:
    return str(np.datetime64(milliseconds // 1000, "s")) + "Z"
