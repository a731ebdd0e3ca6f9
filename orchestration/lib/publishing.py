"""Which monthly reports are out of date: a report is written again when the figures it shows have changed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import psycopg

from orchestration.lib import paths

# A report shows its month and the months before it: what those days were built from, whether a later month has come since
# (the month is then complete), which closes were taken back, what the settings say, what is recommended, where a month in
# progress is expected to end, and what was unusual: by what is shown of an incident and not by the id of its run, which is of all
# incidents and would write every month again. A close itself changes its own report alone, which then stays as it was signed.
_DIGESTS = """
with months as (
    select distinct billing_period from finops.daily_costs
),

shown as (
    select distinct months.billing_period, costs.source_name, costs.delivery_period
    from months
    inner join finops.daily_costs as costs on costs.billing_period <= months.billing_period
),

built as (
    select
        shown.billing_period,
        string_agg(
            days.source_name || days.charge_date || days.digest, ','
            order by days.source_name, days.delivery_period, days.charge_date
        ) as digest
    from shown
    inner join intermediate.built_days as days
        on days.model = 'daily_costs' and days.source_name = shown.source_name and days.delivery_period = shown.delivery_period
    group by shown.billing_period
),

newest as (
    select source_name, max(delivery_period) as delivery_period from finops.daily_costs group by source_name
)

select
    built.billing_period,
    coalesce('closed ' || closed.close_id || ' ' || closed.content_hash, md5(
        built.digest
        || (select string_agg((newest.delivery_period > built.billing_period)::text, ',' order by newest.source_name) from newest)
        || (select string_agg(content_hash, ',' order by section) from config.sections where superseded_at is null)
        || (select coalesce(string_agg(close_id::text, ',' order by close_id), '') from audit.reopenings)
        || coalesce((select string_agg(content_hash, ',' order by driver) from config.driver_versions where superseded_at is null), '')
        || coalesce((
            select min(run_id) from finops.recommendations where date_trunc('month', as_of) = built.billing_period
        ), '')
        || coalesce((
            select min(run_id) from finops.forecast_periods
            where period_kind = 'month' and period_start = built.billing_period and trained_to >= period_start
        ), '')
        || coalesce((
            select string_agg(
                concat_ws(' ', anomaly_id, severity, feedback, team, impact_cost, started_on, ended_on, last_seen_on, drivers), ','
                order by anomaly_id
            )
            from finops.anomalies
            where
                started_on < built.billing_period + interval '1 month'
                and coalesce(ended_on, last_seen_on) >= built.billing_period
        ), '')
    ))
from built
left join finops.closed_periods as closed using (billing_period)
order by built.billing_period
"""


def publish_reports(
    connection: psycopg.Connection, months: Iterable[date], out_dir: Path, told: Callable[[str], None]
) -> list[Path]:
    """Write the report of every month whose figures differ from what was last written.

    `months` limits nothing that changed: a rule can change months that no delivery touched. They are the months to answer
    for: their pages are returned. `told` is called with each report that is written.
    """
    from reports.chargeback import write_chargeback_report  # imports Plotly and pandas

    version = _version()
    digests = {month: f"{digest}-{version}" for month, digest in connection.execute(_DIGESTS).fetchall()}
    record = out_dir / "digests.json"
    written: dict[str, str] = json.loads(record.read_text()) if record.exists() else {}
    for month, digest in digests.items():
        key = f"{month:%Y-%m}"
        if written.get(key) == digest and all(path.exists() for path in report_files(out_dir, month)):
            continue
        write_chargeback_report(connection, month, out_dir)
        told(key)
        written[key] = digest
        temporary = record.with_suffix(".tmp")
        temporary.write_text(json.dumps(written, indent=1, sort_keys=True))
        temporary.replace(record)
    return [report_files(out_dir, month)[0] for month in sorted(set(months) & digests.keys())]


def report_files(out_dir: Path, month: date) -> tuple[Path, Path]:
    """Where the HTML and the CSV of a month are."""
    return out_dir / f"chargeback-{month:%Y-%m}.html", out_dir / f"chargeback-{month:%Y-%m}.csv"


def _version() -> str:
    """Digest of what draws the reports: a new version writes them all again."""
    digest = hashlib.sha256()
    for path in sorted((paths.project_root() / "reports").rglob("*")):
        if path.is_file() and path.suffix in {".py", ".j2", ".css", ".js"}:
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
