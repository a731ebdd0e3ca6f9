"""The weekly review from marts: the last week that is whole, what moved in it, and all that asks for attention."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg

from reports.weekly_review import Mover, read_review, write_weekly_review
from tests.support.marts import Charge, make_marts, set_section

MONDAY = date(2026, 10, 12)
D = Decimal
_MARTS = """
insert into finops.anomalies
    (anomaly_id, dimension, dimension_value, billing_currency, severity, state, feedback, started_on, ended_on, last_seen_on,
     impact_cost, drivers)
values
    ('a', 'service', 'Compute <b>', 'USD', 'high', 'open', null, '2026-10-14', null, '2026-10-18', 70,
     '[{"level": "account", "value": "shop", "change": "70"}]'),
    ('b', 'team', 'Ended before', 'USD', 'high', 'closed', null, '2026-10-01', '2026-10-11', '2026-10-11', 70, '[]'),
    ('c', 'team', 'Was expected', 'USD', 'high', 'open', 'expected', '2026-10-14', null, '2026-10-18', 70, '[]');
insert into finops.budget_tracking
    (scope_type, scope_name, owner, budget_currency, period_kind, period_start, period_end, budget_cost, actual_cost,
     expected_cost, overrun_probability, used_share, runs_out_on)
values
    ('team', 'Search', 'a@example.com', 'USD', 'month', '2026-10-01', '2026-10-31', 100, 50, 120, 0.75, 0.5, '2026-10-26'),
    ('team', 'Calm', 'a@example.com', 'USD', 'month', '2026-10-01', '2026-10-31', 100, 50, 90, 0.1, 0.5, null),
    ('team', 'Last month', 'a@example.com', 'USD', 'month', '2026-09-01', '2026-09-30', 100, 150, 150, 1, 1.5, '2026-09-20');
"""


def charges() -> list[Charge]:
    """Five weeks of 7 a week for Search and 14 for Checkout; in the sixth Search takes 70 more. A fee and a day of a seventh."""
    days = [MONDAY + timedelta(days=number) for number in range(-35, 8)]
    found = [Charge(team, cost, day) for day in days for team, cost in (("Search", "1"), ("Checkout", "2"))]
    found.append(Charge("Search", "70", MONDAY + timedelta(days=2)))
    found.append(Charge("Search", "500", MONDAY, charge_category="Purchase"))
    return found


def prepared(database: str, trained_to: date | None) -> psycopg.Connection[Any]:
    connection = psycopg.connect(database)
    make_marts(connection, charges())
    set_section(connection, "organization", {"name": "Example & Söhne"})
    connection.execute(_MARTS)
    if trained_to:
        connection.execute(
            "insert into finops.forecast_periods (dimension, trained_to) values ('total', %s)", [trained_to]
        )
    connection.commit()
    return connection


def test_the_last_whole_week_and_what_moved_against_the_four_before(database: str) -> None:
    with prepared(database, MONDAY + timedelta(days=7)) as connection:
        review = read_review(connection)
    assert review is not None
    assert (review.monday, review.sunday) == (MONDAY, date(2026, 10, 18))
    (costs,) = review.costs
    assert costs.weeks[MONDAY] == (D(91), D(500))
    assert costs.weeks[MONDAY - timedelta(weeks=1)] == (D(21), D(0))
    assert costs.owners == (Mover("Search", D(77), D(7), D(7)), Mover("Checkout", D(14), D(14), D(14)))
    assert [row["dimension_value"] for row in review.anomalies] == ["Compute <b>"]
    assert [row["scope_name"] for row in review.budgets] == ["Search"]


def test_a_week_that_is_not_delivered_to_its_end_is_not_reviewed(database: str) -> None:
    with prepared(database, MONDAY + timedelta(days=5)) as connection:
        review = read_review(connection)
    assert review is not None
    assert review.monday == MONDAY - timedelta(weeks=1)


def test_the_page_is_whole_escaped_and_the_same_each_time(database: str, tmp_path: Path) -> None:
    with prepared(database, MONDAY + timedelta(days=7)) as connection:
        page = write_weekly_review(connection, tmp_path)
        assert page == tmp_path / "week-2026-42.html"
        first = page.read_bytes()
        write_weekly_review(connection, tmp_path)
    assert page.read_bytes() == first
    text = first.decode()
    assert "12 October 2026 to 18 October 2026" in text
    assert "Compute &lt;b&gt;" in text
    assert "Compute <b>" not in text
    assert "+70.00" in text
    assert "75.0%" in text


def test_without_charges_there_is_no_week(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        make_marts(connection, [])
        connection.execute(_MARTS)
        assert write_weekly_review(connection, tmp_path) is None
