"""The channels that the settings name."""

from __future__ import annotations

from orchestration.lib.alerts.channels.pagerduty import pagerduty
from orchestration.lib.alerts.channels.slack import slack
from orchestration.lib.alerts.channels.smtp import email
from orchestration.lib.alerts.channels.webhook import webhooks
from orchestration.lib.alerts.outcome import Channel
from orchestration.lib.config_alerting import Alerting

TIMEOUT = 10.0
"""How many seconds a receiver has for each of its answers."""


def channels(settings: Alerting, timeout: float = TIMEOUT) -> dict[str, Channel]:
    """What stands before the colon of a receiver -> its channel."""
    found: dict[str, Channel] = {}
    if settings.email:
        found["email"] = email(settings.email, timeout)
    if settings.slack:
        found["slack"] = slack(settings.slack, timeout)
    if settings.webhooks:
        found["webhook"] = webhooks(settings.webhooks, timeout)
    if settings.pagerduty:
        found["pagerduty"] = pagerduty(settings.pagerduty, timeout)
    return found
