"""Alerts of budgets: rows of finops.budget_events in words. A threshold of a budget and period is told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from orchestration.lib.alerts.alert import Alert
from orchestration.lib.alerts.from_anomalies import capital, subject
from orchestration.lib.alerts.money import amount

# A period that ended longer ago is history: a first run over a year of bills tells of none of its months. So many days after its
# end a month is billed in full.
_RECENT = timedelta(days=10)


def from_budgets(rows: Iterable[Mapping[str, Any]], newest: date, link: str | None = None) -> list[Alert]:
    """An alert for each threshold that was reached in a period that goes on, or ended lately. `newest`: the last day delivered."""
    return [_alert(row, link) for row in rows if row["period_end"] >= newest - _RECENT]


def _alert(row: Mapping[str, Any], link: str | None) -> Alert:
    scope, currency = subject(row["scope_type"], row["scope_name"]), row["budget_currency"]
    share = f"{(Decimal(row['threshold_share']) * 100).normalize():f} %"
    is_forecast = row["threshold_kind"] == "forecast"
    verb = "is expected to reach" if is_forecast else "has reached"
    budget = amount(row["budget_cost"], currency)
    expected, probability = row["expected_cost"], row["overrun_probability"]
    return Alert(
        alert_id=f"budget:{row['budget_event_id']}",
        kind="forecast" if is_forecast else "budget",
        severity=row["severity"],
        team=row["scope_name"] if row["scope_type"] == "team" else None,
        title=f"{capital(scope)} {verb} {share} of its budget of {_period(row['period_kind'], row['period_start'])}",
        facts=(
            ("budget", budget),
            ("charged so far", amount(row["actual_cost"], currency)),
            *((("expected at the end", amount(expected, currency)),) if expected is not None else ()),
            *((("overrun", f"{probability * 100:.0f} % probable"),) if probability is not None else ()),
            ("answers for it", row["owner"]),
        ),
        text=f"{share} of {budget}: {'expected' if is_forecast else 'charged'} as of {row['reached_on']}.",
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
