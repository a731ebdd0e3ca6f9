"""Savings of bills that others wrote: what the mart says is what the rows of the files say."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from pathlib import Path

from tests.dbt.project import Project
from tests.real_data.test_loader_real import LEFT_OUT, read
from tests.support.feed import Feed

FILES = {
    "sample": ("focus_1.0_sample_1000.csv", "2024-09"),
    "rows_14": ("focus_1.4_costandusage_10rows.csv", "2024-09"),
    "reserved": ("spec_examples_draft_2026/commitment__aws_ri_partial_upfront_100pct_first20rows.csv", "2026-02"),
    "prepaid_tokens": (
        "spec_examples_draft_2026/ai_model_billing__drawdown_via_prepayment_ai_model_api.csv",
        "2025-05",
    ),
    **{
        f"flexibility_{number}": (f"spec_examples_1.2/commitment_discount_flexibility__{name}.csv", "2023-01")
        for number, name in enumerate(
            (
                "one_hundred_percent_utilization_with_commitment_discount_flexibility_with_1_resource",
                "one_hundred_percent_utilization_with_commitment_discount_flexibility_with_2_resources",
                "one_hundred_percent_utilization_without_commitment_discount_flexibility",
                "zero_percent_utilization_without_commitment_discount_flexibility",
            )
        )
    },
}
Sums = tuple[Decimal, Decimal | None, Decimal | None, Decimal | None]


def number(text: str | None) -> Decimal | None:
    return None if (text or "").strip() in ("", "-", "NULL", "null") else Decimal(str(text).strip())


def plus(total: Decimal | None, value: Decimal | None) -> Decimal | None:
    return total if value is None else (total or Decimal(0)) + value


def savings_of_rows(path: Path) -> Sums:
    """Effective cost, and negotiated, commitment and all savings of the rows of which they are known."""
    totals: dict[str, Decimal | None] = defaultdict(lambda: None)
    for row in read(path):
        billed, effective = number(row["BilledCost"]), number(row["EffectiveCost"])
        if billed is None or effective is None:
            continue
        list_cost, contracted = number(row.get("ListCost")), number(row.get("ContractedCost"))
        prepaid = row["ChargeCategory"] == "Purchase" and effective == 0 and (billed or row.get("CommitmentDiscountId"))
        if prepaid or row.get("CommitmentDiscountStatus") == "Unused":
            list_cost = contracted = Decimal(0)
        totals["effective"] = plus(totals["effective"], effective)
        if contracted is not None:
            totals["commitment"] = plus(totals["commitment"], contracted - effective)
        if list_cost is not None:
            totals["all"] = plus(totals["all"], list_cost - effective)
        if list_cost is not None and contracted is not None:
            totals["negotiated"] = plus(totals["negotiated"], list_cost - contracted)
    assert totals["effective"] is not None
    return totals["effective"], totals["negotiated"], totals["commitment"], totals["all"]


def test_savings_are_those_of_the_rows(real_data: Path, database: str, tmp_path: Path) -> None:
    project = Project(database, tmp_path)
    expected = {}
    for name, (file, month) in FILES.items():
        path = real_data / "focus" / file
        feed = Feed(database, tmp_path / name, name=name, constants=LEFT_OUT)
        feed.deliver(f"{month}/bill.csv", path.read_bytes())
        feed.load_one()
        expected[name] = savings_of_rows(path)
    project.build()
    found = {
        row[0]: row[1:]
        for row in project.rows(
            "select source_name, sum(effective_cost), sum(negotiated_savings), sum(commitment_savings), sum(total_savings)"
            " from finops.cost_savings group by 1"
        )
    }
    assert found == expected
    # Known by hand: 18 rows at 75.35 in place of 50.23, and 25 + 37.50 for 20 + 30; the purchases of both count nothing.
    assert found["reserved"][2] == 18 * (Decimal("75.35") - Decimal("50.23"))
    assert found["prepaid_tokens"] == (Decimal(50), Decimal(0), Decimal("12.50"), Decimal("12.50"))
    # Nothing of the commitment was used: what it cost is lost.
    assert found["flexibility_3"][3] == Decimal("-1.50")
