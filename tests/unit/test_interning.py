"""The same attributes have the same id, different ones never."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.lib import interning
from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.cur import CUR
from orchestration.lib.formats.focus import FOCUS
from orchestration.lib.interning import Interned, Interner
from orchestration.lib.readers import Batch

NAMES = ("billing_account_name", "resource_id", "tags")
TEXT = st.none() | st.text(st.sampled_from("ab\x1e\x1f\n,\\N"), max_size=4)
ROWS = st.lists(st.tuples(TEXT, TEXT, st.sampled_from([None, '{"a":"1"}', '{"a":"2"}'])), min_size=1, max_size=20)
Row = tuple[str | None, str | None, str | None]


def batch(rows: list[Row]) -> Batch:
    columns = {
        name: pa.array([row[position] for row in rows], pa.string()).dictionary_encode()
        for position, name in enumerate(NAMES)
    }
    return Batch("f", 1, len(rows), columns)


def stored(fresh: Interned) -> dict[int, dict[str, str | None]]:
    names = [column.name for column in FOCUS.attribute_columns]
    maps = {str(map_id): text for map_id, text in fresh.maps}
    found = {}
    for attributes_id, values in fresh.attributes:
        row = dict(zip(names, values, strict=True))
        row["tags"] = None if row["tags"] is None else maps[row["tags"]]
        found[attributes_id] = row
    return found


@given(ROWS)
def test_an_id_stands_for_exactly_its_attributes(rows: list[Row]) -> None:
    ids, fresh = Interner(FOCUS).intern(batch(rows))
    attributes = stored(fresh)
    assert len(attributes) == len(fresh.attributes) == len(set(rows))
    for attributes_id, row in zip(ids.tolist(), rows, strict=True):
        assert tuple(attributes[attributes_id][name] for name in NAMES) == row


@given(ROWS, ROWS)
def test_an_id_is_the_same_in_every_batch_and_load(first: list[Row], second: list[Row]) -> None:
    interner = Interner(FOCUS)
    interner.intern(batch(first))
    ids, fresh = interner.intern(batch(second))
    alone, _ = Interner(FOCUS).intern(batch(second))
    assert ids.tolist() == alone.tolist()
    assert len(fresh.attributes) == len(set(second) - set(first))


def test_more_than_is_remembered_is_told_again_under_the_same_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interning, "_REMEMBERED", 2)
    interner = Interner(FOCUS)
    rows: list[Row] = [(str(number), None, '{"a":"1"}') for number in range(4)]
    first, _ = interner.intern(batch(rows))
    second, fresh = interner.intern(batch(rows))
    assert first.tolist() == second.tolist()
    assert len(fresh.attributes) == 4
    assert len(fresh.maps) == 1


def test_many_columns_of_many_values_do_not_run_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interning, "_FOLD_LIMIT", 4)
    rows: list[Row] = [(str(n % 5), str(n % 7), None) for n in range(70)]
    ids, fresh = Interner(FOCUS).intern(batch(rows))
    assert len(set(ids.tolist())) == len(fresh.attributes) == 35
    assert np.array_equal(ids[:35], ids[35:])


def test_two_contents_of_one_id_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interning, "_hash", lambda content: (7, len(content)))
    with pytest.raises(FinopsError, match="same 64-bit id"):
        Interner(FOCUS).intern(batch([("a", None, None), ("ab", None, None)]))


def cur_maps(columns: dict[str, Any], folded: dict[str, dict[str, Any]]) -> list[str]:
    def texts(values: Any) -> pa.DictionaryArray:
        return pa.array(values, pa.string()).dictionary_encode()

    rows = len(next(iter([*columns.values(), *(v for keys in folded.values() for v in keys.values())])))
    _, fresh = Interner(CUR).intern(
        Batch(
            "f",
            1,
            rows,
            {name: texts(values) for name, values in columns.items()},
            {name: {key: texts(values) for key, values in keys.items()} for name, keys in folded.items()},
        )
    )
    return sorted(text for _, text in fresh.maps)


def test_columns_of_a_map_are_folded_without_those_that_are_null() -> None:
    folded = {"resource_tags": {"user:team": ["a", None, None], "user:env": ["x", "y", None]}}
    assert cur_maps({}, folded) == ['{"user:env":"x","user:team":"a"}', '{"user:env":"y"}']


def test_a_map_and_its_columns_are_merged() -> None:
    columns = {"product": ['{"name":"EC2","size":1.10}', '{"name":"S3"}', None]}
    folded = {"product": {"location": ["EU", None, "US"]}}
    assert cur_maps(columns, folded) == [
        '{"location":"EU","name":"EC2","size":"1.10"}',
        '{"location":"US"}',
        '{"name":"S3"}',
    ]


def test_an_array_and_columns_of_a_map_are_refused() -> None:
    with pytest.raises(FinopsError, match="is a JSON array where the columns of the same map need an object"):
        cur_maps({"product": ['["EC2"]']}, {"product": {"location": ["EU"]}})
