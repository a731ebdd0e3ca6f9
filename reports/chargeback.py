"""The chargeback report of a month: one HTML page that needs nothing else, and its numbers as CSV."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from reports.assembly import HISTORY_MONTHS, read_report
from reports.export import reconciliation_csv, services_csv, statement_csv
from reports.files import write_whole
from reports.page import render
from reports.queries import SERVICES, STATEMENT, Question, ask, one_view


@dataclass(frozen=True)
class ReportFiles:
    """Where a report was written: the page, and as CSV its statement, its services and its reconciliation."""

    html: Path
    csv: Path
    services_csv: Path
    reconciliation_csv: Path


def write_chargeback_report(connection: psycopg.Connection[Any], billing_period: date, out_dir: Path) -> ReportFiles:
    """Write the report of a billing month (its first day) into a folder, over the former one.

    The same marts and configuration give the same bytes, and each file appears whole or not at all. Raises ValueError
    for a day that is not the first of a month, psycopg.Error where the marts or the configuration cannot be read, and
    OSError where the files cannot be written.
    """
    if billing_period.day != 1:
        raise ValueError(f"{billing_period} is not the first day of a month")
    with one_view(connection):
        report = read_report(connection, billing_period)
        question = Question.of(billing_period, report.basis, HISTORY_MONTHS)
        rows = ask(connection, STATEMENT, question)
        services = ask(connection, SERVICES, question)
    stem = f"chargeback-{billing_period:%Y-%m}"
    files = ReportFiles(
        html=out_dir / f"{stem}.html",
        csv=out_dir / f"{stem}.csv",
        services_csv=out_dir / f"{stem}-services.csv",
        reconciliation_csv=out_dir / f"{stem}-reconciliation.csv",
    )
    names = [files.csv.name, files.services_csv.name, files.reconciliation_csv.name]
    out_dir.mkdir(parents=True, exist_ok=True)
    write_whole(files.csv, statement_csv(rows))
    write_whole(files.services_csv, services_csv(services, report.basis))
    write_whole(files.reconciliation_csv, reconciliation_csv(report))
    write_whole(files.html, render(report, names).encode())
    return files
