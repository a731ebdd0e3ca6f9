"""Billing months as people write them."""

from __future__ import annotations

import re
from datetime import date

from orchestration.lib.errors import FinopsError


def first_day(text: str) -> date:
    """The first day of a month. Raises FinopsError for what is no month.

    >>> first_day("2026-10")
    datetime.date(2026, 10, 1)
    """
    if not re.fullmatch("20[0-9]{2}-(0[1-9]|1[0-2])", text):
        raise FinopsError(f"{text!r} is no month. Write it as 2026-10.")
    return date.fromisoformat(f"{text}-01")
