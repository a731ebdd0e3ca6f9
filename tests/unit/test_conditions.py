"""Conditions of users' rules: what is taken, and that everything else is refused with its reason."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.savings.conditions import NUMBERS, TEXTS, Comparison, ConditionError, Junction, Negation, parse_condition

D = Decimal


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "requests_per_day > 1000 and cost_per_token > 0.01",
            Junction(
                "and",
                (
                    Comparison("requests_per_day", ">", (D(1000),)),
                    Comparison("cost_per_token", ">", (D("0.01"),)),
                ),
            ),
        ),
        ("COST_PER_DAY >= .5", Comparison("cost_per_day", ">=", (D("0.5"),))),
        ("1000 < requests_per_day", Comparison("requests_per_day", ">", (D(1000),))),
        ("cost_per_day != -1", Comparison("cost_per_day", "<>", (D(-1),))),
        ("team = 'O''Neill; drop'", Comparison("team", "=", ("O'Neill; drop",))),
        ("team = 'Größe -- /* 1 */'", Comparison("team", "=", ("Größe -- /* 1 */",))),
        ("team in ('a', 'b')", Comparison("team", "in", ("a", "b"))),
        ("not (provider = 'aws')", Negation(Comparison("provider", "=", ("aws",)))),
        ("team not in ('a')", Negation(Comparison("team", "in", ("a",)))),
        (
            "cost_per_day between 1 and 2",
            Junction("and", (Comparison("cost_per_day", ">=", (D(1),)), Comparison("cost_per_day", "<=", (D(2),)))),
        ),
    ],
)
def test_a_condition_is_read(text: str, expected: object) -> None:
    assert parse_condition(text) == expected


HOSTILE = [
    ("", "is empty"),
    ("cost_per_day > 1; drop table finops.ai_usage", "the character ';'"),
    ("cost_per_day > 1 -- all", "a comment"),
    ("cost_per_day > 1 /* all */", "the character '/'"),
    ("cost_per_day > 1 # all", "the character '#'"),
    ("cost_per_day > (select 1)", "a subquery"),
    ("cost_per_day in (select unit_price from config.ai_prices)", "more than is allowed"),
    ("exists (select 1)", "an exists"),
    ("pg_sleep(10) > 1", "one side must be a column"),
    ("cost_per_day > pg_sleep(10)", "a number is needed"),
    ("cost_per_day > random()", "a number is needed"),
    ("lower(team) = 'a'", "one side must be a column"),
    ("coalesce(cost_per_day, 1) > 1", "one side must be a column"),
    ("cost_per_day::text = '1'", "the character ':'"),
    ("cast(cost_per_day as text) = '1'", "one side must be a column"),
    ("cost_per_day > cast('1' as numeric)", "a number is needed"),
    ("cost_per_day > date '2026-01-01'", "a number is needed"),
    ("cost_per_day * 2 > 1", "the character '*'"),
    ("cost_per_day + 1 > 1", "one side must be a column"),
    ("cost_per_day > 1 + 1", "a number is needed"),
    ("cost_per_day > requests_per_day", "a number is needed"),
    ("user_id = 'x'", "the unknown column 'user_id'"),
    ("cost_per_dya > 1", "Did you mean cost_per_day"),
    ("finops.ai_usage.cost_per_day > 1", "more than is allowed"),
    ("key_days.cost_per_day > 1", "more than is allowed"),
    ('"cost_per_day" > 1', "the character '\"'"),
    ("`cost_per_day` > 1", "the character '`'"),
    ("[cost_per_day] > 1", "the character '['"),
    ("ｃost_per_day > 1", "the character 'ｃ'"),
    ("cost_per_day ＞ 1", "the character '＞'"),
    ("cost_per_day > 1\u00a0or 1 = 1", "the character"),
    ("cost_per_day > 1\u2028or true", "the character"),
    ("team = 'a\x00b'", "cannot be printed"),
    ("team = 'a\u202eb'", "cannot be printed"),
    ("team = 'a\\' or 1=1'", "a backslash"),
    ("team = ’a’", "the character '’'"),
    ("team = $$a$$", "the character '$'"),
    ("team = E'a'", "text in single quotes is needed"),
    ("team = N'a'", "text in single quotes is needed"),
    ("team = U&'a'", "the character '&'"),
    ("cost_per_day > x'ff'", "a number is needed"),
    ("team = 'a' 'b'", None),
    ("team = 'a", "outside of a text"),
    ("1 = 1", "one side must be a column"),
    ("'a' = 'a'", "one side must be a column"),
    ("true", "a boolean"),
    ("cost_per_day", "a column where a comparison is needed"),
    ("1", "a literal"),
    ("cost_per_day > 1 or true", "a boolean"),
    ("cost_per_day is null", "an is where"),
    ("cost_per_day > null", "a null"),
    ("team like 'a'", "a like"),
    ("team similar to 'a'", None),
    ("team ~ 'a'", "the character '~'"),
    ("team > 'a'", "texts have"),
    ("team between 'a' and 'b'", "texts have"),
    ("team = 1", "text in single quotes is needed"),
    ("cost_per_day = '1'", "a number is needed"),
    ("cost_per_day > 1e3", "plain digits"),
    ("cost_per_day > 9999999999999999999", "plain digits"),
    ("cost_per_day > infinity", "a number is needed"),
    ("cost_per_day between symmetric 2 and 1", None),
    ("cost_per_day > any (1)", None),
    ("cost_per_day > all (1)", None),
    ("(cost_per_day, requests_per_day) > (1, 1)", "a tuple"),
    ("cost_per_day > 1 union select 1", None),
    ("cost_per_day > 1 limit 1", None),
    ("cost_per_day > 1 order by 1", None),
    ("select 1", "a select"),
    ("drop table finops.ai_usage", None),
    ("case when cost_per_day > 1 then true end", "a case"),
    ("cost_per_day > 1 collate x", None),
    ("cost_per_day > 1 as x", None),
    ("cost_per_day > 1 > 0", None),
    ("cost_per_day > {}", "the character '{'"),
    ("cost_per_day > %s", "the character '%'"),
    ("cost_per_day > ?", "the character '?'"),
    ("cost_per_day > @x", "the character '@'"),
    ("cost_per_day > current_date", None),
    ("cost_per_day > interval '1 day'", "a number is needed"),
    ("cost_per_day > - -1", None),
    ("cost_per_day in ()", None),
    ("(" * 21 + "cost_per_day > 1" + ")" * 21, "nested more than 20 deep"),
    ("not " * 21 + "cost_per_day > 1", "nested more than 20 deep"),
    ("cost_per_day > 1 or " * 100 + "cost_per_day > 1", "longer than 1000"),
]


@pytest.mark.parametrize(("text", "reason"), HOSTILE)
def test_anything_else_is_refused_with_the_reason(text: str, reason: str | None) -> None:
    with pytest.raises(ConditionError) as refused:
        parse_condition(text)
    assert (reason or "") in str(refused.value)
    assert len(str(refused.value)) < 600


@given(st.text(max_size=80))
def test_any_text_is_a_condition_or_refused(text: str) -> None:
    try:
        found = parse_condition(text)
    except ConditionError:
        return
    _check(found)


_WORDS = [
    *NUMBERS[:3],
    *TEXTS[:2],
    ">",
    "=",
    "<>",
    "and",
    "or",
    "not",
    "in",
    "between",
    "(",
    ")",
    ",",
    "1",
    "0.5",
    "'a'",
]
_EVIL = [
    "select",
    "from",
    "null",
    "pg_sleep(1)",
    "x",
    "--",
    ";",
    "is",
    "like",
    "::text",
    '"',
    "''",
    "U&'a'",
    "case",
    ".",
    "*",
    "union",
]


@given(st.lists(st.sampled_from(_WORDS + _EVIL), max_size=12).map(" ".join))
def test_what_is_taken_has_known_columns_and_plain_values_only(text: str) -> None:
    try:
        found = parse_condition(text)
    except ConditionError:
        return
    _check(found)


def _check(condition: object) -> None:
    if isinstance(condition, Comparison):
        assert condition.column in (*NUMBERS, *TEXTS)
        assert condition.operator in (">", ">=", "<", "<=", "=", "<>", "in")
        assert condition.values
        kind = str if condition.column in TEXTS else Decimal
        assert all(type(value) is kind for value in condition.values)
    elif isinstance(condition, Junction):
        assert condition.word in ("and", "or")
        for part in condition.parts:
            _check(part)
    else:
        assert isinstance(condition, Negation)
        _check(condition.part)
