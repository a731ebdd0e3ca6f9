"""The specification's own examples of coverage and utilisation: its published numbers come out of the marts."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from orchestration.lib.gate import gate_markdown, run_gate
from tests.dbt.project import Project
from tests.real_data.test_loader_real import LEFT_OUT
from tests.support.feed import Feed

D = Decimal
RATE = "commitment_eligibility__coverage_rate_eligibility_adjusted"
PROGRAMS = "commitment_eligibility__uncovered_eligible_spend_by_program_type"
PLAN = "commitment__aws_savings_plan_all_upfront_75pct"
CONSTANTS = {
    **{name: value for name, value in LEFT_OUT.items() if name != "ServiceName"},
    "BillingPeriodStart": "2025-04-01T00:00:00Z",
    "BillingPeriodEnd": "2025-05-01T00:00:00Z",
}


def expected(real_data: Path, file: str) -> dict[str, str]:
    with (real_data / "allocation" / "focus_expected_results.csv").open() as text:
        return {row["metric"]: row["expected"] for row in csv.DictReader(text) if row["input_file"] == f"{file}.csv"}


def plan_lines() -> bytes:
    """The plan whose file is not at hand: 24 hours at 52.40, of which 18 are used."""
    head = (
        "ChargePeriodStart,ChargePeriodEnd,ChargeCategory,PricingCategory,ServiceProviderName,ServiceName,CommitmentDiscountId,"
        "CommitmentDiscountCategory,CommitmentDiscountStatus,CommitmentDiscountType,BilledCost,EffectiveCost"
    )
    rows = [
        f"2025-04-01T{hour:02d}:00:00Z,2025-04-01T{hour:02d}:59:59Z,Usage,Committed,AWS,Compute,sp-1,Spend,"
        f"{'Used' if hour < 18 else 'Unused'},Savings Plan,0,52.40"
        for hour in range(24)
    ]
    return "\n".join([head, *rows]).encode()


@pytest.fixture
def rows(database: str, tmp_path: Path, real_data: Path) -> Any:
    project = Project(database, tmp_path)
    folder = real_data / "focus" / "spec_examples_draft_2026"
    files = {
        "rate": (folder / f"{RATE}.csv").read_bytes(),
        "programs": (folder / f"{PROGRAMS}.csv").read_bytes(),
        "plan": plan_lines(),
        "reserved": (folder / "commitment__aws_ri_partial_upfront_100pct_first20rows.csv").read_bytes(),
    }
    project.configure(
        sources=[
            {"name": name, "format": "focus", "location": name} | ({"constants": CONSTANTS} if name != "reserved" else {})
            for name in files
        ]
    )  # fmt: skip
    for name, content in files.items():
        constants = CONSTANTS if name != "reserved" else {}
        feed = Feed(project.url, project.folder / name, name=name, constants=constants)
        feed.deliver(f"{'2026-02' if name == 'reserved' else '2025-04'}/bill.csv", content)
        feed.load_one()
    left_out = ("--exclude-resource-type", "unit_test", "--exclude-resource-type", "test")
    marts = ("commitment_coverage", "commitment_utilization", "commitment_program_costs")
    project.run("build", *left_out, "--select", *(f"+{mart}" for mart in marts))
    for mart in marts:
        gate = run_gate(project.url, mart)
        assert gate.success, gate_markdown(gate)
    return project.rows


def test_the_published_coverage_and_utilisation_come_out(rows: Any, real_data: Path) -> None:
    known = expected(real_data, RATE)
    ((strict, wide),) = rows(
        "select round(stated_coverage_share, 3), round(coverage_share, 3) from finops.commitment_coverage where source_name = 'rate'"
    )
    assert (strict, wide) == (D(known["coverage_rate_strict"]), D(known["coverage_rate_or_discount_id"]))

    known = expected(real_data, PROGRAMS)
    uncovered = dict(
        rows(
            "select program_type, sum(uncovered_billed_cost) from finops.commitment_program_costs"
            " where source_name = 'programs' group by 1"
        )
    )
    assert uncovered == {
        "Flexible Spend Plan": D(known["uncovered Aura Web Flexible Spend Plan"]),
        "Resource Reservation": D(known["uncovered Aura Web Resource Reservation"]),
        "Monthly Interval Spend Commitment": D(known["uncovered StackLens Monthly/Annual Interval Spend"]),
        "Annual Interval Spend Commitment": D(known["uncovered StackLens Monthly/Annual Interval Spend"]),
    }

    known = expected(real_data, PLAN)
    ((share, used, unused),) = rows(
        "select utilization_share, used_cost, unused_cost from finops.commitment_utilization where source_name = 'plan'"
    )
    assert [D(text) for text in known["utilisation; used; unused EffectiveCost"].split(";")] == [share, used, unused]
    # All of the lines at hand of the reservation are used.
    assert rows("select utilization_share, unused_cost from finops.commitment_utilization where source_name = 'reserved'") == [
        (D(1), D(0))
    ]  # fmt: skip
