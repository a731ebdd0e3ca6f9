"""Savings, the reporting currency and budgets, from deliveries to marts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration.lib.currency_rates import require_rates
from orchestration.lib.errors import FinopsError
from tests.dbt.bills import MARCH, focus_lines
from tests.dbt.project import Project
from tests.support.lines import focus

D = Decimal
RATES = "date,from_currency,to_currency,rate\n2025-03-01,USD,EUR,0.9\n2025-03-03,USD,EUR,0.8123456789\n"


def reporting(folder: Path, rates: str = RATES, **settings: Any) -> dict[str, Any]:
    path = folder / "rates.csv"
    path.write_text(rates)
    return {"reporting": "EUR", "rates": {"location": str(path), **settings}}


def test_savings_are_of_every_charge_once(built: Project) -> None:
    found = built.rows(
        "select source_name, charge_category, known_prices, sum(effective_cost), sum(negotiated_savings), sum(commitment_savings)"
        " from finops.cost_savings where billing_period = '2025-03-01' group by 1, 2, 3 order by 1, 2, 3"
    )
    assert found == [
        # The recurring fee of 1 is prepaid; of it 0.4 covered nothing.
        ("aws", "Purchase", "list_and_contracted", D(0), D(0), D(0)),
        ("aws", "Tax", "list_and_contracted", D("0.33"), D(0), D(0)),
        # Usage of 3 that lists at 4, the negation of 1.25 at nothing, and the unused 0.4.
        ("aws", "Usage", "contracted", D("0.6"), None, D("0.65")),
        ("aws", "Usage", "list_and_contracted", D("3.4"), D(1), D("-0.4")),
        ("azure", "Tax", "list_and_contracted", D("-2.1"), D("0.75"), D("5.85")),
        ("azure", "Usage", "list", D("0.30000000003"), None, None),
        ("azure", "Usage", "list_and_contracted", D("3.75"), D("0.75"), D(0)),
    ]


def test_costs_are_reported_in_one_currency(project: Project, tmp_path: Path) -> None:
    euros = [line | {"BillingCurrency": "EUR"} for line in focus_lines(days=(2,), cost="0.123456789012345")]
    project.configure(currencies=reporting(tmp_path))
    project.deliver("azure", MARCH, focus_lines(days=(2, 3)) + euros)
    with psycopg.connect(project.url) as connection:
        require_rates(connection)
    project.build()
    found = project.rows(
        "select billing_currency, charge_date::text, exchange_rate, reference_rate, sum(effective_cost), sum(reporting_effective_cost)"
        " from finops.reporting_costs group by 1, 2, 3, 4 order by 1, 2"
    )
    last = D("0.8123456789")
    cost = (D("1.25"), D("0.10000000001"), D("-0.7"))
    assert found == [
        ("EUR", "2025-03-02", D(1), D(1), D("0.123456789012345") - D("0.59999999999"), D("-0.476543210977655")),
        ("USD", "2025-03-02", D("0.9"), last, sum(cost), sum(round(one * D("0.9"), 10) for one in cost)),
        ("USD", "2025-03-03", last, last, sum(cost), sum(round(one * last, 10) for one in cost)),
    ]
    effects = project.rows(
        "select billing_currency, sum(fx_effective_cost) from finops.fx_effects group by 1 order by 1"
    )
    first_day = sum(round(one * D("0.9"), 10) - round(one * last, 10) for one in cost)
    assert effects == [("EUR", D(0)), ("USD", first_day)]

    # A rate that was corrected is applied to all days that it holds on, and to no other.
    project.configure(
        currencies=reporting(tmp_path, RATES.replace("2025-03-01,USD,EUR,0.9", "2025-03-01,USD,EUR,0.95"))
    )
    project.build()
    assert project.rows(
        "select charge_date::text, sum(reporting_billed_cost) from finops.reporting_costs"
        " where billing_currency = 'USD' group by 1 order by 1"
    ) == [
        (day, sum(round(one * rate, 10) for one in (D("1.25"), D("0.1"), D("-0.7"))))
        for day, rate in (("2025-03-02", D("0.95")), ("2025-03-03", last))
    ]

    # Without a reporting currency there is nothing to report in it, and the costs are as they were.
    before = project.rows("select sum(effective_cost) from finops.daily_costs")
    project.configure()
    project.build()
    assert project.rows("select count(*) from finops.reporting_costs") == [(0,)]
    assert project.rows("select sum(effective_cost) from finops.daily_costs") == before


def test_a_currency_without_a_rate_is_named_before_anything_is_built(project: Project, tmp_path: Path) -> None:
    project.configure(currencies=reporting(tmp_path, RATES.replace("2025-03-01", "2025-03-02")))
    yen = focus(BillingCurrency="JPY", ChargePeriodStart="2025-03-04T05:00:00Z")
    project.deliver("azure", MARCH, [*focus_lines(days=(1, 2)), yen])
    with psycopg.connect(project.url) as connection, pytest.raises(FinopsError) as caught:
        require_rates(connection)
    assert "JPY to EUR: needed from 2025-03-04 on, by source azure" in str(caught.value)
    assert "USD to EUR: needed from 2025-03-01 on, by source azure" in str(caught.value)
    assert f"Add a rate of that day or an earlier one to {tmp_path / 'rates.csv'}" in str(caught.value)

    # A rate that comes before the charges of its currency, though after the first day of the month, is enough.
    project.configure(currencies=reporting(tmp_path, RATES + "2025-03-04,JPY,EUR,0.006\n"))
    with psycopg.connect(project.url) as connection:
        require_rates(connection)
    # An inverse serves only where it is declared.
    project.configure(currencies=reporting(tmp_path, RATES + "2025-03-01,EUR,JPY,160\n"))
    with psycopg.connect(project.url) as connection, pytest.raises(FinopsError, match="JPY to EUR"):
        require_rates(connection)
    project.configure(currencies=reporting(tmp_path, RATES + "2025-03-01,EUR,JPY,160\n", use_inverse=True))
    with psycopg.connect(project.url) as connection:
        require_rates(connection)
    project.build()
    assert project.rows("select distinct exchange_rate from finops.reporting_costs where billing_currency = 'JPY'") == [
        (D("0.00625"),)
    ]


def test_budgets_stand_beside_what_was_charged(project: Project, tmp_path: Path) -> None:
    project.deliver("azure", MARCH, focus_lines())
    owner = {"currency": "USD", "owner": "lead@halden.example"}
    project.configure(
        budgets=[
            {"team": "Search", "yearly": "120", "profile": [1, 1, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1], **owner},
            {"service_name": "Amazon Elastic Compute Cloud", "monthly": "2", **owner},
            {"team": "Checkout", "monthly": "5", "valid_to": "2025-03-01", **owner},
        ]
    )
    project.build()
    ((charged,),) = project.rows("select sum(effective_cost) from finops.chargeback_reports where team = 'Search'")
    rows = project.rows(
        "select scope_type, scope_name, budget_cost, charged_cost, variance_cost, billing_period::text"
        " from finops.chargeback_budgets order by 1"
    )
    assert rows == [
        ("service", "Amazon Elastic Compute Cloud", D(2), D("1.95000000003"), D("-0.04999999997"), "2025-03-01"),
        ("team", "Search", D(32), charged, charged - 32, "2025-03-01"),
    ]
