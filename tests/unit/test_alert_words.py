"""What alerts say, of rows of marts and of runs; and who is told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from orchestration.lib.alerts.alert import Figure
from orchestration.lib.alerts.from_anomalies import from_anomalies
from orchestration.lib.alerts.from_budgets import from_budgets
from orchestration.lib.alerts.from_recommendations import from_recommendations
from orchestration.lib.alerts.from_runs import from_run
from orchestration.lib.alerts.picture import _drawn, picture
from orchestration.lib.alerts.routing import receivers_of
from orchestration.lib.alerts.words import plain
from orchestration.lib.config_alerting import Alerting
from tests.support.alerts import FIGURE, alert, message

_DAY = date(2026, 10, 20)


def _anomaly(**changed: Any) -> dict[str, Any]:
    return {
        "anomaly_id": "x1",
        "dimension": "service",
        "dimension_value": "Amazon EC2",
        "billing_currency": "USD",
        "started_on": _DAY,
        "last_seen_on": _DAY + timedelta(days=1),
        "state": "open",
        "feedback": None,
        "severity": "high",
        "expected_cost": Decimal("840.00"),
        "actual_cost": Decimal("1945.005"),
        "impact_cost": Decimal("1105.005"),
        "drivers": [
            {"level": "account", "value": "000123456789", "change": "1200.5"},
            {"level": "account", "value": "000123456788", "change": "100"},
            {"level": "account", "value": "other", "change": "-195.495"},
        ],
        "breakdown": {
            "account": [{"level": "account", "value": "000123456789", "change": "1200.5"}],
            "tag": [{"level": "tag", "value": "", "change": "1105.005"}],
            "team": [{"level": "team", "value": "Search", "change": "300"}],
            "usage_type": [{"level": "usage_type", "value": "BoxUsage:m5.xlarge", "change": "1105.005"}],
        },
        "team": "Checkout",
        **changed,
    }


def _of(row: dict[str, Any], *known: str) -> list[Any]:
    return from_anomalies([row], _DAY, frozenset(known), {"x1": FIGURE}, "https://example.com/{month}.html")


def test_an_incident_says_what_it_cost_and_why() -> None:
    (told,) = _of(_anomaly())
    assert told.title == "Service Amazon EC2: 1,105.00 USD more than expected"
    assert told.text.endswith("from 2026-10-20 to 2026-10-21. Mostly account 000123456789.")
    assert told.facts == (
        ("cost", "1,945.00 USD, expected 840.00 USD (+132 %)"),
        ("days", "2, still going on"),
        ("account 000123456789", "+1,200.50 USD"),
        ("account 000123456788", "+100.00 USD"),
        ("usage type BoxUsage:m5.xlarge", "+1,105.00 USD"),
    )
    assert (told.team, told.figure, told.link) == ("Checkout", FIGURE, "https://example.com/2026-10.html")


@pytest.mark.parametrize(
    ("changed", "known", "told"),
    [
        ({}, (), 1),
        ({}, ("anomaly:x1:high",), 0),
        ({}, ("anomaly:x1:medium",), 1),
        ({"severity": "low"}, ("anomaly:x1:medium",), 0),
        ({"feedback": "expected"}, (), 0),
        ({"last_seen_on": _DAY - timedelta(days=32), "started_on": _DAY - timedelta(days=40)}, (), 0),
    ],
)
def test_an_incident_is_told_once_and_again_where_it_gets_worse(
    changed: dict[str, Any], known: tuple[str, ...], told: int
) -> None:
    assert len(_of(_anomaly(**changed), *known)) == told


def test_less_than_expected_is_said_as_it_is() -> None:
    (told,) = _of(
        _anomaly(
            dimension="total",
            dimension_value="all",
            impact_cost=Decimal(-5),
            drivers=[],
            breakdown={},
            expected_cost=Decimal(0),
        )
    )
    assert told.title == "All costs: 5.00 USD less than expected"
    assert told.facts[0] == ("cost", "1,945.00 USD, expected 0.00 USD")


def test_a_threshold_of_a_budget_is_told_while_its_period_matters() -> None:
    row = {
        "budget_event_id": "b1",
        "scope_type": "cost_center",
        "scope_name": "CC-1",
        "owner": "a@example.com",
        "budget_currency": "EUR",
        "period_kind": "quarter",
        "period_start": date(2026, 10, 1),
        "period_end": date(2026, 12, 31),
        "threshold_kind": "forecast",
        "threshold_share": Decimal("1.00"),
        "severity": "high",
        "budget_cost": Decimal(1000),
        "actual_cost": Decimal("400.5"),
        "expected_cost": Decimal(1100),
        "overrun_probability": Decimal("0.83"),
        "reached_on": _DAY,
    }
    (told,) = from_budgets([row], _DAY)
    assert told.title == "Cost centre CC-1 is expected to reach 100 % of its budget of the fourth quarter of 2026"
    assert ("overrun", "83 % probable") in told.facts
    assert (told.kind, told.alert_id) == ("forecast", "budget:b1")
    assert len(from_budgets([row], date(2027, 1, 10))) == 1
    assert from_budgets([row], date(2027, 1, 11)) == []


def test_only_recommendations_that_count_are_told() -> None:
    row = {
        "recommendation_id": "r1",
        "group_rank": 1,
        "overall_rank": 2,
        "team": "Search",
        "resource_type": "API key",
        "resource_id": "key_1",
        "currency": "USD",
        "monthly_saving": Decimal("12.5"),
        "monthly_saving_low": Decimal(10),
        "monthly_saving_high": Decimal(15),
        "current": "gpt-4o",
        "proposed": "gpt-4o-mini",
        "change": "Use another model.",
        "reason": "It costs less.",
        "effort": "low",
        "risk": "medium",
        "as_of": _DAY,
    }
    others = ({"group_rank": 2}, {"monthly_saving": Decimal(0)}, {"overall_rank": 1, "recommendation_id": "r3"})
    first, told = from_recommendations([row, *({**row, **other} for other in others)])
    assert first.alert_id == "recommendation:r3"
    assert told.title == "Save 12.50 USD a month: key_1"
    assert told.facts[0] == ("saving a month", "12.50 USD (10.00 USD to 15.00 USD)")


def test_operators_are_told_what_failed_once_a_day() -> None:
    held = ("finops__gate", "DagsterAssetCheckFailedError")
    (gate,) = from_run("refresh", "run-1", _DAY, ["finops/cost_records"], [held])
    assert (gate.kind, gate.title) == ("gate", "Gate failed: finops/cost_records")
    (failure,) = from_run("refresh", "run-1", _DAY, [], [("raw__aws", "OperationalError")])
    assert (failure.kind, failure.title) == ("run_failure", "Run of refresh failed: raw__aws")
    (again,) = from_run("refresh", "run-2", _DAY, [], [("raw__aws", "OperationalError")])
    (tomorrow,) = from_run("refresh", "run-3", _DAY + timedelta(days=1), [], [("raw__aws", "OperationalError")])
    assert again.alert_id == failure.alert_id != tomorrow.alert_id
    assert from_run("refresh", "run-4", _DAY, [], [])[0].title.endswith("it ended without a word")


def test_the_right_people_are_told() -> None:
    settings = Alerting.model_validate(
        {
            "email": {
                "smtp_server": "mail",
                "sender": "f@example.com",
                "recipients": {"leads": ["A@example.com", "b@example.com"], "all": ["a@example.com"]},
            },
            "routes": [
                {"to": ["email.leads"], "severities": ["high", "critical"], "teams": ["Checkout"], "digest": "daily"},
                {"to": ["email.all"], "kinds": ["anomaly"]},
            ],
        }
    )
    now, zone = datetime(2026, 10, 20, 12, tzinfo=UTC), ZoneInfo("UTC")

    def told(**changed: Any) -> dict[str, datetime]:
        return receivers_of(settings, alert(**changed), now, zone)

    tomorrow = datetime(2026, 10, 21, 8, tzinfo=UTC)
    assert told() == {"email:a@example.com": now, "email:b@example.com": tomorrow}
    assert told(team="Search") == {"email:a@example.com": now}
    assert told(kind="gate", team=None) == {}


def test_without_routes_the_names_of_lists_say_who_is_told() -> None:
    lists = {"critical_alerts": ["c@x.de"], "operators": ["o@x.de"], "all": ["e@x.de"]}
    settings = Alerting.model_validate(
        {"email": {"smtp_server": "mail", "sender": "f@example.com", "recipients": lists}}
    )
    now, zone = datetime(2026, 10, 20, 12, tzinfo=UTC), ZoneInfo("UTC")
    assert set(receivers_of(settings, alert(), now, zone)) == {"email:c@x.de", "email:e@x.de"}
    assert set(receivers_of(settings, alert(kind="gate", severity="high"), now, zone)) == {
        "email:o@x.de",
        "email:e@x.de",
    }


@pytest.mark.parametrize(
    "figure",
    [FIGURE, Figure("one day", (_DAY,), (Decimal(-1),), (None,), "EUR", (_DAY,)), Figure("nothing", (), (), (), "EUR")],
)
def test_a_picture_has_the_same_bytes_each_time(figure: Figure) -> None:
    drawn = picture(figure)
    _drawn.cache_clear()
    assert drawn.startswith(b"\x89PNG")
    assert picture(figure) == drawn


def test_plain_text_names_everything() -> None:
    text = plain(message("x", alert(link="https://example.com/r")))
    for part in ("CRITICAL", "Service <EC2> & more", "2026-10-20", "Checkout", "https://example.com/r"):
        assert part in text
