"""The table ml.recommendations: what was recommended last, replaced as a whole."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import fields
from datetime import date
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from ml.savings.recommendation import MODEL_VERSION, Recommendation
from ml.savings.traffic import text

# In the order of the table: column, type, what it holds. What people decide outlives a replacement: ml.recommendation_states. A table
# of before 0.2 gets the columns that it lacks, which therefore have defaults or may be null.
_COLUMNS = (
    ("recommendation_id", "text primary key", "The same for the same advice on the same thing in every run."),
    ("kind", "text not null", "Kind of saving."),
    ("provider", "text not null", "Provider of what it acts on."),
    ("resource_type", "text not null", "What it acts on, such as an API key."),
    ("resource_id", "text", "Id of what it acts on; null where the provider names none."),
    ("sub_account_id", "text", "Project, workspace or account that it is in."),
    ("team", "text", "Team that owns it on the last day."),
    ("cost_center", "text", "Cost centre that owns it."),
    ("project", "text", "Project that owns it."),
    ("environment", "text", "Environment that it is in."),
    ("current", "text not null", "How it is now, in words."),
    ("proposed", "text not null", "How it should be, in words."),
    ("change", "text not null", "What to do. Nothing is ever executed."),
    ("reason", "text not null", "Why, with the number that matters."),
    ("currency", "text not null", "Currency of the amounts."),
    ("monthly_cost", "numeric not null", "What is paid in an average month for what it acts on."),
    ("monthly_saving", "numeric not null", "What of it would be saved."),
    ("monthly_saving_low", "numeric not null", "Lower end of the band of the saving."),
    ("monthly_saving_high", "numeric not null", "Upper end of the band of the saving."),
    ("one_off_cost", "numeric not null", "What the change costs once, at the provider."),
    ("effort", "text not null", "low, medium or high."),
    ("risk", "text not null", "low, medium or high."),
    ("risk_reason", "text not null", "What could go wrong."),
    ("confidence", "text not null", "low, medium or high."),
    ("confidence_reason", "text not null", "What is known and what is taken to be so."),
    ("evidence", "jsonb not null", "The series and facts that it rests on; amounts are texts."),
    (
        "exclusive_group",
        "text not null",
        "Recommendations of one group act on the same money: one of them counts at most.",
    ),
    ("group_rank", "integer not null", "Rank in its group; the first counts."),
    ("overall_rank", "integer not null", "Rank over all; those that count come first."),
    ("window_start", "date not null", "First day of the usage that it rests on."),
    ("as_of", "date not null", "Last day of the usage that it rests on."),
    ("model_version", "text not null", "Version of the way it is worked out."),
    ("run_id", "text not null", "Digest of the whole list: the same inputs have the same id."),
    (
        "origin",
        "text not null default 'finops'",
        "Who says so: finops, or the provider's own service whose list was taken in.",
    ),
    ("region_id", "text", "Region of what it acts on."),
    ("command", "text", "A command or a Terraform change that would do it, as text."),
    ("acts_on", "jsonb not null default '[]'", "The resources it acts on, with what each costs in an average month."),
    ("effective_from", "date", "First day of the saving, where it does not begin at once."),
    (
        "counted_saving",
        "numeric",
        "What it adds to a total in which no euro is saved twice; null where another one counts in its place.",
    ),
)
_SINCE = ("origin", "region_id", "command", "acts_on", "effective_from", "counted_saving")

_LOCK = 7_204_061


def ensure_recommendations(connection: psycopg.Connection[Any]) -> None:
    """Create the table where it is missing, so that the views on it can be made before it is filled."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        connection.execute("create schema if not exists ml")
        columns = [sql.SQL("{} " + kind).format(sql.Identifier(name)) for name, kind, _ in _COLUMNS]
        connection.execute(
            sql.SQL("create table if not exists ml.recommendations ({})").format(sql.SQL(", ").join(columns))
        )
        for name, kind, _ in _COLUMNS:
            if name in _SINCE:
                connection.execute(
                    sql.SQL("alter table ml.recommendations add column if not exists {} " + kind).format(
                        sql.Identifier(name)
                    )
                )
        about = (
            "What could be saved, one row per recommendation of the last run. Written by the asset ml/recommendations."
        )
        connection.execute(sql.SQL("comment on table ml.recommendations is {}").format(sql.Literal(about)))
        for name, _, meaning in _COLUMNS:
            connection.execute(
                sql.SQL("comment on column ml.recommendations.{} is {}").format(
                    sql.Identifier(name), sql.Literal(meaning)
                )
            )


def store_recommendations(connection: psycopg.Connection[Any], found: Sequence[Recommendation]) -> str:
    """Put these recommendations in place of the former ones, in one transaction, and return the run id. Each has its window."""
    rows = [_row(one) for one in found]
    # Of what the rows say, so that a run that finds the same leaves the same bytes.
    run_id = sha256(json.dumps(rows, default=_plain, ensure_ascii=False).encode()).hexdigest()[:32]
    names = [*(name for name, *_ in _COLUMNS if name != "run_id"), "run_id"]
    with connection.transaction():
        ensure_recommendations(connection)
        connection.execute("lock table ml.recommendations in share row exclusive mode")
        connection.execute("delete from ml.recommendations")
        copy = sql.SQL("copy ml.recommendations ({}) from stdin").format(sql.SQL(", ").join(map(sql.Identifier, names)))
        with connection.cursor() as cursor, cursor.copy(copy) as out:
            for row in rows:
                out.write_row([*row, run_id])
    return run_id


def _row(one: Recommendation) -> list[Any]:
    """The values of a recommendation in the order of the columns, the run id left out."""
    window = one.window
    if window is None:
        raise ValueError(f"{one.kind} {one.recommendation_id} has no window")
    series = [
        {"from": first.isoformat(), "cost": text(cost), "saving": text(saving)}
        for first, cost, saving in one.estimate.series
    ]
    held: dict[str, Any] = {field.name: getattr(one, field.name) for field in fields(one)} | {
        "recommendation_id": one.recommendation_id,
        "team": one.owner.team,
        "cost_center": one.owner.cost_center,
        "project": one.owner.project,
        "environment": one.owner.environment,
        "currency": one.currency,
        "acts_on": Jsonb([{"resource_id": name, "monthly_cost": text(cost)} for name, cost in one.acts_on]),
        "monthly_cost": one.estimate.cost,
        "monthly_saving": one.estimate.saving,
        "monthly_saving_low": one.estimate.low,
        "monthly_saving_high": one.estimate.high,
        "evidence": Jsonb({**one.evidence, "days_of_a_block": window.block_days, "series": series}),
        "window_start": window.first,
        "as_of": window.last,
        "model_version": MODEL_VERSION,
    }
    return [held[name] for name, *_ in _COLUMNS if name != "run_id"]


def _plain(value: object) -> object:
    return value.obj if isinstance(value, Jsonb) else value.isoformat() if isinstance(value, date) else str(value)
