"""An alert to try receivers with."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

from orchestration.lib.alerts.alert import Alert, Figure


def example(day: date, link: str | None) -> Alert:
    """An alert of nothing, to see whether and how alerts arrive."""
    days = tuple(day - timedelta(days=back) for back in range(27, -1, -1))
    usual = [Decimal(380 + (40 if one.weekday() < 5 else 0) + one.day % 4 * 7) for one in days]
    figure = Figure(
        title="Service Example Compute",
        dates=days,
        actual=(*usual[:-2], Decimal(930), Decimal(1015)),
        expected=tuple(usual),
        currency="USD",
        marked=days[-2:],
    )
    return Alert(
        alert_id="test",
        kind="anomaly",
        severity="critical",
        team=None,
        title="Test: service Example Compute, 1,105.00 USD more than expected",
        facts=(("cost", "1,945.00 USD, expected 840.00 USD (+132 %)"), ("account 000123456789", "+1,105.00 USD")),
        text="This is a test of the alerts. Nothing has happened, and there is nothing to do.",
        occurred_on=day,
        link=link and link.replace("{month}", f"{day:%Y-%m}"),
        figure=figure,
    )
