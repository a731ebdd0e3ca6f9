"""PagerDuty's Events API v2: an event for each alert. One alert opens one incident, however often it is sent, and its end closes it."""

from __future__ import annotations

import json

from orchestration.lib.alerts.alert import Alert, Severity
from orchestration.lib.alerts.channels.posting import post
from orchestration.lib.alerts.outcome import Channel, Outcome, Sent
from orchestration.lib.alerts.store import Message
from orchestration.lib.alerts.words import facts
from orchestration.lib.config_alerting import PagerDutySettings

_SEVERITIES: dict[Severity, str] = {"critical": "critical", "high": "error", "medium": "warning", "low": "info"}
_LONGEST_SUMMARY = 1024
_LONGEST_KEY = 255


def pagerduty(settings: PagerDutySettings, timeout: float) -> Channel:
    address = f"{settings.url.rstrip('/')}/v2/enqueue"

    def send(message: Message) -> Outcome:
        for alert in message.alerts:
            event = {"routing_key": settings.routing_key.get_secret_value(), **_event(alert)}
            outcome = post(address, json.dumps(event).encode(), {}, "PagerDuty", timeout)
            # What was taken before is taken again with the rest: its key keeps it one incident.
            if not isinstance(outcome, Sent):
                return outcome
        return Sent()

    return send


def _event(alert: Alert) -> dict[str, object]:
    if alert.resolves:
        return {"event_action": "resolve", "dedup_key": alert.resolves[:_LONGEST_KEY]}
    return {
        "event_action": "trigger",
        "dedup_key": alert.alert_id[:_LONGEST_KEY],
        "client": "FinOps",
        "links": [{"href": alert.link, "text": "Open"}] if alert.link else [],
        "payload": {
            "summary": alert.title[:_LONGEST_SUMMARY],
            "source": "finops-platform",
            "severity": _SEVERITIES[alert.severity],
            "class": alert.kind,
            "group": alert.team or "",
            "custom_details": {"text": alert.text, **dict(facts(alert))},
        },
    }
