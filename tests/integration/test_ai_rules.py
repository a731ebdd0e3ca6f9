"""Users' rules in the database: the same as in Python, whatever the condition, and nothing of its text gets there."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from operator import eq, ge, gt, le, lt, ne
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from psycopg import sql

from ml.savings.conditions import NUMBERS, TEXTS, Comparison, Condition, Junction, Negation, parse_condition
from ml.savings.recommendation import Window
from orchestration.lib.ai.rule_query import rule_days
from tests.support.ai_marts import make_ai_marts

FIRST = date(2026, 10, 1)
WINDOW = Window(FIRST, FIRST + timedelta(days=9))
D = Decimal


def row(day: int, key: str, **columns: Any) -> dict[str, Any]:
    return {
        "charge_date": FIRST + timedelta(days=day),
        "provider": "openai",
        "model": "gpt-large",
        "project_id": "proj_1",
        "api_key_id": key,
        "team": "Search",
        "request_count": 2000,
        "failed_request_count": 20,
        "uncached_input_tokens": 600,
        "cache_read_tokens": 200,
        "output_tokens": 200,
        "model_cost": D(20),
        **columns,
    }


ROWS = [
    row(0, "dear"),
    row(0, "dear", model="gpt-small", request_count=100, model_cost=D(1)),
    row(1, "dear", request_count=500),
    row(2, "dear", model_cost=D(5)),
    row(0, "cheap", team="Checkout", model_cost=D("0.001")),
    row(0, "uncounted", provider="anthropic", request_count=None, failed_request_count=None),
    row(0, "empty", request_count=0, uncached_input_tokens=0, cache_read_tokens=0, output_tokens=0),
    row(0, "repeated", is_repeated=True),
    row(10, "dear"),
]


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database) as connection:
        make_ai_marts(connection, ROWS)
        yield connection


def held(connection: psycopg.Connection[Any], text: str) -> set[tuple[int, str | None]]:
    found = rule_days(connection, parse_condition(text), WINDOW)
    return {((day - FIRST).days, key) for day, _, _, key in found}


def test_the_rule_of_the_settings_holds_by_day_and_key(connection: psycopg.Connection[Any]) -> None:
    # 2,100 requests and 21 dollars for 2,000 tokens; then too few requests, then too cheap.
    assert held(connection, "requests_per_day > 1000 and cost_per_token > 0.01") == {(0, "dear")}
    assert held(connection, "requests_per_day = 2100 and cost_per_token = 0.0105") == {(0, "dear")}
    assert held(connection, "cache_read_share = 0.2 or team = 'Checkout'") == {(0, "cheap")}
    assert held(connection, "cache_read_share between 0.24 and 0.26 and provider = 'anthropic'") == {(0, "uncounted")}
    assert held(connection, "failed_request_share = 0.04") == {(1, "dear")}
    assert held(connection, "team not in ('Search')") == {(0, "cheap")}


def test_what_is_not_known_holds_for_nothing(connection: psycopg.Connection[Any]) -> None:
    keys = {key for _, key in held(connection, "requests_per_day > 1") | held(connection, "not (requests_per_day > 1)")}
    assert "uncounted" not in keys
    assert held(connection, "cost_per_token > 0") == held(connection, "tokens_per_day > 0")


def test_a_text_is_a_value_and_nothing_else(connection: psycopg.Connection[Any]) -> None:
    assert held(connection, "team = 'Search''; drop table finops.ai_usage; --'") == set()
    assert held(connection, "team = '%s {} $1'") == set()
    assert connection.execute("select count(*) from finops.ai_usage").fetchone() == (len(ROWS),)


_numbers = st.builds(
    Comparison,
    st.sampled_from(NUMBERS),
    st.sampled_from([">", ">=", "<", "<=", "=", "<>", "in"]),
    st.sampled_from([D(0), D("0.01"), D("0.25"), D(1), D(20), D(200), D(1000), D(2000)]).map(lambda value: (value,)),
)
_texts = st.builds(
    Comparison,
    st.sampled_from(TEXTS),
    st.sampled_from(["=", "<>", "in"]),
    st.sampled_from(["Search", "openai", "dear", "'", '"; drop', "%s"]).map(lambda value: (value,)),
)
_conditions: st.SearchStrategy[Condition] = st.recursive(
    _numbers | _texts,
    lambda inner: (
        st.builds(Negation, inner) | st.builds(Junction, st.sampled_from(["and", "or"]), st.tuples(inner, inner))
    ),
    max_leaves=8,
)


def written(condition: Condition) -> str:
    """A condition as a user would write it."""
    if isinstance(condition, Negation):
        return f"not ({written(condition.part)})"
    if isinstance(condition, Junction):
        return f"({f' {condition.word} '.join(written(part) for part in condition.parts)})"
    values = [
        str(value) if isinstance(value, Decimal) else "'" + value.replace("'", "''") + "'" for value in condition.values
    ]
    return f"{condition.column} {condition.operator} " + (f"({values[0]})" if condition.operator == "in" else values[0])


@given(_conditions)
@hypothesis_settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
def test_the_database_says_what_the_condition_means(connection: psycopg.Connection[Any], condition: Condition) -> None:
    assert parse_condition(written(condition)) == condition
    days = connection.execute(sql.SQL(_FACTS), [WINDOW.first, WINDOW.last]).fetchall()
    names = ("charge_date", "provider", "project_id", "api_key_id", *NUMBERS, "team")
    expected = {day[:4] for day in days if holds(condition, dict(zip(names, day, strict=True)))}
    assert rule_days(connection, condition, WINDOW) == expected


def holds(condition: Condition, facts: dict[str, Any]) -> bool | None:
    """Whether a condition holds, None where that is not known: a reading of its own."""
    if isinstance(condition, Negation):
        inner = holds(condition.part, facts)
        return None if inner is None else not inner
    if isinstance(condition, Junction):
        parts = [holds(part, facts) for part in condition.parts]
        decisive = condition.word == "or"
        return decisive if decisive in parts else None if None in parts else not decisive
    value, other = facts.get(condition.column), condition.values[0]
    if value is None:
        return None
    compare = {">": gt, ">=": ge, "<": lt, "<=": le, "=": eq, "in": eq, "<>": ne}[condition.operator]
    return bool(compare(value, other))


_FACTS = """
select
    charge_date, provider, project_id, api_key_id,
    sum(request_count), sum(failed_request_count),
    sum(uncached_input_tokens + cache_read_tokens), sum(output_tokens),
    sum(uncached_input_tokens + cache_read_tokens + output_tokens), sum(model_cost),
    sum(model_cost) / nullif(sum(request_count), 0),
    sum(model_cost) / nullif(sum(uncached_input_tokens + cache_read_tokens + output_tokens), 0),
    sum(uncached_input_tokens + cache_read_tokens + output_tokens) / nullif(sum(request_count), 0),
    sum(cache_read_tokens) / nullif(sum(uncached_input_tokens + cache_read_tokens), 0),
    sum(failed_request_count) / nullif(sum(request_count), 0),
    sum(output_tokens) / nullif(sum(uncached_input_tokens + cache_read_tokens), 0),
    min(team)
from finops.ai_usage
where charge_date between %s and %s and is_repeated is not true
group by 1, 2, 3, 4
"""
