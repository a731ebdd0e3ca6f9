"""Check a batch before the database sees it, so that an error can name file, row, column and value."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from orchestration.lib.formats.columns import Column, Format, Kind
from orchestration.lib.readers import Batch

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,4})?$"
# A backslash that is escaped itself begins no escape.
_ESCAPED_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
# Sums are exact: 38 digits before and after the point. What does not fit is refused, not rounded.
_NARROW, _WIDE = pa.decimal128(38, 18), pa.decimal256(76, 38)


def check_batch(batch: Batch, format_: Format) -> None:
    """Raise FinopsError for the first value that is missing, no number, or holds a NUL byte."""
    for column in format_.columns:
        array = batch.columns.get(column.name)
        if array is None:
            continue
        if column.filled and array.null_count:
            index = pc.index(array.is_null(), pa.scalar(True)).as_py()
            raise batch.error(column.name, index, "", f"is empty, and {column.name} is needed in every row.")
        if column.kind is Kind.NUMBER:
            _check_numbers(batch, column, array)
        elif column.kind is not Kind.TIME:
            _check_text(batch, column.name, array, is_json=column.kind is Kind.MAP)
    for keys in batch.folded.values():
        for key, array in keys.items():
            _check_text(batch, key, array)


def exact(batch: Batch, column: str) -> pa.Array:
    """A checked number column as decimals, exactly. Raises FinopsError for more digits than can be summed exactly."""
    array = batch.columns[column]
    largest = _largest(array)
    # Arrow wraps around, in silence, where the digits before the point do not fit; so the size is looked at first.
    for type_, limit in ((_NARROW, 1e19), (_WIDE, 1e37)):
        try:
            if largest < limit:
                return array.cast(type_)
        except pa.ArrowInvalid:
            continue
    for index, text in enumerate(array.to_pylist()):
        try:
            fits = text is None or (abs(float(text)) < 1e37 and pa.array([text]).cast(_WIDE) is not None)
        except pa.ArrowInvalid:
            fits = False
        if not fits:
            raise batch.error(column, index, text, "has more digits than 37 before and 38 after the point.")
    raise AssertionError("a column that cannot be cast has a value that cannot")


def _largest(array: pa.StringArray) -> float:
    """The largest size of a number, near enough to choose a type."""
    try:
        return float(pc.max(pc.abs(array.cast(pa.float64()))).as_py() or 0)
    except pa.ArrowInvalid:  # a spelling such as +1, which Arrow does not read as a float
        return max((abs(float(text)) for text in array.to_pylist() if text is not None), default=0.0)


def _check_numbers(batch: Batch, column: Column, array: pa.StringArray) -> None:
    if array.null_count == len(array):
        return
    try:
        # Several times faster than the pattern, and wrong only about spellings that the pattern then judges.
        if pc.all(pc.is_finite(array.cast(pa.float64()))).as_py():
            return
    except pa.ArrowInvalid:
        pass
    wrong = pc.indices_nonzero(pc.invert(pc.match_substring_regex(array, _NUMBER)).fill_null(False))
    if len(wrong):
        index = wrong[0].as_py()
        why = "is not a number. Plain digits with a decimal point are needed, such as 1234.56 or 1.2e-7."
        raise batch.error(column.name, index, array[index].as_py(), why)


def _check_text(batch: Batch, column: str, array: pa.DictionaryArray, *, is_json: bool = False) -> None:
    for position in pc.indices_nonzero(pc.match_substring(array.dictionary, "\\u0000" if is_json else "\x00")):
        text = array.dictionary[position.as_py()].as_py()
        if is_json and not _ESCAPED_NUL.search(text):
            continue
        index = pc.index(array.indices, position.cast(array.indices.type)).as_py()
        if index >= 0:
            raise batch.error(column, index, text, "holds a NUL byte, which no text column can keep. Remove it.")
