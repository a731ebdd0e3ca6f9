"""`finops anomalies` on a warehouse: what is listed, what people say is kept, and what is wrong is one clear line."""

from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner, Result

from ml.anomalies.drivers import Driver
from ml.anomalies.incident import Incident
from ml.series import Key
from orchestration.cli import main
from orchestration.lib import postgres
from orchestration.lib.anomalies.find import Found, store

INCIDENT = Incident(
    Key("team", "payments", "USD"), date(2026, 3, 1), date(2026, 3, 2), None,
    (Decimal("10.10"), Decimal("10.20")), (Decimal("1110.10"), Decimal("1210.25")), "high", 2.5,
)  # fmt: skip
MOVED = (Driver("resource", "i-1", Decimal(2300)), Driver("resource", "other", Decimal("0.05")))


@pytest.fixture
def warehouse(database: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A warehouse with one incident, as the one that the commands ask."""
    with psycopg.connect(database, autocommit=True) as connection:
        store(connection, [Found(INCIDENT, MOVED, {"resource": MOVED}, None)], "combined")
    monkeypatch.setenv(postgres.URL_VARIABLE, database)
    return database


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["anomalies", *words])


def said(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select verdict, anomaly_id, dimension, dimension_value, first_date, last_date, reason from ml.anomaly_feedback"
        ).fetchall()


def test_an_incident_is_listed_until_somebody_looks_after_it(warehouse: str) -> None:
    short = INCIDENT.incident_id[:10]
    listed = run("list")
    assert listed.exit_code == 0
    for shown in (
        short,
        "high",
        "open",
        "team payments",
        "2026-03-01",
        "20.30",
        "2,320.35",
        "+2,300.05 USD",
        "resource i-1",
    ):
        assert shown in listed.output
    assert "payments" not in run("list", "--team", "search").output
    acknowledged = run("ack", short, "--reason", "INC-104")
    assert (acknowledged.exit_code, acknowledged.output.startswith("Acknowledged.")) == (0, True)
    assert "payments" not in run("list").output
    assert "acknowledged" in run("list", "--all").output
    assert said(warehouse) == [
        ("acknowledged", INCIDENT.incident_id, "team", "payments", date(2026, 3, 1), date(2026, 3, 2), "INC-104")
    ]


def test_what_is_expected_is_an_incident_or_days_to_come(warehouse: str) -> None:
    assert run("expect", INCIDENT.incident_id[:10], "--reason", "migration").exit_code == 0
    days = ("--from", "2026-11-23", "--to", "2026-11-30", "--reason", "sale")
    assert run("expect", "--dimension", "team", "--value", "payments", *days).exit_code == 0
    assert run("expect", *days).exit_code == 0
    first, last = date(2026, 11, 23), date(2026, 11, 30)
    assert said(warehouse)[0][:2] == ("expected", INCIDENT.incident_id)
    assert said(warehouse)[1:] == [
        ("expected", None, "team", "payments", first, last, "sale"),
        ("expected", None, None, None, first, last, "sale"),
    ]


@pytest.mark.parametrize(
    ("words", "code", "error"),
    [
        (("ack", "zzz"), 1, "error: no incident has an id that begins with 'zzz'. See them with: finops anomalies list --all"),
        (("false", "zzz"), 1, "error: no incident has an id that begins with 'zzz'. See them with: finops anomalies list --all"),
        (("expect", "zzz"), 1, "error: no incident has an id that begins with 'zzz'. See them with: finops anomalies list --all"),
        (("expect", "--from", "2026-11-30", "--to", "2026-11-23"), 1, "--to must not be before --from"),
        (("expect", "--dimension", "planet", "--value", "x", "--from", "2026-11-23", "--to", "2026-11-30"), 1,
         "error: 'planet' is no level of a series. Levels are provider, team, "),
        (("expect", "--dimension", "team", "--from", "2026-11-23", "--to", "2026-11-30"), 2, "--dimension and --value together"),
        (("expect", "--from", "Monday"), 2, "does not match the format '%Y-%m-%d'"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_and_changes_nothing(
    warehouse: str, words: tuple[str, ...], code: int, error: str
) -> None:
    result = run(*words, "--reason", "x")
    assert result.exit_code == code
    assert error in result.stderr
    assert "Traceback" not in result.output
    assert said(warehouse) == []
