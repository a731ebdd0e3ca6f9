"""Patterns of the configuration, as PostgreSQL sees them."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orchestration.lib.config import load_config
from orchestration.lib.config_patterns import count_groups, like_pattern
from orchestration.lib.config_store import store_config
from orchestration.lib.errors import FinopsError

TEXT = """organization: {name: Example, first_billing_period: 2026-01}
sources: [{name: aws, format: cur, location: bills}]
tag_policy:
  keys:
    project: {pattern: PROJECT}
virtual_tags:
  rules:
    - {name: fine, match: {resource_id: ^a}, set: {project: x}}
    - name: odd
      match:
        service_name: ^b
        resource_id: RESOURCE
      set: {project: x}
"""
PARTS = [
    "a",
    "(",
    ")",
    "(?:",
    "(?=",
    "(?!",
    "(?<=",
    "[",
    "]",
    "[^]",
    "[[:alpha:]]",
    "\\(",
    "\\]",
    "\\\\",
    "|",
    "*",
    "{2}",
    "^",
]


def stored(database: str, folder: Path, *, project: str = "^p", resource: str = "^r") -> int:
    path = folder / "finops-config.yaml"
    path.write_text(TEXT.replace("PROJECT", f"'{project}'").replace("RESOURCE", f"'{resource}'"))
    with psycopg.connect(database) as connection:
        store_config(connection, load_config(path))
        ((count,),) = connection.execute("select count(*) from config.sections").fetchall()
    return int(count)


def test_what_postgresql_refuses_is_named_with_its_line_and_stores_nothing(database: str, tmp_path: Path) -> None:
    sections = stored(database, tmp_path)
    with pytest.raises(FinopsError) as caught:
        stored(database, tmp_path, project="[z-a]", resource="a{3,1}")
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'finops-config.yaml'} cannot be used: patterns are wrong.",
        "  line 5: tag_policy.keys.project.pattern: is refused by PostgreSQL: "
        "invalid regular expression: invalid character range.",
        "  line 12: virtual_tags.rules[1].match.resource_id: is refused by PostgreSQL: "
        "invalid regular expression: invalid repetition count(s).",
    ]
    assert stored(database, tmp_path) == sections


def test_a_pattern_of_millions_of_states_is_refused(database: str, tmp_path: Path) -> None:
    with pytest.raises(FinopsError, match=r"rules\[1\].match.resource_id: (is refused|takes PostgreSQL too long)"):
        stored(database, tmp_path, resource="(((x{1,250}y?){1,250}z?){1,250})")


@pytest.fixture(scope="module")
def connection(warehouse_url: str) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(warehouse_url, autocommit=True)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=8))
def test_groups_are_counted_as_postgresql_counts_them(
    connection: psycopg.Connection[tuple[object, ...]], parts: list[str]
) -> None:
    pattern = "".join(parts)
    try:
        # The empty alternative always matches, so that every group is in the answer.
        ((found,),) = connection.execute("select regexp_match('', %s)", (pattern + "|",)).fetchall()
    except psycopg.errors.InvalidRegularExpression:
        return
    assert isinstance(found, list)
    # Without a group it is the whole match.
    assert max(count_groups(pattern), 1) == len(found)


@example(parts=["\\(", "|", "{", "}"], text="")
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(
        st.sampled_from(
            [*PARTS, "b", "%", "_", "?", "+", ".", "{", "}", "{1,}", "\\d", "\\.", "\\_", "(?i)", "$", " ", "|"]
        ),
        max_size=6,
    ),
    text=st.text("aAb%_.(]|\\ {}:1", max_size=8),
)
def test_like_rules_out_nothing_that_the_pattern_matches(
    connection: psycopg.Connection[tuple[object, ...]], parts: list[str], text: str
) -> None:
    pattern = "".join(parts)
    # A text that holds every literal of the pattern matches more often than one by chance.
    for candidate in (text, "".join(part for part in parts if len(part) == 1) + text):
        try:
            ((matches,),) = connection.execute("select %s ~ %s", (candidate, pattern)).fetchall()
        except psycopg.errors.InvalidRegularExpression:
            return
        if matches:
            assert connection.execute("select %s like %s", (candidate, like_pattern(pattern))).fetchall() == [(True,)]
