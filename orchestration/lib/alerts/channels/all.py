"""The channels that the settings name."""

from __future__ import annotations

from collections.abc import Set

from orchestration.lib.alerts.channels.pagerduty import pagerduty
from orchestration.lib.alerts.channels.slack import slack
from orchestration.lib.alerts.channels.smtp import email
from orchestration.lib.alerts.channels.webhook import webhooks
from orchestration.lib.alerts.outcome import Channel, Outcome, Refused
from orchestration.lib.alerts.store import Message
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
    known = {receiver for receivers in settings.receivers.values() for receiver in receivers}
    return {name: _known(channel, known) for name, channel in found.items()}


def _known(channel: Channel, known: Set[str]) -> Channel:
    """Whoever was taken out of the settings gets nothing more, of what waits neither."""

    def send(message: Message) -> Outcome:
        return channel(message) if message.receiver in known else Refused("the receiver is no longer in the settings")

    return send
