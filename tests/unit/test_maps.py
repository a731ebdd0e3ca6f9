"""Tags come to one canonical JSON, whatever shape they had."""

import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.focus import FOCUS
from orchestration.lib.maps import MapCanon, canonical_json
from orchestration.lib.readers import Batch

TAGS = next(column for column in FOCUS.columns if column.name == "tags")
PAIRS = pa.map_(pa.string(), pa.string())
# PostgreSQL keeps no NUL, and no half of a surrogate pair is text.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8)
MAPS = st.dictionaries(TEXTS, TEXTS | st.none(), max_size=4)


def canonical(array: pa.Array) -> list[str | None]:
    batch = Batch("bill.csv", 101, len(array), {}, headers={"tags": "Tags"})
    texts: list[str | None] = MapCanon().canonical(batch, TAGS, array).to_pylist()
    return texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('{"b": "1", "a": null}', '{"a":null,"b":"1"}'),
        (' {"é":"ü"} ', '{"é":"ü"}'),
        ("{}", None),
        ("[]", None),
        ('{"n": 7, "o": {"b": 1, "a": [true]}}', '{"n":7,"o":{"a":[true],"b":1}}'),
        ('[{"key": "b", "value": 1}, {"value": "x", "key": "a"}]', '{"a":"x","b":1}'),
        ('[{"ContractId": "c"}]', '[{"ContractId":"c"}]'),
        ('[{"key": "a"}]', '[{"key":"a"}]'),
        ('[{"key": 7, "value": 1}]', '{"7":1}'),
    ],
)
def test_json_is_brought_to_one_form(text: str, expected: str | None) -> None:
    assert canonical_json(text) == expected


@pytest.mark.parametrize("text", ['{"rate":1.10,"a":1}', '{"r":0.1234567890123456789}', '{"r":1E-30}'])
def test_numbers_with_a_fraction_keep_their_digits(text: str) -> None:
    assert canonical_json(f"  {text}\n") == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Expecting value"),
        ("team:search", "Expecting value"),
        ('{"a":"b"', "delimiter"),
        ('"a"', "a str where an object is needed"),
        ("7", "an? int where an object is needed"),
        ("null", "a NoneType where an object is needed"),
        ('{"a":"b","a":"c"}', "a key occurs twice"),
        ('[{"key":"a","value":"1"},{"key":"a","value":"2"}]', "a key occurs twice"),
        ('{"a":NaN}', "NaN is no JSON"),
        ('{"a":-Infinity}', "-Infinity is no JSON"),
        (r'{"a":"\udc00"}', "surrogates"),
        ('{"a":"\x01"}', "control character"),
    ],
)
def test_broken_json_is_refused_with_its_place(text: str, why: str) -> None:
    array = pa.array(['{"a":"b"}', None, text])
    with pytest.raises(FinopsError, match=rf"bill\.csv: row 103, column Tags: .* is not a JSON object: .*{why}"):
        canonical(array)


def test_json_too_deep_to_read_is_refused() -> None:
    with pytest.raises(FinopsError, match=r"row 101, column Tags: .*\(60000 characters\)' is not a JSON object"):
        canonical(pa.array(["[" * 60_000]))


@given(st.lists(MAPS | st.none(), min_size=1, max_size=8))
def test_a_map_a_list_of_pairs_and_json_are_the_same(maps: list[dict[str, Any] | None]) -> None:
    expected = [
        json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")) if value else None
        for value in maps
    ]
    texts = [None if value is None else json.dumps(value) for value in maps]
    pairs = [None if value is None else list(value.items()) for value in maps]
    structs = [None if value is None else [{"key": k, "value": v} for k, v in value.items()] for value in maps]
    entry = pa.struct([("key", pa.string()), ("value", pa.string())])
    assert canonical(pa.array(pairs, PAIRS)) == expected
    assert canonical(pa.array(texts, pa.string())) == expected
    assert canonical(pa.array(texts, pa.string()).dictionary_encode()) == expected
    assert canonical(pa.array(structs, pa.list_(entry))) == expected
    assert canonical(pa.array(structs, pa.large_list(entry))) == expected


@pytest.mark.parametrize(("start", "length"), [(0, 2), (1, 3), (2, 4), (3, 1), (5, 1), (2, 0)])
def test_a_slice_of_maps_has_its_own_entries(start: int, length: int) -> None:
    maps = pa.array([[("a", "1")], [("b", "2"), ("c", None)], None, [], [("d", "4")], [("e", "5")]], PAIRS)
    expected = ['{"a":"1"}', '{"b":"2","c":null}', None, None, '{"d":"4"}', '{"e":"5"}']
    assert canonical(maps.slice(start, length)) == expected[start : start + length]


@pytest.mark.parametrize("separator", ["\x1d", "\x1e", "\x1f"])
def test_separators_in_a_map_are_text(separator: str) -> None:
    text = f"a{separator}b"
    assert canonical(pa.array([[(text, text)], [("x", "y")]], PAIRS)) == [
        json.dumps({text: text}, separators=(",", ":")),
        '{"x":"y"}',
    ]


def test_a_key_twice_in_a_map_is_refused() -> None:
    with pytest.raises(FinopsError, match=r"row 102, column Tags: .*a key occurs twice"):
        canonical(pa.array([[], [("a", "1"), ("a", "2")]], PAIRS))


def test_values_of_a_map_that_are_no_texts_become_texts() -> None:
    assert canonical(pa.array([[("a", 1.5)], [("b", None)]], pa.map_(pa.string(), pa.float64()))) == [
        '{"a":"1.5"}',
        '{"b":null}',
    ]


def test_a_struct_leaves_out_what_is_null() -> None:
    assert canonical(pa.array([{"a": "1", "b": None}, {"a": None, "b": None}, None])) == ['{"a":"1"}', None, None]


def test_a_column_of_nulls_has_no_maps() -> None:
    assert canonical(pa.nulls(2)) == [None, None]


def test_a_text_of_a_dictionary_that_no_row_uses_is_not_read() -> None:
    array = pa.DictionaryArray.from_arrays(pa.array([0, None, 0], pa.int32()), pa.array(['{"a":"b"}', "broken"]))
    assert canonical(array) == ['{"a":"b"}', None, '{"a":"b"}']
