"""The monthly close: what a month's chargeback was when it was signed, kept for ever with all that it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from orchestration.lib import ledger, paths
from orchestration.lib.audit import append, current_actor, plain
from orchestration.lib.built_state import is_built
from orchestration.lib.close_checks import RUN_FIRST, Connection, active_closes, check_order, differences, find_problems
from orchestration.lib.close_tables import SIGNED_COLUMNS
from orchestration.lib.config import Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.publishing import publish_reports, report_files
from orchestration.lib.warehouse import ensure_warehouse

_MEASURES = tuple(name for name in SIGNED_COLUMNS if name.endswith(("_cost", "_markup")))
_COLUMNS = sql.SQL(", ").join(map(sql.Identifier, SIGNED_COLUMNS))

# Loads, settings and builds wait for the moment in which a month is signed; who only reads does not.
_HOLD = "lock table raw.scopes, config.sections, finops.daily_costs, finops.chargeback_reports in share mode"

# A JSON list tells null from the text 'null', keeps every digit, and writes a date in one way whatever the server's settings.
_ROWS_HASH = """
select
    count(*),
    encode(sha256(convert_to(coalesce(string_agg(hash, '' order by hash collate "C"), ''), 'UTF8')), 'hex')
from (
    select encode(sha256(convert_to(jsonb_build_array({columns})::text, 'UTF8')), 'hex') as hash from {table} where {key} = %s
) as hashed
"""

# The deliveries that hold charges of the month, or of months before it, which it may adjust.
_DELIVERIES = """
select s.source_name, s.billing_period, s.delivery_id, d.fingerprint, d.content_hash, d.line_count
from raw.scopes as s
inner join raw.deliveries as d using (delivery_id)
where (s.source_name, s.billing_period) in (
    select source_name, delivery_period from finops.daily_costs where billing_period <= %s
)
order by 1, 2
"""


@dataclass(frozen=True)
class Reopening:
    """When, by whom and why a close was taken back."""

    reopened_at: datetime
    reopened_by: str
    reason: str


@dataclass(frozen=True)
class Close:
    """A month as it was signed. `record`: its totals, rule versions, input deliveries and accepted differences."""

    close_id: int
    billing_period: date
    closed_at: datetime
    closed_by: str
    row_count: int
    content_hash: str
    record: Mapping[str, Any]
    reopening: Reopening | None = None

    def details(self) -> dict[str, Any]:
        """All of it as the audit log keeps it."""
        own = {name: value for name, value in vars(self).items() if name not in ("record", "reopening")}
        return {**own, "closed_at": self.closed_at.astimezone(UTC), **self.record}


def close_month(
    database_url: str,
    config: Config,
    month: date,
    *,
    accepted: Mapping[str, str] | None = None,
    actor: str | None = None,
) -> Close:
    """Sign a month, given as its first day: keep its rows and what they came from, in one transaction.

    `accepted`: invoice id -> why its difference is accepted. Raises FinopsError that names everything in the way; then, and
    wherever it is killed, nothing is closed.
    """
    accepted = accepted or {}
    with ledger.connect(database_url) as connection:
        ensure_warehouse(connection)
        with connection.transaction():
            _one_at_a_time(connection)
            check_order(connection, month)
            problems = find_problems(database_url, connection, config, month, accepted)
            if problems:
                listed = "\n".join(f"  {problem}" for problem in problems)
                raise FinopsError(f"{month:%Y-%m} cannot be closed:\n{listed}")
            connection.execute(_HOLD)
            if not is_built(connection):
                raise FinopsError(f"something was loaded while {month:%Y-%m} was checked. {RUN_FIRST}")
            return _sign(connection, month, accepted, actor or current_actor())


def close_and_report(
    database_url: str, config: Config, month: date, accepted: Mapping[str, str] | None = None
) -> tuple[Close, Path]:
    """Sign a month and write its report, which says so; returns the close and the page."""
    closed = close_month(database_url, config, month, accepted=accepted)
    with psycopg.connect(database_url) as connection:
        publish_reports(connection, [month], paths.reports_dir(), lambda _: None)
    return closed, report_files(paths.reports_dir(), month)[0]


def reopen_month(database_url: str, month: date, reason: str, *, actor: str | None = None) -> int:
    """Take back the close of the last closed month, and return the id of that close. What was signed is kept."""
    if not reason.strip():
        raise FinopsError("a month is reopened for a reason: say it.")
    with ledger.connect(database_url) as connection:
        ensure_warehouse(connection)
        with connection.transaction():
            _one_at_a_time(connection)
            closes = active_closes(connection)
            last = max(closes, default=None)
            if month not in closes:
                raise FinopsError(f"{month:%Y-%m} is not closed.")
            if month != last:
                raise FinopsError(f"{month:%Y-%m} cannot be reopened while {last:%Y-%m} is closed: reopen that first.")
            close_id, who = closes[month][0], actor or current_actor()
            connection.execute(
                "insert into audit.reopenings values (%s, clock_timestamp(), %s, %s)", [close_id, who, plain(reason)]
            )
            append(
                connection,
                action="reopen",
                subject=f"{month:%Y-%m}",
                details={"close_id": close_id, "reason": reason},
                actor=who,
            )
            return close_id


def list_closes(connection: Connection) -> list[Close]:
    """Every close there ever was, the oldest first."""
    taken_back = connection.execute(
        "select close_id, reopened_at, reopened_by, reason from audit.reopenings"
    ).fetchall()
    reopenings = {close_id: Reopening(at, by, reason) for close_id, at, by, reason in taken_back}
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(
            "select close_id, billing_period, closed_at, closed_by, row_count, content_hash, record from audit.closes order by 1"
        ).fetchall()
    return [Close(**row, reopening=reopenings.get(row["close_id"])) for row in rows]


def verify_closes(connection: Connection) -> list[str]:
    """What does not agree between the signed rows, their closes and the audit log, in words."""
    found = []
    closed, reopened = _logged(connection, "close"), _logged(connection, "reopen")
    stored = {close.close_id: close for close in list_closes(connection)}
    for close_id in sorted(stored.keys() | closed.keys() | reopened.keys()):
        close = stored.get(close_id)
        if close is None or close_id not in closed:
            found.append(f"close {close_id} is only in {'the audit log' if close is None else 'audit.closes'}")
        elif plain(close.details()) != closed[close_id]:
            found.append(f"close {close_id} is not what the audit log says of it")
        elif _hash_of_rows(connection, "audit", "chargebacks", "close_id", close_id) != (
            close.row_count,
            close.content_hash,
        ):
            found.append(f"the rows of close {close_id} are not those that were signed")
        reason = close.reopening.reason if close and close.reopening else None
        if reason != reopened.get(close_id, {}).get("reason"):
            found.append(f"the reopening of close {close_id} is not what the audit log says of it")
    return found


def _one_at_a_time(connection: Connection) -> None:
    connection.execute("lock table audit.closes in share row exclusive mode")


def _logged(connection: Connection, action: str) -> dict[int, dict[str, Any]]:
    """Close id -> what the audit log says that was done to it."""
    rows = connection.execute(
        "select details from audit.events where action = %s and jsonb_exists(details, 'close_id')", [action]
    )
    return {details["close_id"]: details for (details,) in rows}


def _sign(connection: Connection, month: date, accepted: Mapping[str, str], actor: str) -> Close:
    row_count, content_hash = _hash_of_rows(connection, "finops", "chargeback_reports", "billing_period", month)
    record = plain(_record(connection, month, accepted))
    row = connection.execute(
        "insert into audit.closes"
        " select coalesce(max(close_id), 0) + 1, %s, clock_timestamp(), %s, %s, %s, %s from audit.closes"
        " returning close_id, closed_at",
        [month, plain(actor), row_count, content_hash, Jsonb(record)],
    ).fetchone()
    assert row is not None
    close_id, closed_at = row
    connection.execute(
        sql.SQL(
            "insert into audit.chargebacks (close_id, {columns})"
            " select %s, {columns} from finops.chargeback_reports where billing_period = %s"
        ).format(columns=_COLUMNS),
        [close_id, month],
    )
    close = Close(close_id, month, closed_at, actor, row_count, content_hash, record)
    append(connection, action="close", subject=f"{month:%Y-%m}", details=close.details(), actor=actor)
    return close


def _hash_of_rows(connection: Connection, schema: str, table: str, key: str, value: object) -> tuple[int, str]:
    """How many rows have a value in a column, and the sha256 of their content, in whatever order they are stored."""
    query = sql.SQL(_ROWS_HASH).format(columns=_COLUMNS, table=sql.Identifier(schema, table), key=sql.Identifier(key))
    row = connection.execute(query, [value]).fetchone()
    assert row is not None
    return row[0], row[1]


def _record(connection: Connection, month: date, accepted: Mapping[str, str]) -> dict[str, Any]:
    """What is kept with the rows of a month: what they add up to, what they were made from, and what was accepted."""
    sums = sql.SQL(", ").join(
        sql.SQL("trim_scale(sum({0})) as {0}").format(sql.Identifier(measure)) for measure in _MEASURES
    )
    totals = sql.SQL(
        "select source_name, billing_currency, adjusts_billing_period, {} from finops.chargeback_reports"
        " where billing_period = %s group by 1, 2, 3 order by 1, 2, 3"
    ).format(sums)
    sections = connection.execute("select section, content_hash from config.sections where superseded_at is null")
    not_compared = connection.execute(
        "select distinct invoice_id from finops.invoice_reconciliation"
        " where billing_period = %s and status = 'no_invoice' and invoice_id is not null order by 1",
        [month],
    )
    with connection.cursor(row_factory=dict_row) as cursor:
        return {
            "totals": cursor.execute(totals, [month]).fetchall(),
            "deliveries": cursor.execute(_DELIVERIES, [month]).fetchall(),
            "rule_versions": dict(sections.fetchall()),
            "accepted_differences": [
                {
                    "invoice_id": invoice_id,
                    "invoice_issuer_name": issuer,
                    "billing_currency": currency,
                    "difference_cost": difference,
                    "reason": accepted[invoice_id],
                }
                for invoice_id, issuer, currency, difference in differences(connection, month)
            ],
            "invoices_without_amount": [row[0] for row in not_compared],
        }
