"""The gate: every expectation holds for good marts, and is named with a sample once a row breaks it."""

from __future__ import annotations

import subprocess
import sys
from datetime import date
from decimal import Decimal

import psycopg
import pytest

from orchestration.lib.errors import FinopsError
from orchestration.lib.gate import GateResult, gate_markdown, require_gate, run_gate
from orchestration.lib.gate_suites import SUITES
from tests.support import ai_gate_rows, anomaly_marts, commitment_marts, forecast_marts, leaving_marts
from tests.support.marts import Charge, make_marts, set_budgets, set_recommendations
from tests.support.savings import WINDOW, ranked, saving

OCTOBER, NOVEMBER = date(2026, 10, 3), date(2026, 11, 3)
CHARGES = [
    Charge("Search", "60.10", OCTOBER),
    Charge("Checkout", "40.00", OCTOBER),
    Charge("unallocated", "5.00", OCTOBER, cost_type="unallocated"),
    Charge("unallocated", "10.01", OCTOBER, cost_type="shared", allocation_rule="tax", charge_category="Tax"),
    Charge("Search", "61.10", NOVEMBER),
    Charge("Checkout", "7", NOVEMBER, currency="EUR", source_name="azure"),
]


@pytest.fixture
def marts(database: str) -> str:
    with psycopg.connect(database) as connection:
        make_marts(connection, CHARGES)
        set_budgets(connection, [("team", "Search", "USD", "50", "77.61"), ("service", "Compute", "EUR", "9", "7")])
        leaving_marts.make_leaving_marts(connection)
        ai_gate_rows.make_ai_gate_rows(connection)
        forecast_marts.make_forecast_marts(connection)
        anomaly_marts.make_anomaly_marts(connection)
        commitment_marts.make_commitment_marts(connection)
        set_recommendations(connection, ranked([saving("a"), saving("a", kind="batch"), saving("b")]), WINDOW)
    return database


def corrupt(database: str, statement: str) -> None:
    with psycopg.connect(database) as connection:
        assert connection.execute(statement).rowcount > 0


@pytest.mark.parametrize("mart", SUITES)
def test_good_marts_pass(marts: str, mart: str) -> None:
    result = run_gate(marts, mart)
    assert result.success, gate_markdown(result)
    assert [found.expectation for found in result.results] == [check.meaning for check in SUITES[mart].checks]
    assert "✗" not in gate_markdown(result)
    with psycopg.connect(marts) as connection:
        others = connection.execute(
            "select count(*) from pg_stat_activity where datname = current_database() and backend_type = 'client backend'"
        ).fetchone()
    assert others == (1,)


COST_RECORD = "update finops.cost_records set {} where team = 'Checkout' and billing_currency = 'USD'"
CHARGEBACK = "update finops.chargeback_reports set {} where team = 'Checkout' and billing_currency = 'USD'"
DIRECT = CHARGEBACK + " and cost_type = 'direct'"
SHARED = CHARGEBACK + " and cost_type = 'shared'"
BUDGET = "update finops.chargeback_budgets set {} where scope_type = 'team'"
ONE_RESOURCE = '[{"resource_id": "i-1", "monthly_cost": "79.99"}]'
RECOMMENDATION = "update finops.recommendations set {} where overall_rank = 1"
INVOICE = "update finops.invoice_reconciliation set {} where source_name = 'azure'"


