"""What must hold before a month can be signed: every reason against it, all at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import psycopg

from orchestration.lib import ledger, paths
from orchestration.lib.ai.fetch import unfinished_days
from orchestration.lib.built_state import is_built
from orchestration.lib.config import Config
from orchestration.lib.config_sources import Source
from orchestration.lib.config_store import section_hashes
from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.ai_usage import AI_USAGE
from orchestration.lib.formats.registry import READINGS
from orchestration.lib.ingest import find_deliveries, new_deliveries, open_storage
from reports.completeness import read_progress

Connection = psycopg.Connection[Any]
RUN_FIRST = "Run `finops run` first."


def check_order(connection: Connection, month: date) -> None:
    """Raise FinopsError where the month is none that can be closed next, whatever state it is in."""
    if connection.execute("select to_regclass('finops.chargeback_reports') is null").fetchone() == (True,):
        raise FinopsError(f"nothing has been built that could be closed. {RUN_FIRST}")
    closes = active_closes(connection)
    if month in closes:
        _, closed_at, closed_by = closes[month]
        raise FinopsError(f"{month:%Y-%m} is closed already: by {closed_by} on {closed_at:%Y-%m-%d %H:%M} UTC.")
    charged = [
        row[0] for row in connection.execute("select distinct billing_period from finops.daily_costs order by 1")
    ]
    if month not in charged:
        raise FinopsError(
            f"{month:%Y-%m} has no charges. There are charges of {charged[0]:%Y-%m} to {charged[-1]:%Y-%m}."
            if charged
            else f"{month:%Y-%m} has no charges, nor has any other month."
        )
    last = max(closes, default=None)
    if last is not None and month < last:
        raise FinopsError(
            f"{month:%Y-%m} is before {last:%Y-%m}, which is closed: its charges are adjustments in the first open month."
        )
    before = [one for one in charged if one < month and (last is None or one > last)]
    if before:
        others = f" to {before[-1]:%Y-%m}" if len(before) > 1 else ""
        raise FinopsError(
            f"{before[0]:%Y-%m}{others} must be closed before {month:%Y-%m}: months close in their order."
        )


def find_problems(
    database_url: str, connection: Connection, config: Config, month: date, accepted: Mapping[str, str]
) -> list[str]:
    """Everything that keeps a month from being closed, in words. `accepted`: invoice id -> why its difference is accepted."""
    return [
        *_pending(database_url, connection, config, month),
        *_incomplete(connection, config, month),
        *_stale(connection, config),
        *_gates(database_url),
        *_invoices(connection, month, accepted),
    ]


def active_closes(connection: Connection) -> dict[date, tuple[int, Any, str]]:
    """Closed month -> close id, when and by whom."""
    rows = connection.execute(
        "select billing_period, close_id, closed_at, closed_by from audit.closes"
        " where close_id not in (select close_id from audit.reopenings)"
    )
    return {month: (close_id, closed_at, closed_by) for month, close_id, closed_at, closed_by in rows}


def differences(connection: Connection, month: date) -> list[tuple[str, str, str, Any]]:
    """Invoices of a month that do not agree with what was delivered: id, issuer, currency and difference."""
    return connection.execute(
        "select distinct invoice_id, invoice_issuer_name, billing_currency, trim_scale(difference_cost)"
        " from finops.invoice_reconciliation where billing_period = %s and status = 'difference' order by 1, 2, 3",
        [month],
    ).fetchall()


def _pending(database_url: str, connection: Connection, config: Config, month: date) -> Iterator[str]:
    """What lies at a source for this month, or may be for it, and is not what is loaded."""
    for source in config.sources:
        try:
            found = find_deliveries(source, open_storage(source, config.path, paths.spool_dir()))
        except FinopsError as error:
            yield f"{source.name}: it cannot be seen whether there is a new delivery: {error}"
            continue
        for delivery in new_deliveries(database_url, source, found):
            if delivery.billing_period in (None, month):
                yield _why_pending(connection, source, delivery.fingerprint)
        days = unfinished_days(source, month) if source.is_fetched else []
        if days:
            yield (
                f"{source.name}: days of the month were not fetched since they ended: {len(days)}, from {days[0]} to "
                f"{days[-1]}. {RUN_FIRST}"
            )


def _why_pending(connection: Connection, source: Source, fingerprint: str) -> str:
    row = connection.execute(
        "select error from raw.deliveries where split_part(source_name, '/', 1) = %s and fingerprint = %s"
        " and status = 'rejected' and error <> %s order by delivery_id desc limit 1",
        [source.name, fingerprint, ledger.CUT_OFF],
    ).fetchone()
    if row is None:
        return f"{source.name}: a delivery of the month has not been taken in. {RUN_FIRST}"
    return f"{source.name}: a delivery was refused and still lies there: {row[0]}"


def _incomplete(connection: Connection, config: Config, month: date) -> Iterator[str]:
    progress = {line.source: line for line in read_progress(connection, month)}
    # Of a source that is fetched it is known whether the days are over, and a day without use has no charge.
    fetched = {source.name for source in config.sources if source.is_fetched}
    for line in progress.values():
        if not line.complete and line.source not in fetched:
            yield f"{line.source}: has charges up to {line.last_day}, and nothing later. The month is not over."
    last = dict(
        connection.execute("select source_name, max(billing_period) from finops.daily_costs group by 1").fetchall()
    )
    for source in config.sources:
        charges = any(reading.format is not AI_USAGE for reading in READINGS[source.format])
        if not charges or source.name in fetched:
            continue
        if source.name not in progress and last.get(source.name, month) <= month:
            yield f"{source.name}: has no charges of the month, and nothing later."


def _stale(connection: Connection, config: Config) -> Iterator[str]:
    stored = connection.execute("select section, content_hash from config.sections where superseded_at is null")
    if dict(stored.fetchall()) != section_hashes(config):
        yield f"the settings have changed since the marts were built. {RUN_FIRST}"
    elif not is_built(connection):
        yield f"the marts are not those of what is loaded now, or a test of them failed. {RUN_FIRST}"


def _gates(database_url: str) -> Iterator[str]:
    from orchestration.lib.gate import run_gate  # imports Great Expectations, which takes seconds
    from orchestration.lib.gate_suites import GATED_MARTS, SUITES

    for mart in (mart for mart in GATED_MARTS if SUITES[mart].for_closing):
        for failure in run_gate(database_url, mart).failures:
            yield f"the gate of {mart} is shut: not true that {failure.expectation} ({failure.observed})"


def _invoices(connection: Connection, month: date, accepted: Mapping[str, str]) -> Iterator[str]:
    found = differences(connection, month)
    for invoice_id, issuer, currency, difference in found:
        if invoice_id not in accepted:
            yield (
                f"invoice {invoice_id} of {issuer} differs from what was delivered by {currency} {difference:f}. Accept it with"
                f" --accept-difference {invoice_id} --reason TEXT, or correct its amount in the settings."
            )
    for invoice_id in sorted(accepted.keys() - {row[0] for row in found}):
        yield f"invoice {invoice_id} has no difference in {month:%Y-%m} that could be accepted."
