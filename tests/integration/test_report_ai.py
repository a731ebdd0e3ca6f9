"""The part of the report, and the gate, on AI models."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import psycopg
import pytest

from orchestration.lib.gate import run_gate
from reports.assembly import read_report
from reports.page import render
from tests.support.marts import Charge, make_marts, set_ai_usage, set_section

OCTOBER = date(2026, 10, 31)
USAGE = [
    ("Search", "gpt-4o", "30.5"),
    ("Search", "<mini>", "4.5"),
    ("Checkout", "gpt-4o", "10"),
    ("Checkout", "gpt-next", None),
]


@pytest.fixture
def marts(database: str) -> str:
    with psycopg.connect(database) as connection:
        make_marts(connection, [Charge("Search", "46", OCTOBER)])
        set_section(connection, "organization", {"name": "Halden", "first_billing_period": "2026-01"})
    return database


def add_usage(database: str) -> None:
    with psycopg.connect(database) as connection:
        set_ai_usage(connection, USAGE, OCTOBER)


def page(database: str) -> str:
    with psycopg.connect(database) as connection:
        return render(read_report(connection, OCTOBER.replace(day=1)), ())


def test_cost_by_team_and_model_stands_beside_what_was_charged(marts: str) -> None:
    add_usage(marts)
    with psycopg.connect(marts) as connection:
        ai = read_report(connection, OCTOBER.replace(day=1)).ai
    assert ai is not None
    assert [(line.team, line.model, line.cost) for line in ai.lines] == [
        ("Search", "gpt-4o", Decimal("30.5")),
        ("Checkout", "gpt-4o", Decimal(10)),
        ("Search", "<mini>", Decimal("4.5")),
        ("Checkout", "gpt-next", Decimal(0)),
    ]
    assert ai.total == Decimal(45)
    (provider,) = ai.providers
    assert (provider.computed, provider.charged, provider.difference) == (Decimal(45), Decimal(46), Decimal(1))
    assert provider.reasons == (("code execution", Decimal(1)),)


def test_page_has_the_part_where_models_were_used(marts: str) -> None:
    assert "AI models" not in page(marts)
    add_usage(marts)
    html = page(marts)
    for text in ("AI models", "figure-ai", "&lt;mini&gt;", "no price", "30.50", "code execution +1.00"):
        assert text in html
    assert "<mini>" not in html


@pytest.mark.parametrize(
    ("mart", "statement", "expectation"),
    [
        (
            "ai_usage",
            "update finops.ai_usage set computed_cost = 0",
            "usage without a price has no cost, and priced usage has one",
        ),
        ("ai_usage", "update finops.ai_usage set ai_usage_id = 'x'", "ai_usage_id is unique"),
        ("ai_usage", "update finops.ai_usage set token_count = -1", "token_count is not negative"),
        (
            "ai_cost_reconciliation",
            "update finops.ai_cost_reconciliation set rounding_cost = 0.0000001",
            "the reasons add up to the difference",
        ),
        (
            "ai_cost_reconciliation",
            "update finops.ai_usage set computed_cost = 31 where computed_cost = 30.5",
            "what is computed is the cost of all usage that counts",
        ),
    ],
)
def test_gate_shuts_for_figures_that_do_not_hold(marts: str, mart: str, statement: str, expectation: str) -> None:
    add_usage(marts)
    assert run_gate(marts, mart).success
    with psycopg.connect(marts) as connection:
        connection.execute(statement.encode())
    assert [found.expectation for found in run_gate(marts, mart).failures] == [expectation]
