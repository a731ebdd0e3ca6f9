"""Alerts of new recommendations: rows of finops.recommendations in words, each told once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from orchestration.lib.alerts.alert import Alert
from orchestration.lib.alerts.money import amount


def from_recommendations(rows: Iterable[Mapping[str, Any]], link: str | None = None) -> list[Alert]:
    """An alert for each recommendation that counts in the total and saves something, the largest saving first."""
    counted = [row for row in rows if row["group_rank"] == 1 and row["monthly_saving"] > 0]
    return [_alert(row, link) for row in sorted(counted, key=lambda row: row["overall_rank"])]


def _alert(row: Mapping[str, Any], link: str | None) -> Alert:
    saving = amount(row["monthly_saving"], row["currency"])
    band = (
        f"{amount(row['monthly_saving_low'], row['currency'])} to {amount(row['monthly_saving_high'], row['currency'])}"
    )
    return Alert(
        alert_id=f"recommendation:{row['recommendation_id']}",
        kind="recommendation",
        severity="low",
        team=row["team"],
        title=f"Save {saving} a month: {row['resource_id'] or row['current']}",
        facts=(
            ("saving a month", f"{saving} ({band})"),
            ("now", row["current"]),
            ("proposed", row["proposed"]),
            ("effort, risk", f"{row['effort']}, {row['risk']}"),
        ),
        text=f"{row['change']} {row['reason']}",
        occurred_on=row["as_of"],
        link=link and link.replace("{month}", f"{row['as_of']:%Y-%m}"),
    )
