"""What is told to people: one thing that happened, in words, and the series that it happened in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

Kind = Literal["anomaly", "budget", "gate", "run_failure", "forecast", "recommendation"]
Severity = Literal["low", "medium", "high", "critical"]

KINDS: tuple[Kind, ...] = get_args(Kind)
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""From the least to the most severe."""

RESOLVES = "resolves:"
"""What the id of an alert begins with that tells nothing but the end of another: the rest is the other's id."""


@dataclass(frozen=True)
class Figure:
    """A daily series, as it was and as it was expected; None where one of them is not known. `marked`: the days it is about."""

    title: str
    dates: tuple[date, ...]
    actual: tuple[Decimal | None, ...]
    expected: tuple[Decimal | None, ...]
    currency: str
    marked: tuple[date, ...] = ()


@dataclass(frozen=True)
class Alert:
    """One message to people. The same `alert_id` is sent once to a receiver, for ever; `facts` are names with their values."""

    alert_id: str
    kind: Kind
    severity: Severity
    team: str | None
    title: str
    facts: tuple[tuple[str, str], ...]
    text: str
    occurred_on: date
    link: str | None = None
    figure: Figure | None = None

    @property
    def resolves(self) -> str | None:
        """The id of the alert whose end this is."""
        return self.alert_id.removeprefix(RESOLVES) if self.alert_id.startswith(RESOLVES) else None


def rank(severity: Severity) -> int:
    """What severities are compared by.

    >>> rank("high") < rank("critical")
    True
    """
    return SEVERITIES.index(severity)