@pytest.mark.parametrize(
    ("mart", "statement", "expectation", "shown"),
    [
        ("cost_records", "delete from finops.cost_records", "it has rows", ""),
        (
            "cost_records",
            "insert into finops.cost_records select * from finops.cost_records where team = 'Checkout'",
            "cost_record_id is unique",
            "2",
        ),
        ("cost_records", COST_RECORD.format("team = '  '"), "team is not blank", "aws"),
        (
            "cost_records",
            COST_RECORD.format("billing_currency = 'usd'"),
            "billing_currency is a code of three letters",
            "usd",
        ),
        (
            "cost_records",
            COST_RECORD.format("billing_period = '2026-10-02'"),
            "billing_period is the first day of a month",
            "2026-10-02",
        ),
        (
            "cost_records",
            COST_RECORD.format("charge_category = 'usage'"),
            "charge_category is one of Usage, Purchase, Tax, Credit, Adjustment",
            "usage",
        ),
        ("cost_records", COST_RECORD.format("cost_type = 'x'"), "cost_type is one of direct, shared, unallocated", "x"),
        (
            "cost_records",
            COST_RECORD.format("owner_source = 'guess'"),
            "owner_source is own_tag, allocated_tag, virtual_tag: with a rule, account or unallocated",
            "guess",
        ),
        (
            "cost_records",
            COST_RECORD.format("allocation_rule = 'tax'"),
            "shared charges alone name an allocation rule, and charges of no team alone are unallocated",
            "tax",
        ),
        (
            "cost_records",
            COST_RECORD.format("charge_date = '2062-10-03'"),
            "charge_date is at most a month after and five years before its billing period",
            "2062-10-03",
        ),
        (
            "cost_records",
            COST_RECORD.format("list_cost = list_cost + 0.0000000001"),
            "daily_costs, from which reports are made, has the same totals",
            "115.1100000001",
        ),
        (
            "chargeback_budgets",
            BUDGET.format("scope_type = 'x'"),
            "scope_type is one of team, cost_center, project, service, provider",
            "x",
        ),
        (
            "chargeback_budgets",
            BUDGET.format("billing_period = '2026-10-02'"),
            "billing_period is the first day of a month",
            "2026-10-02",
        ),
        (
            "chargeback_budgets",
            "insert into finops.chargeback_budgets select * from finops.chargeback_budgets where scope_type = 'team'",
            "billing_period, scope_type, scope_name, budget_currency together are unique",
            "Search",
        ),
        (
            "chargeback_budgets",
            BUDGET.format("variance_cost = 0"),
            "variance_cost is what was charged above the budget",
            "77.61",
        ),
        ("chargeback_reports", "delete from finops.chargeback_reports", "it has rows", ""),
        ("chargeback_reports", CHARGEBACK.format("chargeback_id = 'same'"), "chargeback_id is unique", "same"),
        ("chargeback_reports", DIRECT.format("team = ''"), "team is not blank", "aws"),
        (
            "chargeback_reports",
            DIRECT.format("billing_currency = '$'"),
            "billing_currency is a code of three letters",
            "$",
        ),
        (
            "chargeback_reports",
            DIRECT.format("billing_period = '2026-10-31'"),
            "billing_period is the first day of a month",
            "2026-10-31",
        ),
        (
            "chargeback_reports",
            DIRECT.format("charge_category = 'Other'"),
            "charge_category is one of Usage, Purchase, Tax, Credit, Adjustment",
            "Other",
        ),
        (
            "chargeback_reports",
            DIRECT.format("cost_type = 'x'"),
            "cost_type is one of direct, shared, unallocated, adjustment",
            "x",
        ),
        (
            "chargeback_reports",
            DIRECT.format("cost_type = 'adjustment'"),
            "adjustments alone name a closed month, and it is before their own",
            "adjustment",
        ),
        ("chargeback_reports", SHARED.format("allocation_share = 1.2"), "allocation_share is between 0 and 1", "1.2"),
        (
            "chargeback_reports",
            SHARED.format("allocation_rule = null"),
            "what comes from a pool names its rule and share, and nothing else does",
            "shared",
        ),
        (
            "chargeback_reports",
            SHARED.format("allocation_share = allocation_share - 0.0000000001"),
            "the shares of a pool add up to 1",
            "0.9999999999",
        ),
        (
            "chargeback_reports",
            DIRECT.format("contracted_cost = contracted_cost + 0.0000000001"),
            "each source, month and currency is charged back to the last digit",
            "115.1100000001",
        ),
        (
            "chargeback_reports",
            "delete from finops.chargeback_reports where billing_currency = 'EUR'",
            "each source, month and currency is charged back to the last digit",
            "EUR",
        ),
        ("invoice_reconciliation", "delete from finops.invoice_reconciliation", "it has rows", ""),
        (
            "invoice_reconciliation",
            "insert into finops.invoice_reconciliation select * from finops.invoice_reconciliation",
            "source_name, billing_period, billing_account_id, invoice_issuer_name, invoice_id, billing_currency"
            " together are unique",
            "INV-1",
        ),
        (
            "invoice_reconciliation",
            INVOICE.format("billing_currency = 'EURO'"),
            "billing_currency is a code of three letters",
            "EURO",
        ),
        (
            "invoice_reconciliation",
            INVOICE.format("billing_period = '2026-11-02'"),
            "billing_period is the first day of a month",
            "2026-11-02",
        ),
        (
            "invoice_reconciliation",
            INVOICE.format("status = 'ok'"),
            "status is one of reconciled, difference, no_invoice",
            "ok",
        ),
        (
            "invoice_reconciliation",
            INVOICE.format("reported_cost = 8"),
            "what is reported equals what was delivered",
            "8",
        ),
        (
            "invoice_reconciliation",
            INVOICE.format("status = 'reconciled'"),
            "status no_invoice stands where no invoice was entered, and only there",
            "reconciled",
        ),
        (
            "invoice_reconciliation",
            INVOICE.format("delivered_cost = 8, reported_cost = 8"),
            "each source, month and currency is listed in full",
            "azure",
        ),
        *leaving_marts.BROKEN,
        *ai_gate_rows.BROKEN,
        *forecast_marts.BROKEN,
        *anomaly_marts.BROKEN,
        *commitment_marts.BROKEN,
        (
            "recommendations",
            "insert into finops.recommendations select * from finops.recommendations where overall_rank = 1",
            "recommendation_id is unique",
            "2",
        ),
        ("recommendations", RECOMMENDATION.format("effort = 'none'"), "effort is one of low, medium, high", "none"),
        ("recommendations", RECOMMENDATION.format("risk = 'none'"), "risk is one of low, medium, high", "none"),
        (
            "recommendations",
            RECOMMENDATION.format("confidence = 'sure'"),
            "confidence is one of low, medium, high",
            "sure",
        ),
        (
            "recommendations",
            RECOMMENDATION.format("monthly_saving = 100.0000000001, monthly_saving_high = 100.0000000001"),
            "the band holds the saving, and the saving is at most the cost",
            "100.0000000001",
        ),
        (
            "recommendations",
            "update finops.recommendations set is_counted = true where group_rank = 2",
            "one recommendation of an exclusive group counts at most, as its first, and its ranks go from 1 without a gap",
            "a",
        ),
        (
            "recommendations",
            RECOMMENDATION.format("state = 'done'"),
            "what counts is a saving of ours that is open, and no more than the saving",
            "done",
        ),
        (
            "recommendations",
            RECOMMENDATION.format("origin = 'aws_compute_optimizer'"),
            "what counts is a saving of ours that is open, and no more than the saving",
            "aws_compute_optimizer",
        ),
        (
            "recommendations",
            RECOMMENDATION.format("counted_saving = monthly_saving + 0.01"),
            "what counts is a saving of ours that is open, and no more than the saving",
            "40.01",
        ),
        (
            "recommendations",
            f"update finops.recommendations set acts_on = '{ONE_RESOURCE}' where is_counted",
            "of what counts only a commitment acts on a resource that another acts on",
            "i-1",
        ),
        (
            "recommendations",
            f"update finops.recommendations set kind = 'commitment', acts_on = '{ONE_RESOURCE}' where is_counted",
            "all that counts on the same resources saves no more than they cost",
            "79.99",
        ),
        (
            "recommendations",
            RECOMMENDATION.format("kind = 'commitment', currency = 'EUR'"),
            "all that counts on what is billed saves no more than is billed",
            "EUR",
        ),
        (
            "recommendations",
            RECOMMENDATION.format("run_id = 'another'"),
            "all are of one run, and ranked from 1 without a gap",
            "2",
        ),
    ],
)
def test_a_broken_row_is_named(marts: str, mart: str, statement: str, expectation: str, shown: str) -> None:
    corrupt(marts, statement)
    result = run_gate(marts, mart)
    assert not result.success
    (found,) = [failure for failure in result.failures if failure.expectation == expectation]
    assert shown in str(found.sample)
    assert expectation.replace("_", "\\_") in gate_markdown(result)


