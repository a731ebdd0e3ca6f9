"""Cleaning of daily series."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from ml.series import Key, SeriesError, clean

KEY = Key("service", "Amazon EC2", "USD")


def frame(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Rows of day of January, curve and whether the day is complete."""
    return pd.DataFrame(
        [
            (date(2026, 1, day), Decimal(curve), Decimal("0.5"), Decimal(0), bool(rest[0]) if rest else True)
            for day, curve, *rest in rows
        ],
        columns=["date", "curve", "scheduled", "irregular", "is_complete"],
    )


def test_missing_day_is_zero_and_rows_may_come_in_any_order() -> None:
    series = clean(KEY, frame((4, "4"), (1, "1"), (2, "-2")))
    assert (series.first, series.last, len(series)) == (date(2026, 1, 1), date(2026, 1, 4), 4)
    assert series.curve.tolist() == [1.0, -2.0, 0.0, 4.0]
    assert series.scheduled.tolist() == [0.5, 0.5, 0.0, 0.5]
    assert series.cost.tolist() == [1.5, -1.5, 0.0, 4.5]


def test_missing_day_that_was_not_delivered_is_unknown() -> None:
    series = clean(KEY, frame((1, "1"), (3, "3")), unknown={date(2026, 1, 2)})
    assert np.isnan(series.curve).tolist() == [False, True, False]


def test_incomplete_days_are_cut_off_at_the_ends_and_unknown_between() -> None:
    series = clean(KEY, frame((1, "9", 0), (2, "2"), (3, "9", 0), (4, "4"), (5, "9", 0)), through=date(2026, 1, 5))
    assert (series.first, series.last) == (date(2026, 1, 2), date(2026, 1, 4))
    assert series.curve[[0, 2]].tolist() == [2.0, 4.0]
    assert np.isnan(series.curve[1])


def test_series_that_ended_is_zero_until_the_last_day_delivered() -> None:
    assert clean(KEY, frame((1, "1")), through=date(2026, 1, 3)).curve.tolist() == [1.0, 0.0, 0.0]


def test_digest_is_that_of_the_content() -> None:
    one = clean(KEY, frame((1, "1.50"), (2, "0")))
    same = clean(Key("team", "other", "USD"), frame((2, "0E-10"), (1, "1.5")))
    assert one.digest == same.digest
    for other in (frame((1, "1.5"), (2, "0.0000000001")), frame((2, "1.5"), (3, "0")), frame((1, "1.50"))):
        assert clean(KEY, other).digest != one.digest
    incomplete = frame((1, "1.50"), (2, "7", 0), (3, "1"))
    assert clean(KEY, incomplete).digest == clean(KEY, frame((1, "1.50"), (2, "8", 0), (3, "1"))).digest


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (frame((1, "1"), (1, "2")), "2026-01-01 is there twice"),
        (frame((1, "NaN")), "not an amount"),
        (frame((1, "Infinity")), "not an amount"),
        (frame((1, "1", 0)), "no complete day"),
        (frame((1, "1"))[:0], "no complete day"),
        (frame((1, "1")).drop(columns="curve"), "no column curve"),
        (frame((1, "1")).assign(curve=None), "not an amount"),
    ],
)
def test_bad_series_is_refused_by_name(bad: pd.DataFrame, words: str) -> None:
    with pytest.raises(SeriesError, match=words) as caught:
        clean(KEY, bad)
    assert str(KEY) in str(caught.value)


def test_timestamps_are_days_too() -> None:
    given = frame((1, "1"), (2, "2"))
    stamps = given.assign(date=pd.to_datetime(given["date"]))
    assert clean(KEY, stamps).digest == clean(KEY, given).digest
    assert (
        clean(KEY, given.assign(date=[datetime(2026, 1, 1), datetime(2026, 1, 2)])).digest == clean(KEY, given).digest
    )
