"""What became of an attempt to send a message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from orchestration.lib.alerts.store import Message
from orchestration.lib.retry_after import seconds_to_wait


@dataclass(frozen=True)
class Sent:
    """The receiver has it. `note`: what was left out of it, in words."""

    note: str = ""


@dataclass(frozen=True)
class Later:
    """It did not arrive, or nobody knows whether it did; what went wrong may pass. `after`: seconds that it asks to wait."""

    reason: str
    after: float | None = None


@dataclass(frozen=True)
class Refused:
    """The receiver will not take it, however often it is tried."""

    reason: str


Outcome = Sent | Later | Refused
Channel = Callable[[Message], Outcome]
"""Sends a message to its receiver. It raises nothing that may happen to a network, and says no secret."""

_PASSING = (408, 425, 429)


def of_status(status: int, who: str, retry_after: str | None = None) -> Outcome:
    """What an HTTP status means.

    >>> of_status(429, "the webhook itsm", "7")
    Later(reason='the webhook itsm answers HTTP 429', after=7.0)
    >>> of_status(404, "Slack")
    Refused(reason='Slack answers HTTP 404')
    """
    if 200 <= status < 300:
        return Sent()
    reason = f"{who} answers HTTP {status}"
    if status in _PASSING or status >= 500:
        return Later(reason, seconds_to_wait(retry_after))
    return Refused(reason)


def lost(error: BaseException, who: str, timeout: float) -> Later:
    """What it means that there is no answer."""
    if isinstance(_innermost(error), TimeoutError):
        return Later(f"{who} does not answer within {timeout:g} seconds")
    return Later(f"{who} cannot be reached, or cuts the connection ({cause(error)})")


def cause(error: BaseException) -> str:
    """What went wrong in words that hold no address: the innermost cause by its own name."""
    inner = _innermost(error)
    reason = getattr(inner, "strerror", None)
    return str(reason) if reason else type(inner).__name__


def _innermost(error: BaseException) -> BaseException:
    while inner := error.__cause__ or error.__context__ or getattr(error, "reason", None):
        if not isinstance(inner, BaseException) or inner is error:
            break
        error = inner
    return error
