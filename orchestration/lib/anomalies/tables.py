"""The tables ml.anomalies and ml.anomaly_days, replaced by each run, and ml.anomaly_feedback, which only grows."""

from __future__ import annotations

from typing import Any

import psycopg
from psycopg import sql

ANOMALIES = (
    ("anomaly_id", "text primary key", "The same for the same incident in every run."),
    ("dimension", "text not null", "Level that explains it best, such as account_service or team."),
    ("dimension_value", "text not null", "Value of the level."),
    ("billing_currency", "text not null", "Currency of the amounts."),
    ("granularity", "text not null", "day or hour: what it was found in."),
    ("started_on", "date not null", "First day (or hour's day) that cost more than expected."),
    ("noticed_on", "date not null", "Day whose costs told."),
    ("ended_on", "date", "Last day that cost more; null while it lasts."),
    ("last_seen_on", "date not null", "Last known day that cost more."),
    ("state", "text not null", "open while it lasts, then closed."),
    ("feedback", "text", "What a person said of it: acknowledged, expected or false; null where nobody has."),
    (
        "severity",
        "text not null",
        "low, medium, high or critical: by what it costs of all that is paid, and by how sure it is.",
    ),
    ("method", "text not null", "Method that found it."),
    ("team", "text", "Team whose costs moved most; null where none is known."),
    ("expected_cost", "numeric not null", "What its days were expected to cost."),
    ("actual_cost", "numeric not null", "What they cost."),
    ("impact_cost", "numeric not null", "What they cost beyond what was expected."),
    ("surprise", "numeric not null", "How many times as far as the threshold its farthest day was."),
    (
        "drivers",
        "jsonb not null",
        "What moved, the largest first: level, value and change; the changes add up to impact_cost.",
    ),
    (
        "breakdown",
        "jsonb not null",
        "For service, account, resource, usage type, tag and team: changes that add up to impact_cost.",
    ),
    ("model_version", "text not null", "Version of the way it is worked out."),
    ("run_id", "text not null", "Digest of the whole list: the same inputs have the same id."),
)
DAYS = (
    ("anomaly_id", "text not null", "The incident."),
    ("charge_date", "date not null", "Day of the incident."),
    ("expected_cost", "numeric not null", "What it was expected to cost."),
    ("actual_cost", "numeric not null", "What it cost."),
    ("impact_cost", "numeric not null", "What it cost beyond what was expected."),
)
FEEDBACK = (
    ("feedback_id", "bigint generated always as identity primary key", "In the order in which it was given."),
    ("anomaly_id", "text", "Incident that it is about; null where it is about days to come."),
    ("dimension", "text", "Level of the series that it is about; null: all."),
    ("dimension_value", "text", "Value of the level; null: all."),
    ("first_date", "date", "First day that is expected to cost more."),
    ("last_date", "date", "Last day of that."),
    ("verdict", "text not null check (verdict in ('acknowledged', 'expected', 'false'))", "What was said."),
    ("reason", "text not null", "Why."),
    ("given_by", "text not null", "Who said it."),
    ("given_at", "timestamptz not null default now()", "When."),
)
_TABLES = {
    "anomalies": (ANOMALIES, "Incidents of costs, one row per incident. Written by the asset ml/anomalies."),
    "anomaly_days": (DAYS, "The days of incidents, one row per incident and day."),
    "anomaly_feedback": (FEEDBACK, "What people said of incidents. It only grows: the last word of each counts."),
}
_LOCK = 7_204_071


def ensure_anomalies(connection: psycopg.Connection[Any]) -> None:
    """Create the tables where they are missing, so that the views on them can be made before they are filled."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute("create schema if not exists ml")
        for table, (columns, about) in _TABLES.items():
            name = sql.Identifier("ml", table)
            made = [sql.SQL("{} " + kind).format(sql.Identifier(column)) for column, kind, _ in columns]
            if table == "anomaly_days":
                made.append(sql.SQL("primary key (anomaly_id, charge_date)"))
            connection.execute(sql.SQL("create table if not exists {} ({})").format(name, sql.SQL(", ").join(made)))
            connection.execute(sql.SQL("comment on table {} is {}").format(name, sql.Literal(about)))
            for column, _, meaning in columns:
                connection.execute(
                    sql.SQL("comment on column {} is {}").format(
                        sql.Identifier("ml", table, column), sql.Literal(meaning)
                    )
                )
