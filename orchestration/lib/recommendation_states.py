"""The table ml.recommendation_states: what became of each recommendation, in events that are only added."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ml.savings.portfolio import State
from orchestration.lib.audit import append, current_actor
from orchestration.lib.errors import FinopsError

BY_THE_RUN = "finops"
_LOCK = 7_204_062

_TABLES = """
create schema if not exists ml;
create table ml.recommendation_states (
    event_id bigint generated always as identity primary key,
    recommendation_id text not null,
    state text not null check (state in ('open', 'accepted', 'dismissed', 'done', 'verified', 'closed')),
    reason text,
    until date,
    decided_by text not null,
    decided_on date not null,
    facts jsonb not null,
    recorded_at timestamptz not null default now()
);
create index recommendation_states_by_id on ml.recommendation_states (recommendation_id, event_id desc);
comment on table ml.recommendation_states is
    'What became of recommendations: one row per event, only added to. Written by the asset ml/recommendations and finops recommendations.';
comment on column ml.recommendation_states.event_id is 'Number of the event; the highest of a recommendation is its state.';
comment on column ml.recommendation_states.recommendation_id is 'The recommendation, by the id that it has in every run.';
comment on column ml.recommendation_states.state is
    'open, accepted, dismissed, done, verified (seen on the bill) or closed (no longer found).';
comment on column ml.recommendation_states.reason is 'Why, in words.';
comment on column ml.recommendation_states.until is 'Of a dismissed one: the day from which it is shown again; null: never.';
comment on column ml.recommendation_states.decided_by is 'Who decided; finops where a run did.';
comment on column ml.recommendation_states.decided_on is
    'Day of the decision; of what is done, the day of the change; of a run, the last day of its usage.';
comment on column ml.recommendation_states.facts is 'The recommendation as it was then: what it promised is measured against this.';
comment on column ml.recommendation_states.recorded_at is 'When the row was written.';
create trigger kept before update or delete or truncate on ml.recommendation_states execute function audit.refuse_change();
alter table ml.recommendation_states enable always trigger kept;
"""
_CURRENT = """
select distinct on (recommendation_id) recommendation_id, state, reason, until, decided_by, decided_on, facts
from ml.recommendation_states order by recommendation_id, event_id desc
"""
_FACTS = """
select recommendation_id, jsonb_build_object(
    'kind', kind, 'provider', provider, 'origin', origin, 'resource_type', resource_type, 'resource_id', resource_id,
    'sub_account_id', sub_account_id, 'team', team, 'current', current, 'proposed', proposed, 'currency', currency,
    'monthly_cost', monthly_cost::text, 'monthly_saving', monthly_saving::text,
    'monthly_saving_low', monthly_saving_low::text, 'monthly_saving_high', monthly_saving_high::text,
    'acts_on', acts_on, 'window_start', window_start, 'as_of', as_of
) as facts
from ml.recommendations
"""
# What people may decide on, by the state it is in.
_FROM: dict[State, frozenset[State]] = {
    "accepted": frozenset({"open", "dismissed"}),
    "dismissed": frozenset({"open", "accepted"}),
    "done": frozenset({"open", "accepted", "dismissed"}),
}


@dataclass(frozen=True)
class Status:
    """The last event of a recommendation."""

    state: State
    decided_on: date
    reason: str | None = None
    until: date | None = None
    decided_by: str = BY_THE_RUN
    facts: Mapping[str, Any] = field(default_factory=dict)

    def on(self, day: date) -> State:
        """The state as of a day: what was dismissed until then is open again."""
        return "open" if self.state == "dismissed" and self.until is not None and self.until <= day else self.state


@dataclass(frozen=True)
class Event:
    """Something that a run found out about a recommendation."""

    recommendation_id: str
    state: State
    reason: str
    facts: Mapping[str, Any]


def ensure_states(connection: psycopg.Connection[Any]) -> None:
    """Create the table where it is missing, and let it only grow. Needs the audit log, whose trigger it uses."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        if connection.execute("select to_regclass('ml.recommendation_states') is null").fetchone() == (True,):
            connection.execute(_TABLES)


