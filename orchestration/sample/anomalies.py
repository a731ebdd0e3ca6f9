"""The planted anomalies: what happened, where and when."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from .calendar import day_number
from .units import FloatArray, IntArray


@dataclass(frozen=True)
class Anomaly:
    """A labelled event on one resource.

    `daily` is its usual list cost a day, `size` the factor (spike, level_shift) or the growth a day as a share of the
    usual cost (slow_leak); a new_service had no cost before `start`. `end` is inclusive.
    """

    kind: str
    source: str
    account_name: str
    service: str
    sku: int
    start: date
    end: date
    daily: float
    size: float

    def factor(self, days: IntArray) -> FloatArray:
        """How many times the usual cost each day (days since the epoch) has; 1 where nothing is wrong."""
        elapsed = days - day_number(self.start)
        inside = (elapsed >= 0) & (days <= day_number(self.end))
        strength = 1.0 + self.size * (elapsed + 1) if self.kind == "slow_leak" else np.full(len(days), self.size)
        return np.where(inside, strength, 1.0)


# (kind, source, account, service, SKU of the service, days before the end: from, to; usual cost a day, size)
_PLAN = (
    ("spike", "aws_main", "halden-data", "transfer", 0, 75, 73, 210.0, 8.5),
    ("spike", "aws_main", "halden-ml", "bedrock", 1, 201, 201, 190.0, 14.0),
    ("level_shift", "aws_main", "halden-checkout", "lambda", 0, 48, 0, 130.0, 2.8),
    ("slow_leak", "aws_main", "halden-search", "ebs", 1, 118, 20, 90.0, 0.035),
    ("new_service", "aws_main", "halden-ml", "opensearch", 0, 33, 0, 320.0, 1.0),
    ("spike", "aws_subsidiary", "brightparcel-logistics", "transfer", 0, 141, 140, 70.0, 11.0),
    ("level_shift", "azure", "analytics-eu", "logs", 0, 62, 0, 75.0, 2.4),
)


def planned(source: str, end: date, first: date) -> list[Anomaly]:
    """Return the anomalies of a source in a window that ends at `end`; those that began before `first` are left out."""
    events = [
        Anomaly(
            kind, where, account, service, sku, end - timedelta(days=since), end - timedelta(days=until), daily, size
        )
        for kind, where, account, service, sku, since, until, daily, size in _PLAN
    ]
    return [event for event in events if event.source == source and event.start >= first]
