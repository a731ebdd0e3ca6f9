"""Hours of AI usage as the poll sees them: a rise of the last hours is one incident, with its team, and people judge it as any other."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import psycopg
import pytest

from ml.anomalies.settings import Settings
from orchestration.lib.anomalies.find import store
from orchestration.lib.anomalies.hourly import search_hours
from orchestration.lib.anomalies.judged import judge
from orchestration.lib.anomalies.shown import listed
from orchestration.lib.anomalies.tables import ensure_anomalies

NOW = datetime(2026, 10, 20, 15, tzinfo=UTC)
_USAGE = """
create schema if not exists finops;
create table finops.ai_usage_hourly (
    model text, operation text, team text, cost_currency text, usage_hour timestamptz, computed_cost numeric,
    is_repeated boolean, charge_date date
)
"""


def usage(connection: psycopg.Connection, rise: str) -> None:
    """Four weeks of an hourly wave of two teams; in the last three complete hours Search uses so much more."""
    connection.execute(_USAGE)
    rows = []
    for number in range(28 * 24):
        hour = NOW - timedelta(hours=number)
        wave = Decimal(5 + hour.hour % 12) + Decimal(number * 7919 % 13) / 10
        more = Decimal(rise) if 1 <= number <= 3 else Decimal(0)
        rows += [("Search", hour, wave + more), ("Checkout", hour, wave / 2)]
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into finops.ai_usage_hourly values ('gpt-5', 'completions', %s, 'USD', %s, %s, false, %s)",
            [(team, hour, cost, hour.date()) for team, hour, cost in rows],
        )


@pytest.mark.parametrize("rise", ["400", "4000"])
def test_a_rise_of_the_last_hours_is_one_incident_of_its_team(database: str, rise: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        ensure_anomalies(connection)
        usage(connection, rise)
        (found,) = search_hours(connection, Settings())
        store(connection, [found], "surprise", "hour")
        (row,) = listed(connection, everything=True, team=None, limit=5)
        assert (row["dimension"], row["dimension_value"], row["state"]) == ("ai_model", "gpt-5", "open")
        assert row["started_on"] == NOW.date()
        # Three hours, each by the rise more than what such an hour costs, give or take its noise.
        assert abs(row["impact_cost"] - 3 * Decimal(rise)) < 20
        assert row["impact_cost"] == row["actual_cost"] - row["expected_cost"]
        assert row["drivers"][0]["value"] == "Search"
        assert sum(Decimal(driver["change"]) for driver in row["drivers"]) == row["impact_cost"]
        judge(connection, row["anomaly_id"], "acknowledged", "INC-7")
        (again,) = search_hours(connection, Settings())
        assert (again.incident.incident_id, again.feedback) == (row["anomaly_id"], "acknowledged")


def test_the_usual_wave_is_no_incident(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        ensure_anomalies(connection)
        usage(connection, "0")
        assert search_hours(connection, Settings()) == []
