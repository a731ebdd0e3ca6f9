"""The specification's own draft examples of corrections, through the close."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.lib.close import close_month
from tests.dbt.project import Project
from tests.real_data.test_loader_real import LEFT_OUT
from tests.support.feed import Feed

CONSTANTS = {name: value for name, value in LEFT_OUT.items() if not name.endswith("Cost")}


@pytest.fixture
def project(database: str, tmp_path: Path) -> Project:
    return Project(database, tmp_path)


def test_draft_corrections_are_charged_once(project: Project, real_data: Path) -> None:
    folder = real_data / "focus" / "spec_examples_draft_2026"
    feed = Feed(project.url, project.folder / "draft", name="draft", constants=CONSTANTS)
    source = {"name": "draft", "format": "focus", "location": "draft", "constants": CONSTANTS}
    project.configure(sources=[source])

    def deliver(month: str, example: str) -> None:
        feed.deliver(f"{month}/bill.csv", (folder / f"correction__{example}.csv").read_bytes())
        feed.load()
        project.build()

    # Usage of May, which is closed, invoiced with June: it is of June, and of its day in May.
    feed.deliver("2025-06/bill.csv", (folder / "correction__closed__s2_late_arriving_ledger.csv").read_bytes())
    deliver("2025-07", "open_current__s1_original")
    assert project.rows(
        "select billing_period::text, charge_date::text, charge_class, billed_cost, list_cost from finops.cost_records"
        " where delivery_period = '2025-06-01'"
    ) == [("2025-06-01", "2025-05-01", "Correction", Decimal(1500), Decimal(2000))]
    close_month(project.url, project.config, date(2025, 6, 1))

    # July is open: a correction replaces it, and nothing is adjusted.
    deliver("2025-07", "open_current__s1_replacement")
    assert project.rows(
        "select resource_id, billed_cost from finops.cost_records where billing_period = '2025-07-01' order by 1"
    ) == [("R-111", Decimal(1200)), ("R-222", Decimal(300))]
    assert project.rows(
        "select billing_period::text, cost_type, sum(billed_cost) from finops.chargeback_reports group by 1, 2 order by 1"
    ) == [("2025-06-01", "unallocated", Decimal(1500)), ("2025-07-01", "unallocated", Decimal(1500))]

    # The same replacement of the month that is closed is an adjustment of it.
    feed.deliver(
        "2025-06/bill.csv",
        (folder / "correction__closed__s2_late_arriving_ledger.csv")
        .read_bytes()
        .replace(b",1500,1500,1500,", b",1200,1200,1200,"),
    )
    deliver("2025-07", "open_current__s1_replacement")
    assert project.rows(
        "select billing_period::text, adjusts_billing_period::text, sum(billed_cost) from finops.chargeback_reports"
        " group by 1, 2 order by 1, 2"
    ) == [
        ("2025-06-01", None, Decimal(1500)),
        ("2025-07-01", "2025-06-01", Decimal(-300)),
        ("2025-07-01", None, Decimal(1500)),
    ]
