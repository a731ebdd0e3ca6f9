"""The chargeback report from marts: its numbers, its files, and the months that are not like others."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import psycopg
import pytest

from reports.assembly import read_report
from reports.chargeback import ReportFiles, write_chargeback_report
from reports.forecast import EndLine
from reports.page import render
from reports.statement import Report, Statement
from reports.words import brief, notes
from tests.support.marts import Charge, make_marts, set_budgets, set_recommendations, set_section
from tests.support.savings import WINDOW, ranked, saving

SEPTEMBER, OCTOBER = date(2026, 9, 30), date(2026, 10, 31)
PERIOD = date(2026, 10, 1)
CHARGES = [
    Charge("Search", "60", SEPTEMBER),
    Charge("Checkout", "40", SEPTEMBER),
    Charge("Search", "70.004", OCTOBER, billed="100"),
    Charge("Search", "10", OCTOBER, service_name="Storage"),
    Charge("Checkout", "20.001", OCTOBER),
    Charge("unallocated", "5", OCTOBER, cost_type="unallocated", sub_account_id="007", sub_account_name="sandbox"),
    Charge("unallocated", "3", OCTOBER, cost_type="unallocated", sub_account_id="008", sub_account_name=None),
    Charge("unallocated", "12", OCTOBER, cost_type="shared", allocation_rule="tax", charge_category="Tax"),
    Charge("Checkout", "1000", OCTOBER, currency="EUR", source_name="azure"),
]
RULES = {
    "rules": [
        {"name": "tax", "match": {"charge_categories": ["Tax"]}, "method": "proportional", "measure": "effective_cost"}
    ]
}


D = Decimal


def prepare(connection: psycopg.Connection[Any], charges: Iterable[Charge], basis: str = "effective_cost") -> None:
    make_marts(connection, charges)
    set_section(connection, "organization", {"name": "Example & Söhne", "first_billing_period": "2026-01"})
    set_section(connection, "reports", {"cost_basis": basis, "top_services": 2})
    set_section(connection, "cost_allocation", RULES)
    connection.commit()


def report_of(database: str, charges: Iterable[Charge], basis: str = "effective_cost", period: date = PERIOD) -> Report:
    with psycopg.connect(database) as connection:
        prepare(connection, charges, basis)
        return read_report(connection, period)


def statement_of(report: Report, currency: str) -> Statement:
    (found,) = [statement for statement in report.statements if statement.currency == currency]
    return found


def rows_of(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))


def test_each_team_pays_its_charges_and_its_part_of_the_pools(database: str) -> None:
    report = report_of(database, CHARGES)
    assert (report.organization, report.basis, report.complete) == ("Example & Söhne", "effective_cost", True)
    statement = statement_of(report, "USD")
    assert [(line.team, line.direct, line.previous) for line in statement.teams] == [
        ("Search", D("80.004"), D(60)),
        ("Checkout", D("20.001"), D(40)),
    ]
    assert sum(line.shared for line in statement.teams) == 12
    assert statement.unallocated_cost == 8
    assert (statement.total, statement.previous_total, statement.change) == (D("120.005"), D(100), D("20.005"))
    assert statement.billed == D("150.001")
    assert (statement.direct_total, statement.shared_total) == (D("108.005"), D(12))
    assert statement.agrees
    assert [(pool.rule, pool.cost, pool.left_over, pool.teams) for pool in statement.pools] == [("tax", D(12), D(0), 2)]


def test_currencies_are_never_added(database: str) -> None:
    report = report_of(database, CHARGES)
    assert [statement.currency for statement in report.statements] == ["USD", "EUR"]
    euro = statement_of(report, "EUR")
    assert (euro.total, euro.previous_total, euro.change) == (D(1000), None, None)
    assert euro.unallocated is None
    assert "Currencies are never added together: each has a part of its own." in notes(report)


def test_budgets_stand_beside_what_was_charged(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        set_budgets(
            connection, [("team", "Search", "USD", "100", "90.004"), ("team", "Checkout", "USD", "20", "30.001")]
        )
        set_budgets(connection, [("service", "Compute", "EUR", "0", "7")], counted="EUR, USD")
        set_budgets(connection, [("project", "shop", "EUR", "7", "7")], left_out="USD")
        set_budgets(connection, [("team", "Search", "USD", "1", "1")], date(2026, 9, 1))
        connection.commit()
        files = write_chargeback_report(connection, PERIOD, tmp_path)
    page = files.html.read_text()
    table = page[page.index('<table class="budgets">') :]
    rows = [
        [
            " ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split())
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)
        ]
        for row in re.findall(r"<tr>(.*?)</tr>", table[: table.index("</table>")], re.DOTALL)
    ]
    assert rows[1:] == [
        ["Search", "team", "USD", "100.00", "90.00", "\N{MINUS SIGN}10.00", "90.0%", ""],
        ["Checkout", "team", "USD", "20.00", "30.00", "+10.00", "150.0%", ""],
        ["shop", "project", "EUR without USD", "7.00", "7.00", "0.00", "100.0%", ""],
        ["Compute", "service", "EUR with USD converted", "0.00", "7.00", "+7.00", "\N{EN DASH}", ""],
    ]


def test_what_to_change_first_is_what_counts_and_saves_most(database: str, tmp_path: Path) -> None:
    """Twelve groups, one of them with two ways to save: the ten that save most are named, the others are in the total, nothing twice."""
    found = [saving(f"key {number}", str(50 + number)) for number in range(12)]
    found.append(saving("key 11", "3", kind="batch", proposed="the batch tier"))
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        set_recommendations(connection, ranked([*found, saving("idle", "0", kind="idle_key")]), WINDOW)
        connection.commit()
        files = write_chargeback_report(connection, PERIOD, tmp_path)
        savings = read_report(connection, PERIOD).savings
        earlier = read_report(connection, date(2026, 9, 1)).savings
    assert [line.saving for line in savings.lines] == [D(61 - number) for number in range(10)]
    (total,) = savings.totals
    assert (total.others, total.other_saving, total.saving) == (2, D(101), D(sum(range(50, 62))))
    assert (total.low, total.high) == (D("333"), D("666"))
    assert (total.currency, savings.as_of) == ("USD", WINDOW.last)
    assert earlier.lines == ()
    page = files.html.read_text()
    section = page[page.index("What to change first") :]
    assert "up to 28 October 2026" in section
    assert "Send key 11 to gpt-small." in section
    assert 'data-savings="666"' in section
    assert "High confidence: Prices are known." in section
    assert "30.50 to 61.00" in section
    assert "the batch tier" not in page


def test_promises_are_shown_beside_what_the_bill_says(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        set_recommendations(connection, ranked([saving("key", "50")]), WINDOW)
        connection.execute(
            "insert into finops.savings_calibration values ('right_sizing', 'USD', 4, 3, 200, 170.5, 0.8525)"
        )
        connection.commit()
        page = write_chargeback_report(connection, PERIOD, tmp_path).html.read_text()
    table = page[page.index("What came of changes that are done") :]
    cells = [
        " ".join(unescape(re.sub(r"<[^>]+>", " ", cell)).split())
        for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", table[table.index("<tbody>") : table.index("</tbody>")])
    ]
    assert cells == ["Right sizing", "4", "3", "200.00 USD", "170.50", "85.3%"]


def test_without_recommendations_there_is_no_such_section(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        files = write_chargeback_report(connection, PERIOD, tmp_path)
    assert "What to change first" not in files.html.read_text()


def test_a_month_in_progress_shows_where_it_ends(database: str, tmp_path: Path) -> None:
    """Teams and the total with their bands, and the days of each currency; a month to come shows nothing, one that is over neither."""
    day = date(2026, 10, 10)
    with psycopg.connect(database) as connection:
        prepare(connection, [Charge("Search", "7", day), Charge("Checkout <b>", "3", day), *CHARGES])
        set_budgets(connection, [("team", "Search", "USD", "100", "7"), ("provider", "AWS", "USD", "9", "9")])
        connection.execute(
            """
            insert into finops.forecast_periods
                (dimension, dimension_value, billing_currency, period_kind, actual_cost, total_cost, lower_80, upper_80,
                 period_start, period_end, trained_to)
            select series.*, month, month + interval '1 month' - interval '1 day', '2026-10-20'
            from (values
                ('total', 'all', 'USD', 'month', 10, 130.25, 120, 140.5),
                ('team', 'Search', 'USD', 'month', 7, 90.25, 80, 99),
                ('team', 'Checkout <b>', 'USD', 'month', 3, 40, 30, 50),
                ('team', 'Gone', 'USD', 'month', 0, 0, 0, 0)
            ) as series, unnest(array['2026-10-01', '2026-11-01']::date[]) as months (month)
            """
        )
        connection.execute(
            """
            insert into finops.forecast_scores values
                ('total', 'all', 'USD', 'median', 0.0525, true), ('total', 'all', 'USD', 'naive', 0.9, false)
            """
        )
        connection.execute(
            """
            insert into finops.forecasts values
                ('total', 'all', 'USD', 11, 10, 12, '2026-10-31', '2026-10-20'),
                ('total', 'all', 'USD', 11, 10, 12, '2026-11-01', '2026-10-20')
            """
        )
        connection.execute(
            """
            insert into finops.budget_tracking
                (scope_type, scope_name, budget_currency, period_kind, period_start, expected_cost, overrun_probability, is_ended)
            values ('team', 'Search', 'USD', 'month', '2026-10-01', 90.25, 0.125, false),
                ('team', 'Search', 'USD', 'quarter', '2026-10-01', 900, 1, false)
            """
        )
        connection.commit()
        report = read_report(connection, PERIOD)
        others = [read_report(connection, period).ends for period in (date(2026, 9, 1), date(2026, 11, 1))]
        page = write_chargeback_report(connection, PERIOD, tmp_path).html.read_text()
    (end,) = report.ends
    assert end.total == EndLine("all", D(10), D("130.25"), D(120), D("140.5"), D("0.0525"))
    assert [(line.name, line.expected, line.error) for line in end.teams] == [
        ("Search", D("90.25"), None),
        ("Checkout <b>", D(40), None),
    ]
    assert [(one.day, one.cost) for one in end.actual] == [(day, D(10))]
    assert [(one.day, one.cost, one.low, one.high) for one in end.expected] == [(OCTOBER, D(11), D(10), D(12))]
    assert others == [(), ()]
    assert [(line.kind, line.expected, line.overrun) for line in report.budgets] == [
        ("team", D("90.25"), D("0.125")),
        ("provider", None, None),
    ]
    section = page[page.index("Where the month ends") :]
    assert 'data-expected="130.25"' in section
    assert "120.00 to 140.50" in section
    assert "5.3%" in section
    assert "12.5% to pass it" in section
    assert "Checkout &lt;b&gt;" in section
    assert 'id="figure-end-1"' in section


def test_what_was_unusual_is_told_gravest_first(database: str, tmp_path: Path) -> None:
    """Incidents that overlap the month, but for those that a person has judged; of one that began before, both sums."""
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        connection.execute(
            """
            insert into finops.anomalies
                (anomaly_id, dimension, dimension_value, billing_currency, severity, feedback, team, drivers, impact_cost,
                 started_on, ended_on, last_seen_on)
            values
                ('a', 'service', 'Large', 'USD', 'low', null, 'Search', '[]', 900, '2026-10-05', null, '2026-10-06'),
                ('b', 'account_service', '1 / <i>S3', 'USD', 'high', 'acknowledged', null,
                 '[{"level": "usage_type", "value": "<u>Put", "change": "31.5"},
                   {"level": "resource", "value": "other", "change": "-1.5"}]',
                 30, '2026-09-30', '2026-10-01', '2026-10-01'),
                ('c', 'team', 'Expected', 'USD', 'high', 'expected', null, '[]', 99, '2026-10-05', null, '2026-10-06'),
                ('d', 'team', 'False', 'USD', 'high', 'false', null, '[]', 99, '2026-10-05', null, '2026-10-06'),
                ('e', 'team', 'Before', 'USD', 'high', null, null, '[]', 99, '2026-09-05', '2026-09-30', '2026-09-30'),
                ('f', 'team', 'After', 'USD', 'high', null, null, '[]', 99, '2026-11-01', null, '2026-11-01')
            """
        )
        connection.execute(
            """
            insert into finops.anomaly_days values
                ('b', 5, 25, 20, '2026-09-30'), ('b', 6, 16, 10, '2026-10-01'), ('a', 1, 2, 1, '2026-10-05')
            """
        )
        connection.commit()
        unusual = read_report(connection, PERIOD).unusual
        first = write_chargeback_report(connection, PERIOD, tmp_path).html.read_bytes()
        assert write_chargeback_report(connection, PERIOD, tmp_path).html.read_bytes() == first
    assert [(line.name, line.impact, line.month_impact) for line in unusual.incidents] == [
        ("1 / <i>S3", D(30), D(10)),
        ("Large", D(900), D(1)),
    ]
    assert [(one.day, one.expected, one.actual) for one in unusual.days] == [
        (SEPTEMBER, D(5), D(25)),
        (date(2026, 10, 1), D(6), D(16)),
    ]
    page = first.decode()
    section = page[page.index("What was unusual") :]
    assert "1 / &lt;i&gt;S3" in section
    assert "+31.50 usage type &lt;u&gt;Put" in section
    assert "+10.00 in this month" in section
    assert 'id="figure-unusual"' in section
    assert "<i>S3" not in page


def test_without_forecasts_and_incidents_there_are_no_such_sections(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        page = write_chargeback_report(connection, PERIOD, tmp_path).html.read_text()
    assert "Where the month ends" not in page
    assert "What was unusual" not in page


def test_services_and_changes_are_those_of_the_charges(database: str) -> None:
    statement = statement_of(report_of(database, CHARGES), "USD")
    assert [(line.name, line.cost, line.previous) for line in statement.services] == [
        ("Compute", D("110.005"), D(100)),
        ("Storage", D(10), D(0)),
    ]
    assert statement.other_services is None
    assert [(line.team, line.name, line.change) for line in statement.changes] == [
        ("Checkout", "Compute", D("-19.999")),
        ("Search", "Compute", D("10.004")),
        ("Search", "Storage", D(10)),
    ]


def test_the_unallocated_is_traced_to_its_accounts(database: str) -> None:
    statement = statement_of(report_of(database, CHARGES), "USD")
    assert [(line.account_id, line.name, line.services, line.cost) for line in statement.accounts] == [
        ("007", "sandbox", ("Compute",), D(5)),
        ("008", "", ("Compute",), D(3)),
    ]


def test_the_cost_basis_is_the_configured_one(database: str) -> None:
    report = report_of(database, CHARGES, basis="billed_cost")
    statement = statement_of(report, "USD")
    assert statement.total == statement.billed == D("150.001")
    assert "The billed cost is USD 150.00: USD 50.00 (50.0%) more than in September 2026." in brief(statement, report)


def test_an_open_month_is_said_to_be_open_and_compared_with_nothing(database: str) -> None:
    charges = [Charge("Search", "60", SEPTEMBER), Charge("Search", "30", date(2026, 10, 19))]
    report = report_of(database, charges)
    statement = statement_of(report, "USD")
    assert not report.complete
    assert (statement.previous_total, statement.change, statement.changes) == (D(60), None, ())
    assert statement.teams[0].change is None
    assert "charges are delivered for aws up to 19 October 2026, and nothing later" in notes(report)[0]


def test_a_month_is_complete_once_a_later_one_is_delivered(database: str) -> None:
    charges = [Charge("Search", "30", date(2026, 10, 19)), Charge("Search", "1", date(2026, 11, 1))]
    assert report_of(database, charges).complete


def test_a_difference_on_the_way_is_shown(database: str) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        connection.execute(
            "update finops.chargeback_reports set billed_cost = billed_cost - 1 where team = 'unallocated'"
        )
        report = read_report(connection, PERIOD)
        connection.rollback()
    statement = statement_of(report, "USD")
    assert not statement.agrees
    assert [(line.source, line.difference, line.agrees) for line in statement.sources] == [("aws", D(2), False)]
    assert any("is not charged back in full" in sentence for sentence in brief(statement, report))


def test_invoices_agree_to_the_cent(database: str) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        connection.execute(
            """
            update finops.invoice_reconciliation
            set invoiced_cost = 150.00, difference_cost = delivered_cost - 150.00, status = 'difference'
            where billing_period = '2026-10-01' and billing_currency = 'USD';
            update finops.invoice_reconciliation
            set invoiced_cost = 2000, difference_cost = 500, status = 'difference' where billing_currency = 'EUR'
            """
        )
        report = read_report(connection, PERIOD)
        connection.rollback()
    (dollars,), (euros,) = (statement.invoices for statement in report.statements)
    assert (dollars.agrees, dollars.spans) == (True, False)
    assert (euros.agrees, euros.spans) == (False, True)
    assert any("covers other months or sources too" in note for note in notes(report))


# September was closed. A charge of it that came later is paid in October, and shows in September where it is of.
CLOSED_SEPTEMBER = """
insert into finops.closed_periods values (7, '2026-09-01', '2026-10-04 23:30:00-05', 'Ana', 2, 'abcdef0123456789');
insert into finops.daily_costs (
    source_name, billing_account_id, sub_account_id, charge_category, service_name, team, cost_type, billing_currency, line_count,
    billed_cost, effective_cost, contracted_cost, list_cost, billing_period, delivery_period, charge_date
)
select source_name, billing_account_id, sub_account_id, charge_category, service_name, team, cost_type, billing_currency, 1,
    2.5, 2.5, 2.5, 2.5, billing_period, delivery_period, charge_date
