"""A webhook of one's own: JSON, signed as Standard Webhooks describe it, so that their libraries can verify it."""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import time
from collections.abc import Callable

from orchestration.lib.alerts.channels.posting import post
from orchestration.lib.alerts.outcome import Channel, Outcome, Refused
from orchestration.lib.alerts.store import Message
from orchestration.lib.alerts.words import as_json
from orchestration.lib.config_alerting import WebhookSettings


def webhooks(settings: tuple[WebhookSettings, ...], timeout: float, clock: Callable[[], float] = time.time) -> Channel:
    """Sends to the webhook that a receiver names."""
    by_name = {f"webhook:{hook.name}": hook for hook in settings}

    def send(message: Message) -> Outcome:
        hook = by_name.get(message.receiver)
        if hook is None:
            return Refused("the webhook is no longer in the settings")
        body = json.dumps(as_json(message), ensure_ascii=False, separators=(",", ":")).encode()
        stamp = str(int(clock()))
        headers = {
            "webhook-id": message.message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": signature(hook.secret.get_secret_value(), message.message_id, stamp, body),
        }
        return post(hook.url.get_secret_value(), body, headers, f"the webhook {hook.name}", timeout)

    return send


def signature(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    """HMAC-SHA256 over id, time and body, so that neither of them can be changed or sent again later.

    >>> signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE='
    """
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True) if secret.startswith("whsec_") else None
    except binascii.Error:
        key = None
    digest = hmac.digest(key or secret.encode(), f"{message_id}.{stamp}.".encode() + body, "sha256")
    return f"v1,{base64.b64encode(digest).decode()}"
