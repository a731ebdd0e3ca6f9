"""Alerts to send in tests."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from orchestration.lib.alerts.alert import Alert, Figure
from orchestration.lib.alerts.store import Message

DAY = date(2026, 10, 20)
FIGURE = Figure(
    title="Service Amazon EC2",
    dates=tuple(DAY - timedelta(days=back) for back in (2, 1, 0)),
    actual=(Decimal(100), None, Decimal("300.55")),
    expected=(Decimal(100), Decimal(101), Decimal(102)),
    currency="EUR",
    marked=(DAY,),
)


def alert(alert_id: str = "a", **changed: Any) -> Alert:
    """An alert; everything that a test does not care about is given."""
    values: dict[str, Any] = {
        "kind": "anomaly",
        "severity": "critical",
        "team": "Checkout",
        "title": "Service <EC2> & more: 198.55 EUR more than expected",
        "facts": (("cost", "300.55 EUR, expected 102.00 EUR"),),
        "text": "It cost more.",
        "occurred_on": DAY,
    }
    return Alert(alert_id=alert_id, **values | changed)


def message(receiver: str, *alerts: Alert) -> Message:
    return Message("0123456789abcdef0123456789abcdef", receiver, alerts or (alert(figure=FIGURE),))
