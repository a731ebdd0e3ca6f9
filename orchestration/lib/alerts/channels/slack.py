"""Slack, through a webhook, or through a bot that can also show the picture of the series."""

from __future__ import annotations

import logging
import re
from typing import Any
from uuid import UUID

from orchestration.lib.alerts.channels.slack_blocks import MOST_IN_FULL, blocks, escaped
from orchestration.lib.alerts.outcome import (
    Channel,
    Later,
    Outcome,
    Refused,
    Sent,
    cause,
    lost,
    of_status,
)
from orchestration.lib.alerts.picture import picture
from orchestration.lib.alerts.store import Message
from orchestration.lib.config_alerting import SlackSettings
from orchestration.lib.retry_after import seconds_to_wait

# The library writes addresses and what it sends to its log, and the address of a webhook is a secret: this log goes nowhere.
_NOWHERE = logging.Logger("slack", logging.CRITICAL + 1)
_PASSING = ("ratelimited", "rate_limited", "internal_error", "fatal_error", "service_unavailable", "request_timeout")


def slack(settings: SlackSettings, timeout: float) -> Channel:
    return _bot(settings, timeout) if settings.token else _webhook(settings, timeout)


def _webhook(settings: SlackSettings, timeout: float) -> Channel:
    def send(message: Message) -> Outcome:
        from slack_sdk.webhook import WebhookClient

        assert settings.webhook_url
        client = WebhookClient(
            settings.webhook_url.get_secret_value(), timeout=_seconds(timeout), logger=_NOWHERE, retry_handlers=[]
        )
        channel = message.receiver.partition(":")[2]
        content: dict[str, Any] = {"text": escaped(message.subject), "blocks": blocks(message)}
        try:
            # A webhook of an app posts to its own channel whatever is asked for; an older one to this.
            answer = client.send_dict({**content, "channel": channel} if channel else content)
        except Exception as error:  # noqa: BLE001 the library lets through whatever the network raises
            return lost(error, "Slack", timeout)
        return of_status(answer.status_code, "Slack", answer.headers.get("Retry-After"))

    return send


def _bot(settings: SlackSettings, timeout: float) -> Channel:
    def send(message: Message) -> Outcome:
        from slack_sdk import WebClient
        from slack_sdk.errors import SlackApiError

        assert settings.token
        client = WebClient(
            settings.token.get_secret_value(),
            base_url=f"{settings.api_url.rstrip('/')}/",
            timeout=_seconds(timeout),
            logger=_NOWHERE,
            retry_handlers=[],
        )
        try:
            posted = client.chat_postMessage(
                channel=message.receiver.partition(":")[2],
                text=escaped(message.subject),
                blocks=blocks(message),
                client_msg_id=str(UUID(message.message_id)),
                metadata={"event_type": "finops_alerts", "event_payload": {"message_id": message.message_id}},
                unfurl_links=False,
            )
        except SlackApiError as error:
            return _answered(error.response)
        except Exception as error:  # noqa: BLE001 as above
            return lost(error, "Slack", timeout)
        return Sent(_add_pictures(client, message, posted))

    return send


def _add_pictures(client: Any, message: Message, posted: Any) -> str:
    """Put the pictures into the thread. The message is there: what goes wrong now is noted, and nothing is sent again."""
    uploads = [
        {"filename": f"{number}.png", "content": picture(alert.figure), "title": alert.figure.title}
        for number, alert in enumerate(message.alerts[:MOST_IN_FULL], start=1)
        if alert.figure
    ]
    if not uploads:
        return ""
    try:
        client.files_upload_v2(file_uploads=uploads, channel=posted["channel"], thread_ts=posted["ts"])
    except Exception as error:  # noqa: BLE001 as above
        said = getattr(error, "response", None)
        return f"without its pictures ({_slug(said.get('error')) if said is not None else cause(error)})"
    return ""


def _answered(response: Any) -> Outcome:
    """What an answer of Slack's API means: a status, or a word in it."""
    said, status = _slug(response.get("error")), response.status_code
    after = seconds_to_wait({name.lower(): value for name, value in response.headers.items()}.get("retry-after"))
    if status == 429 or status >= 500 or said in _PASSING:
        return Later(f"Slack answers {said}", after)
    return Refused(f"Slack answers {said}")


def _slug(said: object) -> str:
    """The word that Slack has for an error. Anything else may hold what was sent."""
    return said if isinstance(said, str) and re.fullmatch(r"[a-z_]{1,60}", said) else "something else than Slack would"


def _seconds(timeout: float) -> int:
    return max(1, round(timeout))
