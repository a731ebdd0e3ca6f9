"""Alerts of budgets: rows of finops.budget_events in words. A threshold of a budget and period is told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from orchestration.lib.alerts.alert import Alert
from orchestration.lib.alerts.from_anomalies import subject
from orchestration.lib.alerts.money import amount

# A period that ended longer ago is history; a delivery may be late by as much.
_RECENT = timedelta(days=31)


def from_budgets(rows: Iterable[Mapping[str, Any]], newest: date, link: str | None = None) -> list[Alert]:
    """An alert for each threshold that was reached in a period that goes on, or ended lately. `newest`: the last day with costs."""
    return [_alert(row, link) for row in rows if row["period_end"] >= newest - _RECENT]


def _alert(row: Mapping[str, Any], link: str | None) -> Alert:
    scope = subject(row["dimension"], row["dimension_value"])
    share = f"{Decimal(row['threshold_share']) * 100:f}".rstrip("0").rstrip(".")
    period = _period(row["period_kind"], row["period_start"])
    is_forecast = row["threshold_kind"] == "forecast"
    verb = "is forecast to reach" if is_forecast else "has reached"
    identity = (row["dimension"], row["dimension_value"], row["currency"], row["period_kind"], row["period_start"])
    return Alert(
        alert_id="budget:" + ":".join(map(str, (*identity, row["threshold_kind"], share))),
        kind="forecast" if is_forecast else "budget",
        severity=row["severity"],
        team=row["dimension_value"] if row["dimension"] == "team" else None,
        title=f"{scope[0].upper()}{scope[1:]} {verb} {share} % of its budget of {period}",
        facts=(
            ("budget", amount(row["budget_amount"], row["currency"])),
            ("spent so far", amount(row["actual_cost"], row["currency"])),
            *(
                (("forecast at the end", amount(row["forecast_cost"], row["currency"])),)
                if row["forecast_cost"] is not None
                else ()
            ),
        ),
        text=f"By {row['reached_on']}, {scope} {'would spend' if is_forecast else 'had spent'} {share} % "
        f"of {amount(row['budget_amount'], row['currency'])}.",
        occurred_on=row["reached_on"],
        link=link and link.replace("{month}", f"{row['reached_on']:%Y-%m}"),
    )


def _period(kind: str, start: date) -> str:
    """A period in words.

    >>> _period("quarter", date(2026, 4, 1)), _period("month", date(2026, 4, 1))
    ('the second quarter of 2026', 'April 2026')
    """
    if kind == "year":
        return str(start.year)
    if kind == "quarter":
        return f"the {('first', 'second', 'third', 'fourth')[start.month // 3]} quarter of {start.year}"
    return f"{start:%B %Y}"
