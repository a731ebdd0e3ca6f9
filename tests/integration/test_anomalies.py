"""Incidents in the warehouse: stored whole, judged by people, and judged by the gate."""

from datetime import date
from decimal import Decimal

import psycopg
import pytest

from ml.anomalies.drivers import Driver
from ml.anomalies.feedback import verdict_on
from ml.anomalies.incident import Incident
from ml.series import Key
from orchestration.lib.anomalies.find import Found, store
from orchestration.lib.anomalies.judged import expect_days, judge
from orchestration.lib.anomalies.read import read_feedback
from orchestration.lib.anomalies.shown import days_of, listed, one
from orchestration.lib.anomalies.tables import ensure_anomalies
from orchestration.lib.errors import FinopsError
from orchestration.lib.gate import run_gate


@pytest.fixture
def connection(database: str):  # type: ignore[no-untyped-def]
    with psycopg.connect(database, autocommit=True) as opened:
        ensure_anomalies(opened)
        yield opened


def found(value: str = "payments") -> Found:
    incident = Incident(
        Key("team", value, "USD"), date(2026, 3, 1), date(2026, 3, 2), None,
        (Decimal("10.1"), Decimal("10.2")), (Decimal("110.1"), Decimal("210.25")), "high", 2.5,
    )  # fmt: skip
    moved = (Driver("resource", "i-1", Decimal(250)), Driver("resource", "other", Decimal("50.05")))
    return Found(incident, moved, {"resource": moved}, None)


def test_incidents_are_replaced_whole_by_granularity_and_the_same_have_the_same_id(connection) -> None:  # type: ignore[no-untyped-def]
    first = store(connection, [found(), found("search")], "combined")
    store(connection, [found("hours")], "surprise", "hour")
    assert store(connection, [found(), found("search")], "combined") == first
    assert store(connection, [found()], "combined") != first
    rows = listed(connection, everything=True, team=None, limit=10)
    assert sorted(row["dimension_value"] for row in rows) == ["hours", "payments"]
    assert {row["impact_cost"] for row in rows} == {Decimal("300.05")}
    assert sum(day["impact_cost"] for day in days_of(connection, rows[0]["anomaly_id"])) == Decimal("300.05")


def test_what_people_say_is_kept_and_seen_at_once(connection) -> None:  # type: ignore[no-untyped-def]
    store(connection, [found()], "combined")
    anomaly_id = found().incident.incident_id
    judge(connection, anomaly_id[:8], "acknowledged", "INC-1")
    judge(connection, anomaly_id, "false", "load test")
    expect_days(connection, "team", "payments", date(2026, 4, 1), date(2026, 4, 3), "sale")
    said = read_feedback(connection)
    assert verdict_on(anomaly_id, said) == "false"
    assert one(connection, anomaly_id)["feedback"] == "false"
    assert (said[-1].dimension, said[-1].first, said[-1].last) == ("team", date(2026, 4, 1), date(2026, 4, 3))
    assert listed(connection, everything=False, team=None, limit=10) == []
    with pytest.raises(FinopsError, match="no incident has an id"):
        judge(connection, "nothing", "false", "x")
    with pytest.raises(FinopsError, match="is no level of a series"):
        expect_days(connection, "planet", "x", date(2026, 4, 1), date(2026, 4, 3), "x")


def test_the_gate_sees_what_is_wrong(connection, database: str) -> None:  # type: ignore[no-untyped-def]
    connection.execute("create schema finops")
    connection.execute("create view finops.anomalies as select * from ml.anomalies")
    connection.execute("create view finops.anomaly_days as select * from ml.anomaly_days")
    store(connection, [found()], "combined")
    assert run_gate(database, "anomalies").success
    for change, rule in (
        ("update ml.anomalies set impact_cost = impact_cost + 0.01", "the impact is what was paid"),
        ("""update ml.anomalies set drivers = '[{"level": "a", "value": "b", "change": "1"}]'""", "the drivers add up"),
        ("""update ml.anomalies set breakdown = '{"team": []}'""", "the drivers of each level add up"),
        ("delete from ml.anomaly_days where charge_date = '2026-03-02'", "the days add up"),
        ("update ml.anomalies set ended_on = last_seen_on", "days are in order"),
    ):
        store(connection, [found()], "combined")
        connection.execute(change)
        failed = [one.expectation for one in run_gate(database, "anomalies").failures]
        assert any(rule in name for name in failed), (change, failed)