def current_states(connection: psycopg.Connection[Any]) -> dict[str, Status]:
    """The last event of every recommendation there ever was."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return {row.pop("recommendation_id"): Status(**row) for row in cursor.execute(_CURRENT).fetchall()}


def follow_up(
    before: Mapping[str, Status], now: Mapping[str, Mapping[str, Any]], as_of: date, why_gone: Mapping[str, str]
) -> list[Event]:
    """What a run changes: new ones are open, and those that it no longer finds are closed with why.

    What somebody dismissed stays so while it is not found, that it may not come back in between; what is done waits for the bill.
    `now`: id -> facts of what was found. `why_gone`: id -> why it is not found any more.
    """
    events = []
    for key, facts in sorted(now.items()):
        status = before.get(key)
        if status is None:
            events.append(Event(key, "open", "found", facts))
        elif status.state == "closed":
            events.append(Event(key, "open", "found again", facts))
        elif status.state == "dismissed" and status.on(as_of) == "open":
            events.append(Event(key, "open", f"was dismissed until {status.until}", facts))
    for key, status in sorted(before.items()):
        if key not in now and status.on(as_of) in ("open", "accepted"):
            events.append(Event(key, "closed", why_gone[key], status.facts))
    return events


def record(connection: psycopg.Connection[Any], events: Iterable[Event], as_of: date) -> None:
    """Add what a run found out."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "insert into ml.recommendation_states (recommendation_id, state, reason, decided_by, decided_on, facts)"
            " values (%s, %s, %s, %s, %s, %s)",
            [(e.recommendation_id, e.state, e.reason, BY_THE_RUN, as_of, Jsonb(dict(e.facts))) for e in events],
        )


def facts_of(connection: psycopg.Connection[Any]) -> dict[str, Mapping[str, Any]]:
    """The recommendations of the last run as the events keep them."""
    return dict(connection.execute(_FACTS).fetchall())


def decide(
    connection: psycopg.Connection[Any],
    recommendation: str,
    state: State,
    *,
    reason: str | None = None,
    until: date | None = None,
    on: date | None = None,
) -> str:
    """Write down what somebody decided, with an audit event, and return the whole id. `recommendation`: the beginning of its id.

    Raises FinopsError for an id that is none or several, and for a state that it cannot go to.
    """
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", [_LOCK])
        key, status = find(connection, recommendation)
        if status.state not in _FROM[state]:
            raise FinopsError(
                f"recommendation {key[:8]} is {status.state} since {status.decided_on}: it cannot become {state}."
            )
        facts = facts_of(connection).get(key, status.facts)
        actor = current_actor()
        connection.execute(
            "insert into ml.recommendation_states (recommendation_id, state, reason, until, decided_by, decided_on, facts)"
            " values (%s, %s, %s, %s, %s, coalesce(%s, cast(now() at time zone 'UTC' as date)), %s)",
            [key, state, reason, until, actor, on, Jsonb(dict(facts))],
        )
        details = {"state": state, "before": status.state, "reason": reason, "until": until, "on": on}
        append(
            connection,
            action="recommendation",
            subject=key,
            details={name: value for name, value in details.items() if value is not None},
        )
    return key


def find(connection: psycopg.Connection[Any], beginning: str) -> tuple[str, Status]:
    """The recommendation whose id begins so, and its state."""
    states = current_states(connection)
    keys = [key for key in states if key.startswith(beginning)] if beginning else []
    if len(keys) != 1:
        what = "is none" if not keys else f"is that of {len(keys)} recommendations: give more of it"
        raise FinopsError(f"{beginning!r} {what}. See `finops recommendations list --all`.")
    return keys[0], states[keys[0]]