EMPTY = {
    "cost_records": [
        *("cost_record_id", "source_name", "billing_period", "charge_date", "billing_currency", "charge_category"),
        *("team", "owner_source", "cost_type", "billed_cost", "effective_cost"),
    ],
    "chargeback_reports": [
        *("chargeback_id", "source_name", "billing_period", "billing_currency", "charge_category"),
        *("team", "cost_type", "billed_cost", "effective_cost"),
    ],
    "chargeback_budgets": [
        *("billing_period", "scope_type", "scope_name", "owner", "budget_currency"),
        *("budget_cost", "charged_cost", "variance_cost"),
    ],
    "recommendations": [
        *("recommendation_id", "kind", "provider", "current", "proposed", "change", "reason", "exclusive_group"),
        *("risk_reason", "confidence_reason", "evidence", "as_of", "run_id", "currency", "origin", "state"),
    ],
    "invoice_reconciliation": [
        *("source_name", "billing_period", "billing_currency", "delivered_cost", "reported_cost", "status"),
    ],
    **leaving_marts.EMPTY,
    **ai_gate_rows.EMPTY,
    **forecast_marts.EMPTY,
    **anomaly_marts.EMPTY,
    **commitment_marts.EMPTY,
}


@pytest.mark.parametrize("mart", SUITES)
def test_an_empty_value_is_named(marts: str, mart: str) -> None:
    columns = EMPTY[mart]
    corrupt(marts, f"update finops.{mart} set {', '.join(f'{column} = null' for column in columns)}")
    result = run_gate(marts, mart)
    failed = {failure.column: failure for failure in result.failures}
    for column in columns:
        assert failed[column].expectation == f"{column} is never empty"
        assert failed[column].unexpected_count > 0
        assert failed[column].sample[0][column] == ""


