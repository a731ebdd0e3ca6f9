"""A message in words: as plain text, as HTML and as JSON."""

from __future__ import annotations

from html import escape
from typing import Any

from orchestration.lib.alerts.alert import Alert, Severity
from orchestration.lib.alerts.store import Message

COLOURS: dict[Severity, str] = {"critical": "#b91c1c", "high": "#c2410c", "medium": "#a16207", "low": "#475569"}
_FONT = "font-family:-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif"


def plain(message: Message) -> str:
    """The message as people read it in a terminal."""
    return "\n\n\n".join(_plain(alert) for alert in message.alerts) + "\n"


def _plain(alert: Alert) -> str:
    lines = [f"{alert.severity.upper()}: {alert.title}", "", alert.text, ""]
    width = max((len(name) for name, _ in facts(alert)), default=0)
    lines += [f"  {name:<{width}}  {value}" for name, value in facts(alert)]
    return "\n".join([*lines, *(["", alert.link] if alert.link else [])])


def facts(alert: Alert) -> tuple[tuple[str, str], ...]:
    """Its facts, the day and the team among them."""
    return (
        ("day", alert.occurred_on.isoformat()),
        *((("team", alert.team),) if alert.team else ()),
        *alert.facts,
    )


def html(message: Message, pictures: dict[str, str]) -> str:
    """The message as a page without anything to fetch. `pictures`: alert id -> address of its picture within the mail."""
    alerts = "".join(_html(alert, pictures.get(alert.alert_id)) for alert in message.alerts)
    return (
        f'<!doctype html><html><body style="margin:0;padding:24px;background:#f3f4f6;{_FONT};color:#1f2933">'
        f'<div style="max-width:680px;margin:0 auto">{alerts}</div></body></html>'
    )


def _html(alert: Alert, address: str | None) -> str:
    colour = COLOURS[alert.severity]
    rows = "".join(
        f'<tr><td style="padding:3px 20px 3px 0;color:#616e7c;vertical-align:top;white-space:nowrap">{escape(name)}</td>'
        f'<td style="padding:3px 0">{escape(value)}</td></tr>'
        for name, value in facts(alert)
    )
    shown = (
        f'<img src="{escape(address)}" alt="{escape(alert.figure.title)}" width="620" style="max-width:100%;margin-top:14px">'
        if address and alert.figure
        else ""
    )
    link = (
        f'<p style="margin:14px 0 0"><a href="{escape(alert.link)}" style="color:#2563a8">Open</a></p>'
        if alert.link
        else ""
    )
    return (
        f'<div style="background:#fff;border-left:5px solid {colour};border-radius:4px;padding:18px 22px;margin-bottom:16px">'
        f'<div style="color:{colour};font-size:12px;font-weight:600;letter-spacing:.06em;text-transform:uppercase">{alert.severity}</div>'
        f'<div style="font-size:18px;font-weight:600;margin:4px 0 8px">{escape(alert.title)}</div>'
        f'<p style="margin:0 0 10px;line-height:1.45;white-space:pre-line">{escape(alert.text)}</p>'
        f'<table style="border-collapse:collapse;font-size:14px">{rows}</table>{shown}{link}</div>'
    )


def as_json(message: Message) -> dict[str, Any]:
    """The message for programs. Amounts are texts."""
    return {
        "message_id": message.message_id,
        "subject": message.subject,
        "alerts": [
            {
                "alert_id": alert.alert_id,
                "kind": alert.kind,
                "severity": alert.severity,
                "team": alert.team,
                "title": alert.title,
                "text": alert.text,
                "facts": dict(alert.facts),
                "occurred_on": alert.occurred_on.isoformat(),
                "link": alert.link,
            }
            for alert in message.alerts
        ],
    }
