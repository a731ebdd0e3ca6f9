"""The table ml.realised_savings: what was promised of each change that is done, and what the bill says it saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import psycopg
from psycopg import sql

from ml.savings.realised import Amount, realised
from ml.savings.recommendation import Window
from orchestration.lib.recommendation_states import Event

DAYS_BEFORE = 30
VERIFIED_AFTER = 14
"""Days after a change from which it can be said to be seen on the bill: two whole weeks."""

# In the order of the table: column, type, what it holds.
_COLUMNS = (
    ("recommendation_id", "text primary key", "The recommendation that was done."),
    ("kind", "text not null", "Kind of saving."),
    ("resource_id", "text", "What it acts on."),
    ("team", "text", "Team that owned it."),
    ("currency", "text not null", "Currency of the amounts."),
    (
        "method",
        "text",
        "rate: unit costs before, for what is used after. removal: what would have gone on. Null: not measured.",
    ),
    ("note", "text", "Why it is not measured, or not yet sure."),
    (
        "days_before",
        "integer not null",
        "Days before the change that it is compared with: a month, or since it was there.",
    ),
    ("days_after", "integer not null", "Whole days after the change that are on the bill."),
    ("predicted_monthly_saving", "numeric not null", "What was promised when it was done."),
    ("predicted_low", "numeric not null", "Lower end of its band."),
    ("predicted_high", "numeric not null", "Upper end of its band."),
    (
        "counterfactual_cost",
        "numeric",
        "What the days after would have cost without the change, for what was used then.",
    ),
    ("actual_cost", "numeric", "What they cost."),
    ("realised_saving", "numeric", "The difference: what was saved so far."),
    ("realised_monthly_saving", "numeric", "The same in an average month."),
    ("is_in_band", "boolean", "Whether that is within the band that was promised."),
    ("done_on", "date not null", "Day of the change; it counts to neither side."),
    ("measured_to", "date", "Last day that was measured."),
)
_DONE = """
with current as (
    select distinct on (recommendation_id) recommendation_id, state from ml.recommendation_states
    order by recommendation_id, event_id desc
)
select distinct on (recommendation_id) recommendation_id, decided_on, facts, current.state
from ml.recommendation_states as states
inner join current using (recommendation_id)
where states.state = 'done' and current.state in ('done', 'verified')
order by recommendation_id, event_id desc
"""
_PAID = """
select
    done.recommendation_id,
    records.charge_date > done.done_on as is_after,
    coalesce(records.consumed_unit, '') as unit,
    sum(records.effective_cost) as cost,
    sum(records.consumed_quantity) as quantity,
    min(records.charge_date) as first_day
from unnest(cast(%(ids)s as text[]), cast(%(resources)s as text[]), cast(%(days)s as date[]))
    as done (recommendation_id, resource_id, done_on)
inner join finops.cost_records as records on done.resource_id = records.resource_id
where
    records.charge_date between done.done_on - %(before)s and %(last)s
    and records.charge_date <> done.done_on
    and records.charge_category = 'Usage'
    and records.effective_cost is not null
