"""Usage of AI models as savings look at it: what one key does with one model, by day and by hour, at what was paid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from ml.savings.recommendation import Owner, Window

if TYPE_CHECKING:
    import pandas as pd

INPUT_CLASSES = ("uncached_input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens")
TOKEN_CLASSES = (
    *INPUT_CLASSES,
    "input_audio_tokens",
    "cache_read_audio_tokens",
    "output_tokens",
    "output_audio_tokens",
)
UNIT_CLASSES = (
    "image_count",
    "audio_seconds",
    "character_count",
    "session_count",
    "storage_byte_hours",
    "web_search_count",
    "tool_call_count",
)
KEYS = ("provider", "model", "service_tier", "operation", "project_id", "api_key_id")
OWNER = ("team", "cost_center", "project", "environment")
Paid = Mapping[str, Decimal]
"""Provider -> what is charged of each computed dollar, 1 where it is not told."""


@dataclass(frozen=True)
class Usage:
    """What was used in a day, or in an hour of it, in one context window.

    `cost`: what was paid for it; `failed_cost`: the part of it for requests that are told to have failed.
    """

    day: date
    hour: int | None
    context_window: str | None
    requests: Decimal | None
    failed: Decimal
    quantities: Mapping[str, Decimal]
    cost: Decimal
    failed_cost: Decimal = Decimal(0)

    def tokens(self, *classes: str) -> Decimal:
        return sum((self.quantities.get(name, Decimal(0)) for name in classes), Decimal(0))

    @property
    def input_tokens(self) -> Decimal:
        """All that was read, whether it was cached or not."""
        return self.tokens(*INPUT_CLASSES)


@dataclass(frozen=True)
class Traffic:
    """What one key does with one model: what a recommendation acts on."""

    provider: str
    model: str
    service_tier: str
    operation: str
    project_id: str | None
    api_key_id: str | None
    owner: Owner
    days: tuple[Usage, ...] = field(repr=False)
    hours: tuple[Usage, ...] = field(repr=False)

    @property
    def group(self) -> str:
        """The name of the group in which recommendations on this traffic exclude each other."""
        parts = (getattr(self, key) for key in KEYS)
        return "/".join("-" if part is None else str(part).replace("/", "|") for part in parts)

    @property
    def title(self) -> str:
        """The traffic in words."""
        key = (
            f" of key {self.api_key_id}"
            if self.api_key_id
            else f" of project {self.project_id}"
            if self.project_id
            else ""
        )
        tier = f", tier {self.service_tier}" if self.service_tier != "standard" else ""
        return f"{self.model} at {self.provider}{tier}: {self.operation}{key}"

    def subject(self) -> dict[str, Any]:
        """The fields of a recommendation that say what it acts on."""
        return {
            "provider": self.provider,
            "resource_type": "api_key",
            "resource_id": self.api_key_id,
            "sub_account_id": self.project_id,
            "owner": self.owner,
            "exclusive_group": self.group,
        }

    def facts(self) -> dict[str, Any]:
        """What every evidence tells of the traffic."""
        return {
            "model": self.model,
            "service_tier": self.service_tier,
            "operation": self.operation,
            "requests": text(self.requests),
            "input_tokens": text(sum((one.input_tokens for one in self.days), Decimal(0))),
            "output_tokens": text(sum((one.tokens("output_tokens") for one in self.days), Decimal(0))),
        }

    @property
    def requests(self) -> Decimal | None:
        """How many requests there were; None where the provider does not count them."""
        counts = [one.requests for one in self.days]
        return None if any(count is None for count in counts) else sum((c for c in counts if c is not None), Decimal(0))

    @property
    def cost(self) -> Decimal:
        return sum((one.cost for one in self.days), Decimal(0))


def by_day(usages: Sequence[Usage], amounts: Sequence[Decimal] | None = None) -> dict[date, Decimal]:
    """Sums by day: of what was paid, or of the amount beside each."""
    sums: dict[date, Decimal] = defaultdict(Decimal)
    for usage, amount in zip(usages, amounts if amounts is not None else [one.cost for one in usages], strict=True):
        sums[usage.day] += amount
    return dict(sums)


def text(value: Decimal | None) -> str | None:
    """A number of an evidence: exact, and the same whatever it was computed from."""
    if value is None:
        return None
    return format(value.normalize() if value else Decimal(0), "f")


def traffics(daily: pd.DataFrame, hourly: pd.DataFrame, window: Window, paid: Paid) -> tuple[Traffic, ...]:
    """The traffic of a window, the dearest first. Rows without a cost are left out: what has no price saves nothing that is known."""
    days: dict[tuple[Any, ...], list[Usage]] = defaultdict(list)
    hours: dict[tuple[Any, ...], list[Usage]] = defaultdict(list)
    owners: dict[tuple[Any, ...], tuple[date, Owner]] = {}
    for frame, into in ((daily, days), (hourly, hours)):
        for row in _rows(frame):
            if row["computed_cost"] is None or not window.first <= row["charge_date"] <= window.last:
                continue
            key = tuple(row[name] for name in KEYS)
            into[key].append(_usage(row, paid))
            if into is days and (key not in owners or owners[key][0] <= row["charge_date"]):
                owners[key] = row["charge_date"], Owner(*(row[name] for name in OWNER))
    found = [
        Traffic(
            **dict(zip(KEYS, key, strict=True)),
            owner=owners[key][1],
            days=tuple(sorted(usages, key=_when)),
            hours=tuple(sorted(hours[key], key=_when)),
        )
        for key, usages in days.items()
    ]
    return tuple(sorted(found, key=lambda one: (-one.cost, one.group)))


def _when(usage: Usage) -> tuple[date, int, str]:
    return usage.day, usage.hour or 0, usage.context_window or ""


def _usage(row: Mapping[str, Any], paid: Paid) -> Usage:
    share = paid.get(row["provider"], Decimal(1))
    return Usage(
        day=row["charge_date"],
        hour=row.get("hour"),
        context_window=row["context_window"],
        requests=_number(row["request_count"]),
        failed=_number(row["failed_request_count"]) or Decimal(0),
        quantities={
            name: amount
            for name in (*TOKEN_CLASSES, *UNIT_CLASSES)
            if (amount := _number(row.get(name))) is not None and amount
        },
        cost=Decimal(row["computed_cost"]) * share,
        failed_cost=(_number(row.get("failed_cost")) or Decimal(0)) * share,
    )


def _number(value: Any) -> Decimal | None:
    """A count or amount, exactly. A float has lost digits already and is refused."""
    if value is None:
        return None
    if isinstance(value, float):
        raise TypeError(f"usage has the float {value}: amounts are Decimal, counts whole numbers")
    return Decimal(value)


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    # To pandas a missing value is one that differs from itself.
    columns = [str(name) for name in frame.columns]
    for values in frame.itertuples(index=False, name=None):
        yield {
            name: None if value is None or value != value else value
            for name, value in zip(columns, values, strict=True)
        }
