"""The monthly close on built marts: what was signed stays, what changes later is an adjustment, to the last digit."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from orchestration.lib.audit import verify
from orchestration.lib.close import close_month, list_closes, reopen_month, verify_closes
from orchestration.lib.errors import FinopsError
from tests.dbt.bills import APRIL, MARCH, cur_lines, focus_lines, in_april
from tests.dbt.project import Project
from tests.support.lines import Line, focus

MAY = "2025-05"
D = Decimal


def month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")


def in_may(lines: Sequence[Line]) -> list[Line]:
    return [
        {
            name: value.replace("2025-04", "2025-06").replace("2025-03", "2025-05").replace("2025-06-0", "2025-06-0")
            if isinstance(value, str)
            else value
            for name, value in line.items()
        }
        for line in lines
    ]


def chargeback(project: Project, text: str) -> list[tuple[Any, ...]]:
    """Every row of a month as text, but for the ids of closes."""
    return project.rows(
        f"select c::text from finops.chargeback_reports as c where billing_period = '{text}-01' order by chargeback_id"
    )


def adjustments(project: Project, text: str) -> list[tuple[Any, ...]]:
    return project.rows(
        "select adjusts_billing_period::text, adjusts_close_id, source_name, team, coalesce(allocation_rule, '-'),"
        " billed_cost, effective_cost"
        f" from finops.chargeback_reports where cost_type = 'adjustment' and billing_period = '{text}-01'"
        " order by 1, 2, 3, 4, 5"
    )


def assert_conserved(project: Project) -> None:
    """Each month costs what was delivered for it, wherever it is charged."""
    reported, charged = (
        project.rows(
            f"select source_name, billing_currency, {period}, sum(billed_cost), sum(effective_cost),"
            f" sum(contracted_cost), sum(list_cost) from finops.{mart} group by 1, 2, 3 order by 1, 2, 3"
        )
        for mart, period in (
            ("cost_records", "billing_period"),
            ("chargeback_reports", "coalesce(adjusts_billing_period, billing_period)"),
        )
    )
    assert reported == charged


def complete_march(project: Project) -> None:
    """Deliver April of the source that lacks it, so that March is over for both."""
    project.deliver("aws", APRIL, in_april(cur_lines()))
    project.build()


def test_what_changes_in_a_closed_month_is_an_adjustment(built: Project) -> None:
    complete_march(built)
    before = chargeback(built, MARCH)
    closed = close_month(built.url, built.config, month(MARCH), actor="Ana")
    assert (closed.close_id, closed.row_count, closed.closed_by) == (1, len(before), "Ana")
    assert [(one["source_name"], one["billed_cost"]) for one in closed.record["totals"]] == [
        ("aws", "4.3300000000"),
        ("azure", "1.9500000000"),
    ]
    assert {(one["source_name"], one["billing_period"]) for one in closed.record["deliveries"]} == {
        ("aws", "2025-03-01"),
        ("azure", "2025-03-01"),
    }
    built.build()
    assert chargeback(built, MARCH) == before
    assert adjustments(built, APRIL) == []

    # Dearer by 0.1000000001 a day, and the third day is gone: 2 x 1.3500000001 instead of 3 x 1.25.
    restated = focus_lines(days=(1, 2), cost="1.3500000001")
    built.deliver("azure", MARCH, restated)
    built.build()
    assert chargeback(built, MARCH) == before
    found = adjustments(built, APRIL)
    # The tax and what nobody owns are of two days now; taxes are shared by direct costs, which have changed.
    assert [row for row in found if row[2] == "azure"] == [
        ("2025-03-01", 1, "azure", "Search", "-", D("-1.0499999998"), D("-1.0499999998")),
        ("2025-03-01", 1, "azure", "Search", "tax", D("0.7"), D("0.7")),
        ("2025-03-01", 1, "azure", "unallocated", "-", D("-0.1"), D("-0.10000000001")),
    ]
    assert [row for row in found if row[2] == "aws"] == []
    assert_conserved(built)

    # April closes with the adjustment; what changes in March after that is a difference to both.
    for source, lines in (("aws", cur_lines()), ("azure", focus_lines())):
        built.deliver(source, MAY, in_may(lines))
    built.build()
    april = chargeback(built, APRIL)
    assert close_month(built.url, built.config, month(APRIL)).row_count == len(april)
    built.deliver("azure", MARCH, [*restated[:3], *focus_lines(days=(2,), cost="1.35")])
    built.build()
    assert (chargeback(built, MARCH), chargeback(built, APRIL)) == (before, april)
    assert adjustments(built, MAY) == [
        ("2025-03-01", 1, "azure", "Search", "-", D("-0.0000000001"), D("-0.0000000001")),
    ]
    assert_conserved(built)

    # Reopened, April is computed again and takes the whole change of March.
    with pytest.raises(FinopsError, match="2025-03 cannot be reopened while 2025-04 is closed"):
        reopen_month(built.url, month(MARCH), "too early")
    assert reopen_month(built.url, month(APRIL), "an invoice was missing", actor="Bob") == 2
    with pytest.raises(FinopsError, match="the marts are not those of what is loaded now"):
        close_month(built.url, built.config, month(APRIL))
    built.build()
    assert adjustments(built, MAY) == []
    assert [row for row in adjustments(built, APRIL) if row[4] == "-" and row[3] == "Search"] == [
        ("2025-03-01", 1, "azure", "Search", "-", D("-1.0499999999"), D("-1.0499999999")),
    ]
    assert_conserved(built)
    assert close_month(built.url, built.config, month(APRIL)).close_id == 3
    with psycopg.connect(built.url) as connection:
        assert verify(connection).problems == ()
        assert verify_closes(connection) == []
        assert [(one.close_id, one.billing_period, one.reason) for one in list_closes(connection)] == [
            (1, month(MARCH), None),
            (2, month(APRIL), "an invoice was missing"),
            (3, month(APRIL), None),
        ]
    assert built.rows("select action, subject, actor from audit.events order by id")[:3:2] == [
        ("close", "2025-03", "Ana"),
        ("reopen", "2025-04", "Bob"),
    ]
