"""Settings of alerts: who is told what, over which channel, and when."""

from __future__ import annotations

import re
from datetime import time
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from orchestration.lib.alerts.alert import Kind, Severity
from orchestration.lib.config_base import Email, Settings, Text, Texts, shaped

# An address or a secret that crosses a network in clear is one that others have.
_SAFE_ADDRESS = re.compile(r"https://\S+|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/\S*)?")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def _clock(value: object) -> object:
    if isinstance(value, str) and not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", value):
        raise ValueError("must be a time of day such as 22:00")
    return value


TimeOfDay = Annotated[time, BeforeValidator(_clock)]
Host = Annotated[str, shaped(r"[A-Za-z0-9._-]+|\[?[0-9A-Fa-f:]+\]?", "the name or address of a host, without a port")]
ListName = Annotated[str, shaped(r"[a-z][a-z0-9_]{0,40}", "lower-case letters, digits and _")]
Link = Annotated[str, shaped(r"https?://[^\s/@]+(/[^\s@]*)?", "an http(s) address without user name and password")]


class _WithSecrets(Settings):
    """Settings with secrets of the environment, written as ${NAME}. Whatever prints or stores them shows asterisks."""

    @model_validator(mode="after")
    def _whole_secrets(self) -> _WithSecrets:
        for name, value in self:
            text = value.get_secret_value() if isinstance(value, SecretStr) else "fine"
            # Not an error of the field, of which the file's text would be shown.
            if not text or not text.isprintable() or text != text.strip():
                raise ValueError(f"{name} holds nothing, spaces around it or a line break")
        return self


def _safe(address: SecretStr, name: str) -> None:
    # Not an error of the field: what is shown of it could be the secret part of the address.
    if not _SAFE_ADDRESS.fullmatch(address.get_secret_value()):
        raise ValueError(
            f"{name} must be an https:// address, except on this machine: it would cross the network in clear"
        )


class EmailSettings(_WithSecrets):
    """A mail server, and lists of recipients by name."""

    smtp_server: Host
    smtp_port: Annotated[int, Field(ge=1, le=65535)] = 587
    starttls: bool = True
    user: Text | None = None
    password: SecretStr | None = None
    sender: Email
    recipients: Annotated[dict[ListName, Annotated[tuple[Email, ...], Field(min_length=1)]], Field(min_length=1)]

    @model_validator(mode="after")
    def _secret_stays_secret(self) -> EmailSettings:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if self.password and not self.starttls and self.smtp_server not in _LOOPBACK:
            raise ValueError("a password needs starttls: it would cross the network in clear")
        return self


class SlackSettings(_WithSecrets):
    """A webhook, which posts to the channel that it was made for, or a bot's token with channels by name."""

    webhook_url: SecretStr | None = None
    token: SecretStr | None = None
    channels: dict[ListName, Annotated[str, shaped(r"#?[^\s#@,]+", "a channel such as #costs")]] = Field(
        default_factory=dict
    )
    api_url: Link = "https://slack.com/api/"

    @model_validator(mode="after")
    def _one_way_in(self) -> SlackSettings:
        if self.webhook_url is None and self.token is None:
            raise ValueError("needs webhook_url, or token with channels")
        if self.token and not self.channels:
            raise ValueError("a token needs channels to post to")
        if self.webhook_url:
            _safe(self.webhook_url, "webhook_url")
        _safe(SecretStr(self.api_url), "api_url")
        return self


class WebhookSettings(_WithSecrets):
    """An address that is sent JSON, signed with the secret as Standard Webhooks describe it."""

    name: ListName
    url: SecretStr
    secret: SecretStr

    @model_validator(mode="after")
    def _safe_address(self) -> WebhookSettings:
        _safe(self.url, "url")
        return self


class PagerDutySettings(_WithSecrets):
    """An integration of PagerDuty's Events API v2."""

    routing_key: SecretStr
    url: Link = "https://events.pagerduty.com"

    @model_validator(mode="after")
    def _safe_address(self) -> PagerDutySettings:
        _safe(SecretStr(self.url), "url")
        return self


class Route(Settings):
    """Alerts that are in every list given go to these receivers, at once or gathered."""

    to: Texts
    severities: Annotated[tuple[Severity, ...], Field(min_length=1)] | None = None
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1)] | None = None
    teams: Texts | None = None
    digest: Literal["hourly", "daily"] | None = None


class QuietHours(Settings):
    """From when to when nothing but what is critical is sent, in the organisation's time; over midnight where it ends earlier."""

    start: TimeOfDay
    end: TimeOfDay

    @model_validator(mode="after")
    def _not_always(self) -> QuietHours:
        if self.start == self.end:
            raise ValueError("start and end are the same: that would be always or never")
        return self


class Alerting(Settings):
    """Who is told what. Without `routes` a list is told what its name says, such as critical_alerts."""

    email: EmailSettings | None = None
    slack: SlackSettings | None = None
    webhooks: tuple[WebhookSettings, ...] = ()
    pagerduty: PagerDutySettings | None = None
    routes: tuple[Route, ...] = ()
    quiet_hours: QuietHours | None = None
    digest_time: TimeOfDay = time(8)
    link_base: Link | None = None

    @property
    def receivers(self) -> dict[str, tuple[str, ...]]:
        """What routes name -> whom it means: `email:address`, `slack:channel`, `webhook:name`, `pagerduty`.

        The same address in two lists is one receiver, so that it is told once.
        """
        found: dict[str, tuple[str, ...]] = {}
        if self.email:
            for name, addresses in self.email.recipients.items():
                found[f"email.{name}"] = tuple(dict.fromkeys(f"email:{address.lower()}" for address in addresses))
        if self.slack:
            if self.slack.webhook_url and not self.slack.channels:
                found["slack"] = ("slack",)
            found |= {f"slack.{name}": (f"slack:{channel}",) for name, channel in self.slack.channels.items()}
        found |= {f"webhooks.{hook.name}": (f"webhook:{hook.name}",) for hook in self.webhooks}
        if self.pagerduty:
            found["pagerduty"] = ("pagerduty",)
        return found
