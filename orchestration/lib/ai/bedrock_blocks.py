"""Many records of Bedrock's logs at once: bodies cut out of their text, the rest parsed and grouped by Arrow.

Prompts and answers are most of a log. They are skipped with the speed of a text search and never become objects.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as pa_json

from orchestration.lib.interning import distinct_rows, positions_of

_COUNT = b'TokenCount"'
# A body begins behind the type of its content, and goes on until a count of the object that it is in. Quotes inside texts
# are escaped, so no text looks like one of these; a part of a body that does leaves brackets over, which is no JSON.
_INPUT = b'"input":{"inputContentType":"application/json","inputBodyJson":'
_OUTPUT = b'"output":{"outputContentType":"application/json","outputBodyJson":'
_INPUT_GOES_ON = (b',"input', b',"cacheReadInput', b',"cacheWriteInput')
_OUTPUT_GOES_ON = (b',"output',)
_KEYS_KNOWN = 200
_TEXT, _NUMBER = pa.string(), pa.int64()
_COUNTS = ("inputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount")
_CALL = (
    "modelId",
    "operation",
    "accountId",
    "identity.arn",
    "region",
    "inferenceRegion",
    "errorCode",
    "status",
    "serviceTier",
)


@dataclass(frozen=True)
class Cut:
    """`records`: lines without their bodies, and their `positions` in the block. `others`: lines that could not be cut."""

    records: bytes
    positions: np.ndarray
    others: list[tuple[int, bytes]]


def cut_bodies(block: bytes) -> Cut:
    """Cut the bodies out of whole lines, each ending in a line feed."""
    text = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(text == ord("\n")) + 1
    begins = np.concatenate([[0], ends[:-1]])
    found = np.array(_found(block), np.int64).reshape(-1, 4)
    lines = np.searchsorted(ends, found[:, 0], side="right")
    # Without a body, nothing is cut at the begin of the line.
    bounds = np.repeat(begins[:, None], 5, axis=1)
    safe = np.ones(len(begins), bool)
    for place, name, goes_on in (
        (0, b',"inputBodyJson":', _INPUT_GOES_ON),
        (2, b',"outputBodyJson":', _OUTPUT_GOES_ON),
    ):
        begin, count = found[:, place], found[:, place + 1]
        end = _end_of_body(text, begin, count, goes_on)
        has = begin >= 0
        before = bounds[lines, place]
        bounds[lines, place + 1] = np.where(has, begin - len(name), before)
        bounds[lines, place + 2] = np.where(has, end, before)
        if not place:
            bounds[lines, 3:] = bounds[lines, 2:3]
        safe[lines] &= ~has | (end >= 0)
    parts = _texts(block, bounds.ravel(), len(block))
    kept = (np.flatnonzero(safe)[:, None] * 5 + np.array([0, 2, 4])).ravel()
    records = parts.take(pa.array(kept))
    length = int(np.frombuffer(records.buffers()[1], np.int32)[len(records)]) if len(records) else 0
    others = [(int(at), block[begins[at] : ends[at]]) for at in np.flatnonzero(~safe)]
    return Cut(records.buffers()[2].slice(0, length).to_pybytes() if length else b"", np.flatnonzero(safe), others)


def _found(block: bytes) -> list[int]:
    """Of each line with a prompt: where it begins, where a count is first behind it, and the same of the answer; -1 for none."""
    found: list[int] = []
    find, end = block.find, 0
    while (begin := find(_INPUT, end)) >= 0:
        begin += len(_INPUT)
        end = find(b"\n", begin)
        count = find(_COUNT, begin, end)
        answer = find(_OUTPUT, count, end) if count >= 0 else -1
        if answer >= 0:
            answer += len(_OUTPUT)
        found += begin, count, answer, find(_COUNT, answer, end) if answer >= 0 else -1
    return found


def _end_of_body(text: np.ndarray, begin: np.ndarray, count: np.ndarray, goes_on: tuple[bytes, ...]) -> np.ndarray:
    """Where each body ends, if it is where the object that it is in goes on; else -1."""
    end = np.full(len(begin), -1)
    for key in goes_on:
        at = count - len(key)
        here = (count >= 0) & (at >= begin)
        for position, byte in enumerate(key):
            here &= text[np.where(here, at + position, 0)] == byte
        end = np.where(here, at, end)
    return end


def _texts(block: bytes, offsets: np.ndarray, end: int) -> pa.BinaryArray:
    """The bytes between each offset and the next."""
    bounds = np.append(offsets, end).astype(np.int32)
    # A part that is cut wrongly has its end before its begin, and is not used.
    bounds = np.maximum.accumulate(bounds)
    return pa.BinaryArray.from_buffers(pa.binary(), len(offsets), [None, pa.py_buffer(bounds), pa.py_buffer(block)])


@dataclass(frozen=True)
class Group:
    """Requests of one hour that say the same of themselves. `sums`: uncached input, cache read, cache write, output."""

    hour: datetime
    call: tuple[Any, ...]
    count: int
    sums: tuple[int, ...]
    example: int


class Records:
    """Parsed records."""

    def __init__(self, table: pa.Table) -> None:
        self._table = table.combine_chunks()
        self.times: pa.DictionaryArray = self._column("timestamp").dictionary_encode()
        self.request_ids: list[str | None] = self._column("requestId").to_pylist()
        self.numbers = [
            self._column(f"{side}.{name}").fill_null(0).to_numpy(zero_copy_only=False)
            for side, names in (("input", _COUNTS), ("output", ("outputTokenCount",)))
            for name in names
        ]
        self._metadata = [field.name for field in self._table.schema.field("requestMetadata").type]

    @property
    def is_sound(self) -> bool:
        """Whether no count is negative and every record has a time and a model."""
        missing = self.times.null_count + self._column("modelId").null_count
        return not missing and all(len(numbers) == 0 or numbers.min() >= 0 for numbers in self.numbers)

    def groups(self, hours: list[datetime], window: Callable[[int], str], without: set[int]) -> Iterator[Group]:
        """The records by hour and what they say. `hours`: of the times, `window`: of a prompt, `without`: positions to leave out."""
        prompts = self.numbers[0] + self.numbers[1] + self.numbers[2]
        windows = pa.array(np.array([window(0), window(1 << 60)])[(_is_long(prompts, window)).astype(int)])
        distinct_hours = sorted(set(hours))
        hour = pa.DictionaryArray.from_arrays(
            pa.array(np.array([distinct_hours.index(h) for h in hours], np.int32)[positions_of(self.times)]),
            pa.array([h.isoformat() for h in distinct_hours]),
        )
        columns = {("hour", ""): hour, ("window", ""): windows.dictionary_encode()}
        for name in (*_CALL, *(f"requestMetadata.{key}" for key in self._metadata)):
            columns[name, ""] = self._column(name).dictionary_encode()
        indices = {name: positions_of(array) for name, array in columns.items()}
        groups, examples = distinct_rows(indices, columns, self._table.num_rows)
        kept = np.delete(np.arange(len(groups)), sorted(without)) if without else np.arange(len(groups))
        counts = np.bincount(groups[kept], minlength=len(examples))
        order = kept[np.argsort(groups[kept], kind="stable")]
        starts = np.concatenate([[0], np.cumsum(counts)[:-1]])[counts > 0]
        sums = [np.add.reduceat(numbers[order], starts) for numbers in self.numbers] if len(order) else []
        texts = {name: [*columns[name].dictionary.to_pylist(), None] for name in columns}
        for place, group in enumerate(np.flatnonzero(counts)):
            example = int(examples[group])

            def value(name: str, at: int = example) -> Any:
                return texts[name, ""][indices[name, ""][at]]

            metadata = {key: text for key in self._metadata if (text := value(f"requestMetadata.{key}")) is not None}
            call = (*map(value, _CALL), orjson.dumps(metadata) if metadata else None, value("window"))
            yield Group(
                distinct_hours[indices["hour", ""][example]],
                call,
                int(counts[group]),
                tuple(int(column[place]) for column in sums),
                example,
            )

    def _column(self, path: str) -> pa.Array:
        name, _, field = path.partition(".")
        column = self._table.column(name)
        array = column.chunk(0) if column.num_chunks else pa.array([], column.type)
        return pc.struct_field(array, [array.type.get_field_index(field)]) if field else array


def _is_long(prompts: np.ndarray, window: Callable[[int], str]) -> np.ndarray:
    """Whether each prompt is of another class than an empty one; few sizes are near the limit, so it is looked for once."""
    low, high = 0, 1 << 60
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if window(middle) == window(0) else (low, middle)
    return prompts > low


class Parser:
    """Parses records without bodies. Keys of metadata are learnt as they come."""

    def __init__(self) -> None:
        self._keys: dict[str, None] = {}

    def parse(self, records: bytes, lines: int) -> Records | None:
        """The records, or None where one of them has to be looked at by itself."""
        if not lines or b'BodyJson"' in records:
            return None
        for _ in range(2):
            try:
                table = pa_json.read_json(
                    pa.BufferReader(records),
                    pa_json.ReadOptions(use_threads=False, block_size=len(records) + 1),
                    pa_json.ParseOptions(explicit_schema=self._schema(), unexpected_field_behavior="infer"),
                )
            except pa.ArrowInvalid:
                return None
            found = [field.name for field in table.schema.field("requestMetadata").type]
            if found == list(self._keys):
                break
            self._keys |= dict.fromkeys(found)
            if len(self._keys) > _KEYS_KNOWN:
                self._keys.clear()
                return None
        else:
            return None
        usual = self._schema()
        if table.num_rows != lines or any(
            table.schema.field(side).type != usual.field(side).type for side in ("input", "output")
        ):
            return None
        parsed = Records(table)
        return parsed if parsed.is_sound else None

    def _schema(self) -> pa.Schema:
        texts = ("timestamp", "requestId", *(name for name in _CALL if "." not in name))
        return pa.schema(
            [
                *((name, _TEXT) for name in texts),
                ("identity", pa.struct([("arn", _TEXT)])),
                ("input", pa.struct([("inputContentType", _TEXT), *((name, _NUMBER) for name in _COUNTS)])),
                ("output", pa.struct([("outputContentType", _TEXT), ("outputTokenCount", _NUMBER)])),
                ("requestMetadata", pa.struct([(key, _TEXT) for key in self._keys])),
            ]
        )
