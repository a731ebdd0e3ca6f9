"""The three ways in which providers correct a closed month end in the same chargeback."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from orchestration.lib.close import close_month
from tests.dbt.bills import APRIL, MARCH
from tests.dbt.project import Project
from tests.support.feed import Feed
from tests.support.lines import Line, csv_bytes, focus

STYLES = ("delta", "ledger", "replacement")
# Two wrong things of March: a part of a resource's cost belongs to another one, and usage has come in late.
LATE = "250.2500000001"


def line(cost: str, list_cost: str, team: str, **columns: str | None) -> Line:
    return focus(
        BilledCost=cost,
        EffectiveCost=cost,
        ContractedCost=cost,
        ListCost=list_cost,
        Tags=f'{{"team":"{team}"}}',
        **{"ChargeClass": None, "ResourceId": "R-111"} | columns,
    )


def correction(cost: str, list_cost: str, team: str, **columns: str) -> Line:
    """A line of April for a charge of March."""
    april = {"BillingPeriodStart": "2025-04-01T00:00:00Z", "BillingPeriodEnd": "2025-05-01T00:00:00Z"}
    return line(cost, list_cost, team, **april, ChargeClass="Correction", **columns)


ORIGINAL = [line("1500", "2000", "search")]
RESTATED = [
    line("1200", "1600", "search"),
    line("300", "400", "checkout", ResourceId="R-222"),
    line(LATE, "300", "search"),
]
NEXT = [
    line("10", "12", "search")
    | {
        name: value.replace("2025-04", "2025-05").replace("2025-03", "2025-04")
        for name, value in focus().items()
        if "Period" in name
    }
]
CORRECTIONS = {
    "delta": [
        correction("-300", "-400", "search"),
        correction("300", "400", "checkout", ResourceId="R-222"),
        correction(LATE, "300", "search"),
    ],
    "ledger": [
        correction("-1500", "-2000", "search"),
        correction("1200", "1600", "search"),
        correction("300", "400", "checkout", ResourceId="R-222"),
        correction(LATE, "300", "search"),
    ],
}


def test_deltas_ledgers_and_replacements_are_one_truth(project: Project) -> None:
    feeds = {style: Feed(project.url, project.folder / style, name=style) for style in STYLES}
    project.configure(sources=[{"name": style, "format": "focus", "location": style} for style in STYLES])
    for feed in feeds.values():
        feed.deliver(f"{MARCH}/bill.csv", csv_bytes(*ORIGINAL))
        feed.deliver(f"{APRIL}/bill.csv", csv_bytes(*NEXT))
        feed.load()
    project.build()
    close_month(project.url, project.config, date(2025, 3, 1))

    for style, lines in CORRECTIONS.items():
        feeds[style].deliver(f"{APRIL}/bill.csv", csv_bytes(*NEXT, *lines))
    feeds["replacement"].deliver(f"{MARCH}/bill.csv", csv_bytes(*RESTATED))
    for feed in feeds.values():
        feed.load()
    project.build()

    rows = project.rows(
        "select source_name, billing_period::text, team, charge_category,"
        " sum(billed_cost), sum(effective_cost), sum(contracted_cost), sum(list_cost)"
        " from finops.chargeback_reports group by 1, 2, 3, 4 order by 1, 2, 3"
    )
    found = {style: [row[1:] for row in rows if row[0] == style] for style in STYLES}
    search = Decimal("-39.7499999999")
    assert found["delta"] == [
        ("2025-03-01", "Search", "Usage", *[Decimal(1500)] * 3, Decimal(2000)),
        ("2025-04-01", "Checkout", "Usage", *[Decimal(300)] * 3, Decimal(400)),
        ("2025-04-01", "Search", "Usage", *[search] * 3, Decimal(-88)),
    ]
    assert found["ledger"] == found["replacement"] == found["delta"]
    # Only what the provider restated itself is an adjustment of ours; its own corrections are charges of April.
    kinds = project.rows(
        "select source_name, cost_type, count(*) from finops.chargeback_reports where billing_period = '2025-04-01'"
        " group by 1, 2 order by 1, 2"
    )
    assert kinds == [
        ("delta", "direct", 2),
        ("ledger", "direct", 2),
        ("replacement", "adjustment", 2),
        ("replacement", "direct", 1),
    ]
