"""Marts of AI usage and cost that hold, and how each of their gate's rules is broken."""

from __future__ import annotations

from datetime import date
from typing import Any

import psycopg

from tests.support.marts import set_ai_usage

DAY = date(2026, 10, 31)
USAGE = [
    ("Search", "gpt-4o", "30.5"),
    ("Search", "<mini>", "4.5"),
    ("Checkout", "gpt-4o", "10"),
    ("Checkout", "gpt-next", None),
]

_USAGE = "update finops.ai_usage set {} where model = 'gpt-next'"
_COMPARED = "update finops.ai_cost_reconciliation set {}"
# Mart, how it is broken, the rule that says so, and what names the row.
BROKEN = [
    ("ai_usage", "update finops.ai_usage set ai_usage_id = 'x'", "ai_usage_id is unique", "x"),
    ("ai_usage", _USAGE.format("team = ' '"), "team is not blank", "usage-3"),
    (
        "ai_usage",
        _USAGE.format("price_status = 'x', computed_cost = 0"),
        "price_status is one of priced, incomplete, no price, repeated",
        "x",
    ),
    ("ai_usage", _USAGE.format("token_count = -1"), "token_count is not negative", "-1"),
    (
        "ai_usage",
        _USAGE.format("computed_cost = 0"),
        "usage that has no price, or is reported twice, has no cost, and priced usage has one",
        "gpt-next",
    ),
    (
        "ai_cost_reconciliation",
        "insert into finops.ai_cost_reconciliation select * from finops.ai_cost_reconciliation",
        "provider, charge_date, project_id, billing_currency together are unique",
        "proj_1",
    ),
    (
        "ai_cost_reconciliation",
        _COMPARED.format("billing_currency = '?'"),
        "billing_currency is a code of three letters",
        "?",
    ),
    (
        "ai_cost_reconciliation",
        _COMPARED.format("billing_period = charge_date"),
        "billing_period is the first day of a month",
        "2026-10-31",
    ),
    (
        "ai_cost_reconciliation",
        _COMPARED.format("status = 'x'"),
        "status is one of reconciled, explained, unexplained",
        "x",
    ),
    (
        "ai_cost_reconciliation",
        _COMPARED.format("rounding_cost = 0.0000001"),
        "the reasons add up to the difference",
        "proj_1",
    ),
    (
        "ai_cost_reconciliation",
        "update finops.ai_usage set computed_cost = 31 where computed_cost = 30.5",
        "what is computed is the cost of all usage that counts",
        "45.5",
    ),
]
EMPTY = {
    "ai_usage": [
        *("ai_usage_id", "source_name", "provider", "operation", "team", "owner_source", "record_count", "charge_date"),
    ],
    "ai_cost_reconciliation": [
        *("provider", "charge_date", "status", "computed_cost", "charged_cost", "difference_cost"),
    ],
}


def make_ai_gate_rows(connection: psycopg.Connection[Any]) -> None:
    """Fill the tables of `make_marts`."""
    set_ai_usage(connection, USAGE, DAY)
