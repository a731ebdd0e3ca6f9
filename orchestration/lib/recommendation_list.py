"""What the commands on recommendations show: rows of the mart, totals without a euro twice, and the life of one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import psycopg
from psycopg.rows import dict_row

from orchestration.lib.errors import FinopsError
from orchestration.lib.recommendation_states import find

# Why one does not count: it is decided on or another's, or the one of its group or resource that does.
_ROWS = """
select
    r.*,
    case
        when r.is_counted then null
        when r.origin <> 'finops' then 'of ' || r.origin
        when r.state not in ('open', 'accepted') then r.state
        when r.effective_from is not null then 'saves from ' || r.effective_from || ' on'
        else coalesce(
            (
                select left(other.recommendation_id, 8) || ' counts in its place'
                from finops.recommendations as other
                where other.is_counted and other.recommendation_id <> r.recommendation_id
                    and (
                        other.exclusive_group = r.exclusive_group
                        or exists (
                            select from jsonb_array_elements(r.acts_on) as own
                            inner join jsonb_array_elements(other.acts_on) as theirs
                                on own ->> 'resource_id' = theirs ->> 'resource_id'
                        )
                    )
                order by other.overall_rank limit 1
            ),
            'the next run works it out'
        )
    end as why_not_counted
from finops.recommendations as r
where
    (cast(%(team)s as text) is null or r.team = %(team)s)
    and (cast(%(kind)s as text) is null or r.kind = %(kind)s)
    and (cast(%(state)s as text) is null or r.state = %(state)s)
    and (%(everything)s or cast(%(state)s as text) is not null or r.is_counted)
order by r.is_counted desc, r.overall_rank
"""
# Advice on the same resources, also that of the provider.
_BESIDE = """
select other.origin, other.kind, other.proposed, other.monthly_saving, other.currency, other.is_counted
from finops.recommendations as own
inner join finops.recommendations as other on own.recommendation_id <> other.recommendation_id
where own.recommendation_id = %s
    and exists (
        select from jsonb_array_elements(own.acts_on) as mine
        inner join jsonb_array_elements(other.acts_on) as theirs on mine ->> 'resource_id' = theirs ->> 'resource_id'
    )
order by other.overall_rank
"""
_EVENTS = """
select decided_on, state, decided_by, reason, until from ml.recommendation_states where recommendation_id = %s order by event_id
"""


def listed(
    connection: psycopg.Connection[Any], *, team: str | None, kind: str | None, state: str | None, everything: bool
) -> list[dict[str, Any]]:
    """Rows of the mart, those that count first, each other with why it does not."""
    _require_mart(connection)
    with connection.cursor(row_factory=dict_row) as cursor:
        values = {"team": team, "kind": kind, "state": state, "everything": everything}
        return cursor.execute(_ROWS, values).fetchall()


def totals(rows: Sequence[dict[str, Any]]) -> list[tuple[str, Decimal]]:
    """What rows that count save together, by currency."""
    counted = [row for row in rows if row["is_counted"]]
    return [
        (currency, sum((row["counted_saving"] for row in counted if row["currency"] == currency), Decimal(0)))
        for currency in sorted({row["currency"] for row in counted})
    ]


def described(
    connection: psycopg.Connection[Any], beginning: str
) -> tuple[list[tuple[str, str]], list[tuple[str, ...]]]:
    """Facts and events of one, in words. Of one that is no longer found the facts are those of its last event."""
    _require_mart(connection)
    key, status = find(connection, beginning)
    with connection.cursor(row_factory=dict_row) as cursor:
        row = cursor.execute("select * from finops.recommendations where recommendation_id = %s", [key]).fetchone()
    events = [
        tuple("" if value is None else str(value) for value in event)
        for event in connection.execute(_EVENTS, [key]).fetchall()
    ]
    if row is None:
        return [("recommendation_id", key), *((name, _word(value)) for name, value in status.facts.items())], events
    facts = [(name, _word(value)) for name, value in row.items() if value not in (None, [])]
    for origin, kind, proposed, saving, currency, is_counted in connection.execute(_BESIDE, [key]).fetchall():
        counted = ", which counts" if is_counted else ""
        facts.append(("beside it", f"{origin}: {kind}, {proposed}, {saving:,.2f} {currency} a month{counted}"))
    return facts, events


def measured(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """What was done, and what it saved."""
    _require_mart(connection)
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from finops.realised_savings order by done_on, recommendation_id").fetchall()


def calibration(connection: psycopg.Connection[Any]) -> list[dict[str, Any]]:
    """How far promises hold, by kind."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from finops.savings_calibration order by kind, currency").fetchall()


def _word(value: Any) -> str:
    if isinstance(value, Decimal):
        return f"{value:,.2f}"
    return json.dumps(value, ensure_ascii=False, indent=1) if isinstance(value, dict | list) else str(value)


def _require_mart(connection: psycopg.Connection[Any]) -> None:
    if connection.execute("select to_regclass('finops.recommendations') is null").fetchone() == (True,):
        raise FinopsError("there are no recommendations yet: the marts are not made. Run `finops run` first.")