def test_each_expectation_is_seen_to_fail() -> None:
    """A suite that grows without a broken row above would be a gate that nobody has seen closed."""
    (parameters,) = [mark for mark in test_a_broken_row_is_named.pytestmark if mark.name == "parametrize"]  # type: ignore[attr-defined]
    broken = {(case[0], case[2]) for case in parameters.args[1]}
    broken |= {(mart, f"{column} is never empty") for mart, columns in EMPTY.items() for column in columns}
    assert broken == {(mart, check.meaning) for mart, suite in SUITES.items() for check in suite.checks}


def test_the_sample_names_the_row_and_is_cut(marts: str) -> None:
    with psycopg.connect(marts) as connection:
        connection.execute(
            """
            insert into finops.cost_records
            select r.* from finops.cost_records as r, generate_series(1, 200)
            where r.team = 'Checkout' and r.source_name = 'aws'
            """
        )
        connection.execute("update finops.cost_records set charge_category = 'a|b <script>' where team = 'Checkout'")
        key = connection.execute(
            "select cost_record_id from finops.cost_records where source_name = 'azure'"
        ).fetchone()
    result = run_gate(marts, "cost_records")
    (found,) = [failure for failure in result.failures if failure.column == "charge_category"]
    assert (found.unexpected_count, found.observed) == (202, "202 values of 206")
    assert len(found.sample) == 5
    assert set(found.sample[0]) == {"cost_record_id", "source_name", "billing_period", "charge_category"}
    assert key is not None
    markdown = gate_markdown(result)
    assert "a\\|b \\<script\\>" in markdown
    assert result.failures[0].expectation == "cost_record_id is unique"


def test_only_what_was_delivered_is_looked_at(marts: str) -> None:
    corrupt(
        marts, "update finops.cost_records set cost_type = 'x', billed_cost = 1 where billing_period = '2026-10-01'"
    )
    assert not run_gate(marts, "cost_records", periods=[date(2026, 10, 1)]).success
    assert run_gate(marts, "cost_records", periods=[date(2026, 11, 1)]).success
    assert run_gate(marts, "chargeback_reports", periods=[date(2026, 11, 1)]).success