from finops.daily_costs where team = 'Search' and billing_period = '2026-09-01';
update finops.invoice_reconciliation set delivered_cost = delivered_cost + 2.5 where billing_period = '2026-09-01';
insert into finops.chargeback_reports (
    chargeback_id, source_name, billing_account_id, sub_account_id, charge_category, team, cost_center, cost_type, billing_currency,
    billed_cost, effective_cost, contracted_cost, list_cost, billing_period, adjusts_billing_period, adjusts_close_id
)
select 'adjustment', source_name, billing_account_id, sub_account_id, charge_category, team, cost_center, 'adjustment', billing_currency,
    2.5, 2.5, 2.5, 2.5, '2026-10-01', billing_period, 7
from finops.chargeback_reports where team = 'Search' and billing_period = '2026-09-01';
"""


def test_adjustments_of_closed_months_are_lines_of_their_own(database: str) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        connection.execute(CLOSED_SEPTEMBER)
        report = read_report(connection, PERIOD)
        connection.rollback()
    statement = statement_of(report, "USD")
    assert report.closed is None
    assert [(line.period, line.team, line.close_hash, line.cost) for line in statement.adjustments] == [
        (date(2026, 9, 1), "Search", "abcdef0123456789", D("2.5"))
    ]
    search = statement.teams[0]
    assert (search.direct, search.adjusted, search.total) == (D("80.004"), D("2.5"), D("82.504") + search.shared)
    assert (statement.total, statement.own_total, statement.adjusted_total) == (D("122.505"), D("120.005"), D("2.5"))
    assert sum(line.direct + line.shared + line.adjusted for line in statement.lines) == statement.total
    assert (statement.direct_total, statement.shared_total) == (D("108.005"), D(12))
    # The bill of the month is that of the month alone.
    assert statement.billed == D("150.001")
    assert statement.agrees
    page = render(report, [])
    assert "USD +2.50 of it is for changes in September 2026, closed before they came in." in page
    assert '<td class="code">abcdef012345</td>' in page
    assert 'data-adjustments="2.5"' in page
    assert [(pool.rule, pool.cost) for pool in statement.pools] == [("tax", D(12))]


def test_a_closed_month_shows_what_was_signed_and_what_came_later(database: str) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        connection.execute(CLOSED_SEPTEMBER)
        report = read_report(connection, date(2026, 9, 1))
        connection.rollback()
    statement = statement_of(report, "USD")
    assert report.complete
    assert (statement.total, statement.adjustments) == (D(100), ())
    assert [(line.delivered, line.charged, line.charged_later) for line in statement.sources] == [
        (D("102.5"), D("102.5"), D("2.5"))
    ]
    assert statement.agrees
    page = unescape(render(report, []))
    assert '<span class="state closed">Closed</span> Signed on 5 October 2026, as <code>abcdef012345</code>.' in page
    assert "The month was closed by Ana, and stays as it was signed" in page
    assert "+2.50 of the billed cost came in after the month was closed" in page


def test_a_mark_up_is_paid_on_top_and_showback_says_so(database: str) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        set_section(connection, "chargeback", {"mode": "showback", "markups": []})
        connection.execute("update finops.chargeback_reports set effective_markup = 0.0000000001 where team = 'Search'")
        report = read_report(connection, PERIOD)
        connection.rollback()
    statement = statement_of(report, "USD")
    assert statement.total == D("120.005")
    assert statement.markup_total == D("0.0000000002")
    assert statement.teams[0].to_pay == statement.teams[0].total + D("0.0000000002")
    page = render(report, [])
    assert "<h1>Showback report" in page
    assert "Showback: teams are shown what they cost, and nothing is charged to them." in page
    assert '<th scope="col" class="num">To pay</th>' in page
    assert "<h3>Adjustments" not in page


def test_what_is_not_known_is_noted(database: str) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES, basis="list_cost")
        connection.execute("update finops.chargeback_reports set list_cost = null where team = 'Checkout'")
        connection.execute("update finops.daily_costs set delivery_period = '2026-11-01' where team = 'Search'")
        found = notes(read_report(connection, PERIOD))
        connection.rollback()
    assert "USD: the list cost of 2 rows is not known and counts as nothing." in found
    assert "USD: 110.00 of the billed cost belongs to this month but was delivered with another month." in found


def test_a_pool_that_nobody_shares_is_noted(database: str) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        connection.execute(
            """
            update finops.chargeback_reports set team = 'unallocated', cost_type = 'unallocated'
            where cost_type = 'shared'
            """
        )
        report = read_report(connection, PERIOD)
        connection.rollback()
    statement = statement_of(report, "USD")
    assert statement.unallocated_cost == 20
    assert "USD: 12.00 of the rule tax could not be shared: no team has a direct cost to share it by." in notes(report)


@pytest.fixture
def written(database: str, tmp_path: Path) -> ReportFiles:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        return write_chargeback_report(connection, PERIOD, tmp_path / "reports")


def test_the_page_says_what_the_statement_says(written: ReportFiles) -> None:
    page = unescape(written.html.read_text())
    for text in (
        "Example & Söhne",
        "October 2026",
        "120.01",
        "150.00",
        "+20.01",
        "74.7%",
        "sandbox",
        "tax",
        "Complete",
    ):
        assert text in page


def test_the_same_marts_give_the_same_bytes(written: ReportFiles, database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        again = write_chargeback_report(connection, PERIOD, tmp_path / "again")
    for first, second in zip(vars(written).values(), vars(again).values(), strict=True):
        assert first.read_bytes() == second.read_bytes()
        assert first.name == second.name
    plain = tmp_path / "plain"
    plain.touch()
    assert {path.stat().st_mode for path in vars(written).values()} == {plain.stat().st_mode}
    assert sorted(path.name for path in written.html.parent.iterdir()) == [
        "chargeback-2026-10-reconciliation.csv",
        "chargeback-2026-10-services.csv",
        "chargeback-2026-10.csv",
        "chargeback-2026-10.html",
    ]


def test_the_csv_files_hold_the_exact_numbers(written: ReportFiles, database: str) -> None:
    rows = rows_of(written.csv)
    with psycopg.connect(database) as connection:
        totals = connection.execute(
            """
            select
                billing_currency, sum(billed_cost), sum(effective_cost), sum(contracted_cost), sum(list_cost), count(*)
            from finops.chargeback_reports where billing_period = %s group by 1
            """,
            (PERIOD,),
        ).fetchall()
    assert len(totals) == 2
    for currency, *sums, count in totals:
        own = [row for row in rows if row["billing_currency"] == currency]
        assert len(own) == count
        for basis, total in zip(("billed_cost", "effective_cost", "contracted_cost", "list_cost"), sums, strict=True):
            assert sum(Decimal(row[basis]) for row in own) == total
    services = rows_of(written.services_csv)
    assert sum(Decimal(row["cost"]) for row in services if row["billing_currency"] == "USD") == D("120.005")
    (source,) = [row for row in rows_of(written.reconciliation_csv) if row["source_name"] == "aws"]
    assert (source["delivered_cost"], source["charged_cost"]) == ("150.001", "150.0010000000")
    assert Decimal(source["difference_cost"]) == 0


def test_names_from_tags_stay_names(database: str, tmp_path: Path) -> None:
    names = ["<script>alert(1)</script>", "=1+1", "{{ 7 * 7 }}", "日本語 🚀", "x" * 70_000, "'\"&", "</script>"]
    with psycopg.connect(database) as connection:
        prepare(connection, [Charge(name, "10", OCTOBER, service_name=name) for name in names])
        found = write_chargeback_report(connection, PERIOD, tmp_path)
    page = found.html.read_text()
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script>alert" not in page
    assert "{{ 7 * 7 }}" in page
    assert "日本語 🚀" in page
    assert "x" * 100 not in page
    assert {row["team"] for row in rows_of(found.csv)} == {*names[:1], "'=1+1", *names[2:]}


def test_a_month_without_charges_is_a_report_that_says_so(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        found = write_chargeback_report(connection, date(2024, 2, 1), tmp_path)
    assert "No charges" in found.html.read_text()
    assert [rows_of(path) for path in (found.csv, found.services_csv, found.reconciliation_csv)] == [[], [], []]


@pytest.mark.parametrize(
    "charges",
    [
        [Charge("Only", "10", OCTOBER)],
        [Charge("Only", "-10", OCTOBER), Charge("Other", "0", OCTOBER)],
        [Charge("unallocated", "10", OCTOBER, cost_type="unallocated", sub_account_id=None)],
        [Charge("Search", "0", OCTOBER)],
        [Charge("Search", "1", OCTOBER, currency="USD", invoice_id=None)],
    ],
)
def test_small_and_odd_months_are_written(database: str, tmp_path: Path, charges: list[Charge]) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, charges)
        found = write_chargeback_report(connection, PERIOD, tmp_path)
    assert "Costs in USD" in found.html.read_text()


def test_many_teams_are_all_listed(database: str, tmp_path: Path) -> None:
    charges = [
        Charge(f"team {number:03}", str(number + 1), OCTOBER, service_name=f"s{number}") for number in range(300)
    ]
    with psycopg.connect(database) as connection:
        prepare(connection, charges)
        found = write_chargeback_report(connection, PERIOD, tmp_path)
    page = found.html.read_text()
    assert all(f'<th scope="row">team {number:03}</th>' in page for number in range(300))
    assert "292 other teams" in page
    assert "298 other services" in page


def test_history_goes_back_fourteen_months(database: str) -> None:
    days = [date(2025, 6, 15) + timedelta(days=30 * number) for number in range(17)]
    statement = statement_of(report_of(database, [Charge("Search", "1", day) for day in days]), "USD")
    assert (statement.months[0], statement.months[-1], len(statement.months)) == (date(2025, 9, 1), PERIOD, 14)
    assert statement.history == {"Search": (D(1),) * 14}


def test_a_failed_write_leaves_the_former_report(
    written: ReportFiles, database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {path: path.read_bytes() for path in vars(written).values()}

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("reports.files.os.fsync", full)
    with psycopg.connect(database) as connection, pytest.raises(OSError, match="No space left"):
        write_chargeback_report(connection, PERIOD, written.html.parent)
    assert {path: path.read_bytes() for path in written.html.parent.iterdir()} == before


def test_a_day_that_is_no_month_is_refused(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection, pytest.raises(ValueError, match="not the first day of a month"):
        write_chargeback_report(connection, OCTOBER, tmp_path)


def test_an_open_transaction_of_the_caller_stays_open(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        prepare(connection, CHARGES)
        connection.execute("update finops.teams set owner = 'a@example.com'")
        write_chargeback_report(connection, PERIOD, tmp_path)
        connection.rollback()
        assert connection.execute("select count(owner) from finops.teams").fetchone() == (0,)
