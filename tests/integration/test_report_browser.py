"""The chargeback report as a reader meets it: opened from disk, offline, in Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from reports.chargeback import write_chargeback_report
from tests.support.marts import Charge, make_marts, set_budgets, set_section

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
]
PERIOD = date(2026, 10, 1)
EVIL = "<img src=x onerror=\"document.title='broken'\"><b>bold</b>"
FIGURES_FOR_EACH_CURRENCY = 3

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on PATH to open the report in")


@dataclass
class Opened:
    """A page with all that it said and asked for while it was open."""

    page: Page
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=ARGUMENTS)
        yield browser
        browser.close()


def charges() -> Iterator[Charge]:
    for month in range(14):
        day = date(2025, 9, 15) + timedelta(days=30 * month)
        for number, team in enumerate(("Search", "Checkout", EVIL)):
            yield Charge(team, f"{1000 + 37 * month + number}.{number}05", day, service_name=f"Service {number}")
        yield Charge("unallocated", "99.99", day, cost_type="unallocated")
        yield Charge("unallocated", "250", day, cost_type="shared", allocation_rule="tax", charge_category="Tax")
        yield Charge("Checkout", "-5.5", day, currency="EUR", source_name="azure")
    yield Charge("Search", "1", date(2026, 10, 31))
    yield Charge("Search", "1", date(2026, 10, 31), currency="EUR", source_name="azure")


@pytest.fixture
def report(database: str, tmp_path: Path) -> Path:
    with psycopg.connect(database) as connection:
        make_marts(connection, charges())
        set_section(connection, "organization", {"name": EVIL, "first_billing_period": "2025-09"})
        set_budgets(connection, [("team", EVIL, "EUR", "1500", "1482.2"), ("team", "Search", "USD", "1000", "1483.2")])
        connection.commit()
        return write_chargeback_report(connection, PERIOD, tmp_path).html


@pytest.fixture
def opened(browser: Browser, report: Path) -> Iterator[Opened]:
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    seen = Opened(page)
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("console", lambda message: seen.complaints.append(message.text))
    page.on("pageerror", lambda error: seen.complaints.append(str(error)))
    page.goto(report.as_uri())
    page.wait_for_selector(".main-svg", state="attached")
    yield seen
    context.close()


def test_it_opens_offline_and_asks_for_nothing(opened: Opened, report: Path) -> None:
    assert [url for url in opened.requests if not url.startswith("data:")] == [report.as_uri()]
    assert opened.complaints == []
    assert opened.page.title() == f"Chargeback October 2026 · {EVIL}"


def test_every_figure_is_drawn(opened: Opened) -> None:
    figures = opened.page.locator("[data-figure]")
    assert figures.count() == 2 * FIGURES_FOR_EACH_CURRENCY
    for number in range(figures.count()):
        assert figures.nth(number).locator(".bars .point path").count() > 0
    months = opened.page.locator("[data-figure$=history]").first.locator(".bars").first.locator(".point path")
    assert months.count() == 14
    # The name of a team is shown as it is written.
    names = opened.page.locator("[data-figure$=history]").first.locator(".legendtext").all_text_contents()
    assert {name[:10] for name in names} == {"Search", "Checkout", EVIL[:10], "Unallocate"}


def test_totals_are_those_of_the_database(opened: Opened, database: str) -> None:
    with psycopg.connect(database) as connection:
        totals: dict[str, Decimal] = dict(
            connection.execute(
                """
                select billing_currency, sum(effective_cost) from finops.chargeback_reports
                where billing_period = %s group by 1
                """,
                (PERIOD,),
            ).fetchall()
        )
    for currency, total in totals.items():
        section = opened.page.locator("section.currency").filter(has_text=f"Costs in {currency}")
        shown = section.locator(".card .number").first.inner_text()
        written = f"{total.quantize(Decimal('0.01'), ROUND_HALF_UP):,}".replace("-", "\N{MINUS SIGN}")
        assert shown.split() == [written, currency]
        assert section.locator("table.teams tfoot .strong").inner_text() == written
        teams = section.locator("table.teams tbody .strong").all_inner_texts()
        cents = [Decimal(text.replace(",", "").replace("\N{MINUS SIGN}", "-")) for text in teams]
        assert abs(sum(cents) - total) <= Decimal("0.005") * (len(cents) + 1)


@pytest.mark.parametrize("width", [1280, 768, 390])
def test_nothing_is_wider_than_the_window(opened: Opened, width: int) -> None:
    opened.page.set_viewport_size({"width": width, "height": 900})
    opened.page.wait_for_timeout(400)
    sizes: dict[str, Any] = opened.page.evaluate(
        """() => {
            const drawings = [...document.querySelectorAll(".main-svg")];
            return {
                page: document.documentElement.scrollWidth,
                figures: Math.max(...drawings.map((drawing) => drawing.getBoundingClientRect().right)),
            };
        }"""
    )
    assert sizes["page"] <= width
    assert sizes["figures"] <= width


def test_it_prints_on_few_pages(opened: Opened) -> None:
    printed = opened.page.pdf(prefer_css_page_size=True)
    assert printed.startswith(b"%PDF")
    assert 2 <= printed.count(b"/Type /Page\n") <= 12
    assert opened.complaints == []
