"""The monthly close on built marts: what was signed stays, what changes later is an adjustment, to the last digit."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from orchestration.lib.audit import verify
from orchestration.lib.close import close_month, list_closes, reopen_month, verify_closes
from orchestration.lib.errors import FinopsError
from tests.dbt.bills import APRIL, MARCH, cur_lines, focus_lines, in_april
from tests.dbt.conftest import new_database
from tests.dbt.project import SETTINGS, Project
from tests.support.lines import Line, csv_bytes, focus

MAY = "2025-05"
D = Decimal


def month(text: str) -> date:
    return date.fromisoformat(f"{text}-01")


def in_may(lines: Sequence[Line]) -> list[Line]:
    return [
        {
            name: value.replace("2025-04", "2025-06").replace("2025-03", "2025-05") if isinstance(value, str) else value
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


@pytest.fixture(scope="module")
def closed_march(
    warehouse_url: str, built_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    """A warehouse in which March is closed, for tests that leave it as it is."""
    with new_database(warehouse_url, like=built_database) as url:
        project = Project(url, tmp_path_factory.mktemp("closed"))
        complete_march(project)
        close_month(project.url, project.config, month(MARCH))
        yield project


def test_what_changes_in_a_closed_month_is_an_adjustment(built: Project) -> None:
    complete_march(built)
    before = chargeback(built, MARCH)
    closed = close_month(built.url, built.config, month(MARCH), actor="Ana")
    assert (closed.close_id, closed.row_count, closed.closed_by) == (1, len(before), "Ana")
    assert [(one["source_name"], one["billed_cost"]) for one in closed.record["totals"]] == [
        ("aws", "4.33"),
        ("azure", "1.95"),
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
        assert [
            (one.close_id, one.billing_period, one.reopening and one.reopening.reason)
            for one in list_closes(connection)
        ] == [
            (1, month(MARCH), None),
            (2, month(APRIL), "an invoice was missing"),
            (3, month(APRIL), None),
        ]
    assert built.rows("select action, subject, actor from audit.events order by id")[:3:2] == [
        ("close", "2025-03", "Ana"),
        ("reopen", "2025-04", "Bob"),
    ]


def refused(project: Project, text: str, **accepted: str) -> list[str]:
    """What is in the way of closing a month, one text each; nothing is closed."""
    with pytest.raises(FinopsError) as caught:
        close_month(project.url, project.config, month(text), accepted=accepted)
    assert project.rows("select count(*) from audit.closes") == [(0,)]
    assert project.rows("select count(*) from audit.chargebacks") == [(0,)]
    return str(caught.value).splitlines()


def test_everything_in_the_way_is_named_at_once(built: Project) -> None:
    assert refused(built, "2025-06") == ["2025-06 has no charges. There are charges of 2025-03 to 2025-04."]
    assert refused(built, APRIL) == ["2025-03 must be closed before 2025-04: months close in their order."]

    # A delivery that was refused, one that nobody has looked at, a change of the settings, a broken mart, and invoices.
    (built.folder / "azure" / MARCH).mkdir()
    (built.folder / "azure" / MARCH / "bill.csv").write_bytes(csv_bytes(focus(BilledCost="1,5")))
    (built.folder / "azure" / APRIL).mkdir()
    (built.folder / "azure" / APRIL / "bill.csv").write_bytes(csv_bytes(focus(BilledCost="x")))
    built.feed("azure").load()
    (built.folder / "aws" / MARCH).mkdir()
    (built.folder / "aws" / MARCH / "bill.csv").write_bytes(csv_bytes(*cur_lines(used="0.5")))
    built.configure(reports={"top_services": 3})
    built.execute("update finops.chargeback_reports set team = ' ' where team = 'unallocated'")
    built.execute(
        "update finops.invoice_reconciliation set invoiced_cost = 4, difference_cost = 0.33, status = 'difference'"
        " where invoice_id = 'INV-1'"
    )
    found = refused(built, MARCH, **{"INV-9": "typo"})
    assert found[0] == "2025-03 cannot be closed:"
    assert [line.strip().split(".csv")[0] for line in found[1:3]] == [
        "azure: a delivery was refused and still lies there: 2025-03/bill",
        "aws: a delivery of the month has not been taken in. Run `finops run` first.",
    ]
    assert [line.strip() for line in found[3:]] == [
        "aws: has charges up to 2025-03-04, and nothing later. The month is not over.",
        "the marts are not those of what is loaded now, or a test of them failed. Run `finops run` first.",
        "the gate of chargeback_reports is shut: not true that team is not blank (2 values of 10)",
        "invoice INV-1 of AWS differs from what was delivered by USD 0.33. Accept it with"
        " --accept-difference INV-1 --reason TEXT, or correct its amount in the settings.",
        "invoice INV-9 has no difference in 2025-03 that could be accepted.",
    ]


def test_settings_that_were_not_run_are_named(built: Project) -> None:
    complete_march(built)
    edited = built.config.model_copy(update={"teams": built.config.teams[:1]})
    with pytest.raises(FinopsError, match="the settings have changed since the marts were built"):
        close_month(built.url, edited, month(MARCH))


def test_a_source_without_charges_keeps_the_month_open(built: Project) -> None:
    built.configure(sources=[*SETTINGS["sources"], {"name": "gcp", "format": "focus", "location": "azure"}])
    assert "  gcp: has no charges of the month, and nothing later." in refused(built, MARCH)


def test_an_accepted_difference_is_kept_with_its_reason(built: Project) -> None:
    built.configure(
        invoices=[
            {"invoice_issuer_name": "AWS", "invoice_id": "INV-1", "billing_currency": "USD", "amount": "8.00"},
        ]
    )
    complete_march(built)
    assert "invoice INV-1 of AWS differs" in refused(built, MARCH)[1]
    closed = close_month(built.url, built.config, month(MARCH), accepted={"INV-1": "rounded by the provider"})
    assert closed.record["accepted_differences"] == [
        {
            "invoice_id": "INV-1",
            "invoice_issuer_name": "AWS",
            "billing_currency": "USD",
            "difference_cost": "0.66",
            "reason": "rounded by the provider",
        }
    ]
    assert closed.record["rule_versions"] == dict(
        built.rows("select section, content_hash from config.sections where superseded_at is null")
    )
    assert built.rows("select details ->> 'content_hash' from audit.events") == [(closed.content_hash,)]
    with pytest.raises(FinopsError, match="2025-03 is closed already: by "):
        close_month(built.url, built.config, month(MARCH))


KILLED = """
import os, signal, sys
from datetime import date
from pathlib import Path
from orchestration.lib import close
from tests.dbt.project import Project
close.append = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
project = Project(sys.argv[1], Path(sys.argv[2]))
close.close_month(project.url, project.config, date(2025, 3, 1))
"""


def test_killed_nothing_is_closed_and_of_two_one_is_first(built: Project) -> None:
    complete_march(built)
    # Killed when all rows are written and the log is not.
    done = subprocess.run([sys.executable, "-c", KILLED, built.url, str(built.folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert built.rows("select count(*) from audit.closes") == [(0,)]
    assert built.rows("select count(*) from audit.chargebacks") == [(0,)]

    outcomes = []

    def work() -> None:
        try:
            outcomes.append(str(close_month(built.url, built.config, month(MARCH)).close_id))
        except FinopsError as error:
            outcomes.append(str(error).split(":", maxsplit=1)[0])

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(outcomes) == ["1", "2025-03 is closed already"]


@pytest.mark.parametrize(
    ("table", "statement", "found"),
    [
        (
            "chargebacks",
            "update audit.chargebacks set billed_cost = billed_cost + 0.0000000001 where team = 'unallocated'",
            ["the rows of close 1 are not those that were signed"],
        ),
        (
            "chargebacks",
            "delete from audit.chargebacks where team = 'unallocated'",
            ["the rows of close 1 are not those that were signed"],
        ),
        (
            "closes",
            "update audit.closes set record = jsonb_set(record, '{totals, 0, billed_cost}', '\"1\"')",
            ["close 1 is not what the audit log says of it"],
        ),
        (
            "closes",
            "update audit.closes set billing_period = '2025-02-01'",
            ["close 1 is not what the audit log says of it"],
        ),
        ("reopenings", "insert into audit.reopenings values (1, now(), 'x', 'x')", [
            "the reopening of close 1 is not what the audit log says of it",
        ]),
    ],
)  # fmt: skip
def test_tampering_with_a_closed_month_is_found(
    closed_march: Project, table: str, statement: str, found: list[str]
) -> None:
    with psycopg.connect(closed_march.url) as connection:
        assert verify_closes(connection) == []
        if not statement.startswith("insert"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), connection.transaction():
                connection.execute(statement.encode())
        connection.execute(f"alter table audit.{table} disable trigger kept".encode())
        connection.execute(statement.encode())
        assert verify_closes(connection) == found
        connection.rollback()