group by 1, 2, 3
"""


def ensure_realised(connection: psycopg.Connection[Any]) -> None:
    """Create the table where it is missing."""
    columns = [sql.SQL("{} " + kind).format(sql.Identifier(name)) for name, kind, _ in _COLUMNS]
    connection.execute("create schema if not exists ml")
    connection.execute(
        sql.SQL("create table if not exists ml.realised_savings ({})").format(sql.SQL(", ").join(columns))
    )
    for name, _, meaning in _COLUMNS:
        connection.execute(
            sql.SQL("comment on column ml.realised_savings.{} is {}").format(sql.Identifier(name), sql.Literal(meaning))
        )


def measure_realised(connection: psycopg.Connection[Any], last: date | None) -> list[Event]:
    """Measure all that is done up to the last whole day of the bill, in place of what was measured before.

    Returns the events of those that are now seen on the bill: two weeks after the change, with at least what was promised at the least.
    """
    done = connection.execute(_DONE).fetchall()
    paid = _paid(connection, done, last) if done and last else {}
    rows, events = [], []
    for key, done_on, facts, state in done:
        row = _row(key, done_on, facts, paid.get(key, _Paid(done_on)), last)
        rows.append(row)
        saved = row["realised_monthly_saving"]
        if (
            state == "done"
            and row["days_after"] >= VERIFIED_AFTER
            and saved
            and saved > 0
            and saved >= row["predicted_low"]
        ):
            reason = (
                f"seen on the bill: {saved:,.2f} {row['currency']} a month over {row['days_after']} days, of "
                f"{row['predicted_monthly_saving']:,.2f} promised"
            )
            events.append(Event(key, "verified", reason, facts))
    names = [name for name, *_ in _COLUMNS]
    with connection.transaction(), connection.cursor() as cursor:
        cursor.execute("delete from ml.realised_savings")
        copy = sql.SQL("copy ml.realised_savings ({}) from stdin").format(
            sql.SQL(", ").join(map(sql.Identifier, names))
        )
        with cursor.copy(copy) as out:
            for row in rows:
                out.write_row([row[name] for name in names])
    return events


@dataclass
class _Paid:
    """What was paid by unit, before and after, and since when."""

    first_day: date
    before: dict[str, Amount] = field(default_factory=dict)
    after: dict[str, Amount] = field(default_factory=dict)


def _paid(connection: psycopg.Connection[Any], done: list[tuple[Any, ...]], last: date) -> dict[str, _Paid]:
    """Of each that is done what was paid for it."""
    pairs = [(key, resource, day) for key, day, facts, _ in done for resource in resources_of(facts)]
    values = {
        "ids": [key for key, *_ in pairs],
        "resources": [resource for _, resource, _ in pairs],
        "days": [day for *_, day in pairs],
        "before": DAYS_BEFORE,
        "last": last,
    }
    found: dict[str, _Paid] = {}
    for key, is_after, unit, cost, quantity, first in connection.execute(_PAID, values).fetchall():
        one = found.setdefault(key, _Paid(first))
        one.first_day = min(one.first_day, first)
        (one.after if is_after else one.before)[unit] = Amount(cost, quantity)
    return found


def resources_of(facts: Mapping[str, Any]) -> list[str]:
    """The resources of the bill that advice was about. An API key is none: it is not on a bill by itself."""
    if facts["resource_type"] == "api_key":
        return []
    return [facts["resource_id"]] if facts["resource_id"] else [one["resource_id"] for one in facts["acts_on"]]


def _row(key: str, done_on: date, facts: Mapping[str, Any], paid: _Paid, last: date | None) -> dict[str, Any]:
    days_before = (done_on - paid.first_day).days
    days_after = max((last - done_on).days, 0) if last else 0
    row: dict[str, Any] = {
        **dict.fromkeys(name for name, *_ in _COLUMNS),
        **{name: facts[name] for name in ("kind", "resource_id", "team", "currency")},
        "recommendation_id": key,
        "days_before": days_before,
        "days_after": days_after,
        "predicted_monthly_saving": Decimal(facts["monthly_saving"]),
        "predicted_low": Decimal(facts["monthly_saving_low"]),
        "predicted_high": Decimal(facts["monthly_saving_high"]),
        "done_on": done_on,
        "measured_to": last,
    }
    if not resources_of(facts):
        return row | {"note": "it acts on no single resource of the bill"}
    if not paid.before:
        return row | {"note": f"nothing was charged for it in the {DAYS_BEFORE} days before the change"}
    if not days_after or last is None:
        return row | {"note": "no whole day after the change is on the bill yet"}
    window = Window(done_on + timedelta(days=1), last)
    found = realised(facts["kind"], paid.before, days_before, paid.after, days_after, window)
    if found.method == "rate" and not paid.after:
        return row | {"note": "nothing of it was used after the change: it may have been replaced by another resource"}
    return row | {
        "method": found.method,
        "note": f"fewer than {VERIFIED_AFTER} days" if days_after < VERIFIED_AFTER else None,
        "counterfactual_cost": found.counterfactual,
        "actual_cost": found.actual,
        "realised_saving": found.saving,
        "realised_monthly_saving": found.monthly_saving,
        "is_in_band": row["predicted_low"] <= found.monthly_saving <= row["predicted_high"],
    }
