"""Months as people write them."""

from __future__ import annotations

from datetime import date

import pytest

from orchestration.lib.errors import FinopsError
from orchestration.lib.months import first_day


def test_a_month_is_its_first_day() -> None:
    assert first_day("2026-10") == date(2026, 10, 1)


@pytest.mark.parametrize("text", ["2026-13", "2026-1", "2026-10-01", "26-10", "october", "", "２０２６-10"])
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(FinopsError, match="is no month"):
        first_day(text)
