"""The part of the report on AI models."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

from reports.assembly import read_report
from reports.page import render
from tests.support.ai_gate_rows import DAY, make_ai_gate_rows
from tests.support.marts import Charge, make_marts, set_section

OCTOBER = DAY


@pytest.fixture
def marts(database: str) -> str:
    with psycopg.connect(database) as connection:
        make_marts(connection, [Charge("Search", "46", OCTOBER)])
        set_section(connection, "organization", {"name": "Halden", "first_billing_period": "2026-01"})
    return database


def add_usage(database: str) -> None:
    with psycopg.connect(database) as connection:
        make_ai_gate_rows(connection)


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