def test_a_shut_gate_lets_no_month_out_but_other_months(marts: str) -> None:
    corrupt(marts, "update finops.focus_cost_and_usage set effective_cost = 1 where x_billing_period = '2026-10-01'")
    require_gate(marts, "focus_cost_and_usage", periods=[date(2026, 11, 1)])
    with pytest.raises(FinopsError, match=r"each source, month, account and currency has the costs .* \(1 row\)"):
        require_gate(marts, "focus_cost_and_usage", periods=[date(2026, 10, 1)])


def test_a_column_that_is_gone_fails_its_expectations(marts: str) -> None:
    with psycopg.connect(marts) as connection:
        connection.execute("alter table finops.cost_records rename column owner_source to owner_origin")
    result = run_gate(marts, "cost_records")
    assert {failure.column for failure in result.failures} == {"owner_source"}
    assert "owner\\_source" in gate_markdown(result)
    assert result.failures[0].observed.startswith("cannot be checked: ")


def test_what_cannot_be_looked_at_is_said(marts: str, database: str) -> None:
    with pytest.raises(FinopsError, match="no gate for 'budgets'"):
        run_gate(marts, "budgets")
    with psycopg.connect(marts) as connection:
        connection.execute("drop table finops.cost_records")
    with pytest.raises(FinopsError, match=r"finops\.cost_records"):
        run_gate(marts, "cost_records")
    with pytest.raises(FinopsError, match=r"finops\.cost_records"):
        run_gate(f"{database}_absent", "cost_records")


def test_a_password_with_a_dollar_sign_works(marts: str) -> None:
    from urllib.parse import urlsplit

    with psycopg.connect(marts) as connection:
        connection.execute("create role gate_reader login password 'a$b${c}/@d'")
        connection.execute("grant usage on schema finops to gate_reader")
        connection.execute("grant select on all tables in schema finops to gate_reader")
    try:
        parts = urlsplit(marts)
        place = parts.netloc.rpartition("@")[2]
        assert run_gate(
            parts._replace(netloc=f"gate_reader:a$b$%7Bc%7D%2F%40d@{place}").geturl(), "chargeback_reports"
        ).success
    finally:
        with psycopg.connect(marts) as connection:
            connection.execute("drop owned by gate_reader")
            connection.execute("drop role gate_reader")


def test_joins_name_the_mart_themselves() -> None:
    """Without a name, PostgreSQL 15 refuses the query; Great Expectations adds one where nothing is joined."""
    queries = [
        check.arguments["query"] for suite in SUITES.values() for check in suite.checks if "query" in check.arguments
    ]
    assert len(queries) > 5
    for query in queries:
        named = "{batch} as batch" in query
        assert named == (" join " in query), query


def test_importing_the_gate_imports_nothing_heavy() -> None:
    code = (
        "import sys, orchestration.lib.gate; print({'great_expectations', 'pandas', 'sqlalchemy'} & set(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout == "set()\n"


def test_amounts_are_exact(marts: str) -> None:
    """A difference below what a float can hold of such a sum is found."""
    corrupt(
        marts, "update finops.chargeback_reports set billed_cost = billed_cost + 1e15 where chargeback_id = 'own-0'"
    )
    corrupt(
        marts,
        "update finops.cost_records set billed_cost = billed_cost + 1e15 where team = 'Search' and source_name = 'aws'"
        " and billing_period = '2026-10-01'",
    )
    corrupt(
        marts,
        "update finops.daily_costs set billed_cost = billed_cost + 1e15 where team = 'Search' and source_name = 'aws'"
        " and billing_period = '2026-10-01'",
    )
    assert run_gate(marts, "chargeback_reports").success
    corrupt(
        marts,
        "update finops.daily_costs set billed_cost = billed_cost + 1e-10 where team = 'Search' and source_name = 'aws'"
        " and billing_period = '2026-10-01'",
    )
    result: GateResult = run_gate(marts, "chargeback_reports")
    assert str(Decimal("1000000000000115.1100000001")) in str(result.failures[0].sample)
