"""Totals are exact and digests depend on what the lines say, not on their order or company."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.lib.encoding import Day, Days, encode, line_column_names, total
from orchestration.lib.formats.focus import FOCUS
from orchestration.lib.readers import TIMESTAMP, Batch, time_texts

START = datetime(2025, 3, 1, tzinfo=UTC)
AMOUNT = st.decimals(-(10**18), 10**18, places=18) | st.decimals(-1, 1, places=30) | st.integers(-(10**30), 10**30)
LINE = st.tuples(st.integers(0, 3 * 86_400), AMOUNT, AMOUNT, st.integers(-(2**63), 2**63 - 1))
Line = tuple[int, Decimal | int, Decimal | int, int]


def encoded(lines: Sequence[Line]) -> tuple[bytes, Days]:
    starts = [START + timedelta(seconds=line[0]) for line in lines]
    columns = {
        "charge_period_start": pa.array(starts, TIMESTAMP),
        "charge_period_end": pa.array(starts, TIMESTAMP),
        "billed_cost": pa.array([str(line[1]) for line in lines]),
        "effective_cost": pa.array([str(line[2]) for line in lines]),
    }
    return encode(Batch("f", 1, len(lines), columns), FOCUS, np.array([line[3] for line in lines]))


def halves(lines: Sequence[Line]) -> Iterator[Days]:
    for part in (lines[::2], lines[1::2]):
        if part:
            yield encoded(part)[1]


@given(st.lists(LINE, min_size=1, max_size=30))
def test_totals_of_a_day_are_exact(lines: list[Line]) -> None:
    _, days = encoded(lines)
    with localcontext(prec=200):
        for day, found in days.items():
            same = [line for line in lines if (START + timedelta(seconds=line[0])).date() == day]
            assert found.lines == len(same)
            assert found.billed == sum(Decimal(line[1]) for line in same)
            assert found.effective == sum(Decimal(line[2]) for line in same)
        whole = total(days)
        assert (whole.lines, whole.billed) == (len(lines), sum(Decimal(line[1]) for line in lines))


@given(st.lists(LINE, min_size=1, max_size=30), st.randoms())
def test_a_digest_depends_on_neither_order_nor_batches(lines: list[Line], random: np.random.Generator) -> None:
    _, whole = encoded(lines)
    random.shuffle(lines)
    parts: dict[date, Day] = {}
    for days in halves(lines):
        for day, found in days.items():
            parts.setdefault(day, Day()).add(found)
    assert {day: (found.digest, found.billed) for day, found in parts.items()} == {
        day: (found.digest, found.billed) for day, found in whole.items()
    }


@given(st.lists(LINE, min_size=1, max_size=10, unique=True), st.data())
def test_a_digest_changes_with_any_line(lines: list[Line], data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(lines) - 1))
    changed = data.draw(LINE.filter(lambda line: line not in lines))
    before = {day: found.digest for day, found in encoded(lines)[1].items()}
    after = {
        day: found.digest for day, found in encoded([*lines[:position], changed, *lines[position + 1 :]])[1].items()
    }
    assert before != after


def test_lines_are_encoded_by_day_and_in_their_order_within_it() -> None:
    content, days = encoded([(86_400, 1, 2, 7), (5, 3, 4, -8), (86_399, 5, 6, 9)])
    rows = [line.split(",") for line in content.decode().splitlines()]
    assert [row[:2] for row in rows] == [["2025-03-01", "-8"], ["2025-03-01", "9"], ["2025-03-02", "7"]]
    assert {len(row) for row in rows} == {len(line_column_names(FOCUS))}
    assert list(days) == [date(2025, 3, 1), date(2025, 3, 2)]
    assert rows[0][line_column_names(FOCUS).index("list_cost")] == ""


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2025, 3, 4, 5, tzinfo=UTC), "2025-03-04 05:00:00"),
        (datetime(2025, 3, 4, 5, 0, 0, 120_000, tzinfo=UTC), "2025-03-04 05:00:00.120000"),
    ],
)
def test_a_time_has_the_same_text_beside_any_other(moment: datetime, text: str) -> None:
    for beside in ([], [moment + timedelta(microseconds=1)], [None]):
        assert time_texts(pa.array([moment, *beside], TIMESTAMP)).to_pylist()[0] == text
