"""Which monthly reports are out of date: a report is written again when the figures it shows have changed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import date
from pathlib import Path

import psycopg

# A report shows its month and the months before it, so its digest runs over all of these, and over what the settings say.
_DIGESTS = """
with months as (
    select billing_period, md5(string_agg(t::text, chr(10) order by t::text)) as digest
    from (
        select billing_period, chargeback_id, billed_cost, effective_cost, contracted_cost, list_cost, owner.owner
        from finops.chargeback_reports as c
        left join finops.teams as owner on owner.team = c.team
    ) as t
    group by billing_period
),

invoices as (
    select billing_period, md5(string_agg(i::text, chr(10) order by i::text)) as digest
    from finops.invoice_reconciliation as i
    group by billing_period
)

select m.billing_period, md5(string_agg(p.digest || coalesce(i.digest, '') || s.digest, ',' order by p.billing_period)) as digest
from months as m
inner join months as p on p.billing_period <= m.billing_period
left join invoices as i on i.billing_period = p.billing_period
cross join (
    select md5(string_agg(content_hash, ',' order by section)) as digest from config.sections where superseded_at is null
) as s
group by m.billing_period
order by m.billing_period
"""


def publish_reports(
    connection: psycopg.Connection, months: Iterable[date], out_dir: Path, told: Callable[[str], None]
) -> list[Path]:
    """Write the report of every month whose figures differ from what was last written.

    `months` limits nothing that changed: a rule can change months that no delivery touched. They are the months to answer
    for: their pages are returned. `told` is called with each report that is written.
    """
    from reports.chargeback import write_chargeback_report  # imports Plotly and pandas

    digests: dict[date, str] = dict(connection.execute(_DIGESTS).fetchall())
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
