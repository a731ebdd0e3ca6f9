"""How reports write numbers, dates and rules."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from reports.formatting import change, counted, day, growth, listed, money, month, month_before, percent, short
from reports.words import rule_in_words


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        ("0", "0.00"),
        ("-0.001", "0.00"),
        ("0.005", "0.01"),
        ("-0.005", "\N{MINUS SIGN}0.01"),
        ("1234567.891", "1,234,567.89"),
        ("-1234.5", "\N{MINUS SIGN}1,234.50"),
        ("99999999999999999999.994", "99,999,999,999,999,999,999.99"),
    ],
)
def test_money_is_written_to_the_cent(amount: str, written: str) -> None:
    assert money(Decimal(amount)) == written


def test_what_is_absent_is_a_dash() -> None:
    assert (money(None), change(None), growth(Decimal(1), None)) == ("\N{EN DASH}", "\N{EN DASH}", "\N{EN DASH}")


def test_changes_carry_their_sign() -> None:
    assert [change(Decimal(amount)) for amount in ("5", "-5", "0.004")] == ["+5.00", "\N{MINUS SIGN}5.00", "0.00"]


@pytest.mark.parametrize(
    ("now", "before", "written"),
    [
        ("11", "10", "+10.0%"),
        ("9", "10", "\N{MINUS SIGN}10.0%"),
        ("10", "10", "0.0%"),
        ("10", "0", "new"),
        ("0", "0", "\N{EN DASH}"),
        ("10", "-5", "\N{EN DASH}"),
        ("-10", "5", "\N{MINUS SIGN}300.0%"),
        ("20000", "1", "+1,999,900.0%"),
    ],
)
def test_growth_is_against_the_month_before(now: str, before: str, written: str) -> None:
    assert growth(Decimal(now), Decimal(before)) == written


def test_a_share_of_nothing_or_less_is_a_dash() -> None:
    assert percent(Decimal(1), Decimal(3)) == "33.3%"
    assert percent(Decimal(-1), Decimal(3)) == "\N{MINUS SIGN}33.3%"
    assert percent(Decimal("-0.003"), Decimal(25620)) == "0.0%"
    assert [percent(Decimal(1), whole) for whole in (Decimal(0), Decimal(-1), None)] == [
        "\N{EN DASH}",
        "\N{EN DASH}",
        "\N{EN DASH}",
    ]


def test_dates_and_lists_are_written_in_english() -> None:
    assert (month(date(2026, 10, 1)), day(date(2026, 11, 9))) == ("October 2026", "9 November 2026")
    assert [month_before(date(2026, 1, 1), months) for months in (1, 13)] == [date(2025, 12, 1), date(2024, 12, 1)]
    assert [listed(list(words)) for words in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
    assert [counted(number, "team") for number in (0, 1, 1200)] == ["0 teams", "1 team", "1,200 teams"]
    assert short("x" * 100, 5) == "xxxx…"


@pytest.mark.parametrize(
    ("rule", "sentence"),
    [
        (
            {"match": {"charge_categories": ["Tax", "Credit"]}, "measure": "billed_cost"},
            "Charges of the category Tax or Credit are shared by the teams in proportion to their direct billed cost "
            "in the month.",
        ),
        (
            {
                "match": {"teams": ["Platform"], "service_names": ["S3"], "charge_categories": None},
                "measure": "effective_cost",
                "valid_from": "2026-01-01",
                "valid_to": "2026-07-01",
            },
            "Charges of the service S3 and of the team Platform are shared by the teams in proportion to their "
            "direct effective cost in the month. It holds from 1 January 2026 until before 1 July 2026.",
        ),
        (
            {"match": {"commitment_discount_status": ["Unused"], "sub_account_ids": ["1"]}, "measure": "list_cost"},
            "Charges in the account 1 and with the commitment status Unused are shared by the teams in proportion "
            "to their direct list cost in the month.",
        ),
        (
            {"match": {"teams": ["P"]}, "method": "fixed", "shares": {"A": "0.25", "B": "0.70"}},
            "Charges of the team P are shared in fixed parts (A 0.25 and B 0.70); what they leave stays with its owner.",
        ),
        (
            {"match": {"teams": ["P"]}, "method": "metric", "driver": "seats", "basis": "day"},
            "Charges of the team P are shared by the teams in proportion to seats in the day.",
        ),
    ],
)
def test_a_rule_is_told_in_words(rule: dict[str, Any], sentence: str) -> None:
    assert rule_in_words(rule) == sentence
