"""A report's numbers as CSV: exact, one row per fact, to be opened by people and by programs."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from reports.queries import Row
from reports.statement import Report

_STATEMENT = (
    "billing_period", "billing_currency", "team", "cost_center", "project", "cost_type", "allocation_rule",
    "allocation_method", "allocation_share", "source_name", "billing_account_id", "sub_account_id", "charge_category",
    "billed_cost", "effective_cost", "contracted_cost", "list_cost", "billed_markup", "effective_markup",
    "contracted_markup", "list_markup", "adjusts_billing_period", "adjusts_close_id",
)  # fmt: skip
_SERVICES = (
    "billing_currency", "team", "cost_type", "service_name", "service_category", "cost_basis", "cost",
    "cost_month_before",
)  # fmt: skip
_RECONCILIATION = (
    "billing_currency", "source_name", "invoice_issuer_name", "invoice_id", "delivered_cost", "reported_cost",
    "charged_cost", "invoiced_cost", "difference_cost",
)  # fmt: skip
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def statement_csv(rows: Iterable[Row]) -> bytes:
    """What each team pays, at the finest grain that is charged back, in all four cost bases."""
    return _to_csv(_STATEMENT, rows)


def services_csv(rows: Iterable[Row], basis: str) -> bytes:
    """What each service cost its owner before pools are shared, and in the month before."""
    return _to_csv(_SERVICES, ({**row, "cost_basis": basis, "cost_month_before": row["previous"]} for row in rows))


def reconciliation_csv(report: Report) -> bytes:
    """The bill of each source on its way to the teams, and each invoice beside what was delivered for it."""
    rows: list[Row] = []
    for statement in report.statements:
        rows += [
            {
                "billing_currency": statement.currency,
                "source_name": line.source,
                "delivered_cost": line.delivered,
                "reported_cost": line.reported,
                "charged_cost": line.charged,
                "difference_cost": line.difference,
            }
            for line in statement.sources
        ]
        rows += [
            {
                "billing_currency": statement.currency,
                "invoice_issuer_name": line.issuer,
                "invoice_id": line.invoice_id,
                "delivered_cost": line.delivered,
                "invoiced_cost": line.invoiced,
                "difference_cost": line.difference,
            }
            for line in statement.invoices
        ]
    return _to_csv(_RECONCILIATION, rows)


def _to_csv(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """Rows with a header, sorted by their texts, so that they do not depend on how a database sorts.

    UTF-8 with the mark by which spreadsheets know it. Amounts are exact, with a point. A text that a spreadsheet would
    run as a formula gets an apostrophe in front: names come from anyone who may tag a resource.
    """
    lines = sorted([_cell(row.get(column)) for column in columns] for row in rows)
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([list(columns), *lines])
    return out.getvalue().encode("utf-8-sig")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    text = str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
