"""The question behind right-sizing: does what a resource used fit into another size, and how often would it not have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from ml.savings.histogram import Histogram
from ml.savings.paid import Paid

CPU, MEMORY, NETWORK_IN, NETWORK_OUT = "cpu", "memory", "network_in", "network_out"
"""Metrics that sizes are measured by: CPU and memory in per cent of what there is, networks in bytes per second."""
_WITHOUT_MEMORY = 0.5
"""Of memory that nobody measures at most half is given up at a time."""
# What burstable sizes may use for long, in per cent of their CPUs: the least that AWS gives to sizes from `small` on.
_BURSTABLE_BASELINE = 20.0


@dataclass(frozen=True)
class SizingSettings:
    """Settings with their defaults; `config/finops-config.yaml.example` says what each means."""

    utilization_threshold: Decimal = Decimal(20)
    lookback_days: int = 30
    percentile: Decimal = Decimal("99.5")
    headroom: Decimal = Decimal(20)
    minimum_history_days: int = 14


@dataclass(frozen=True)
class Use:
    """What a resource used in the window, by metric, and the number of days that tell of it."""

    metrics: Mapping[str, Histogram]
    days: int


@dataclass(frozen=True)
class Resource:
    """What is paid for an instance, and what it used; None where nothing is known of its use."""

    paid: Paid
    use: Use | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Exclusion:
    """A resource that has no recommendation for a reason that somebody should know."""

    resource_id: str
    reason: str


@dataclass(frozen=True)
class Fit:
    """How what was used would fill a proposed size. `exceeded`: share of time in which it would have been too small."""

    exceeded: float
    fills: Mapping[str, float]
    """Metric -> the percentile of use in per cent of the proposed size."""
    unknown: tuple[str, ...]
    """What was not looked at, in words."""


def fits(
    use: Use,
    settings: SizingSettings,
    cpu_ratio: float,
    memory_ratio: float | None,
    network_bits: float | None = None,
    *,
    is_burstable: bool = False,
) -> Fit | None:
    """How a size of so many times the CPU and memory would have been filled; None where it is too small.

    The percentile of use, times the headroom, has to fit in each dimension that is known. A dimension is exceeded where more than
    all of the size would have been used; shares of the dimensions are added up, as they may fall on different times.
    """
    percentile, room = float(settings.percentile), 1.0 + float(settings.headroom) / 100.0
    limits: dict[str, float] = {CPU: 100.0 * cpu_ratio}
    unknown = []
    if MEMORY in use.metrics and memory_ratio is not None:
        limits[MEMORY] = 100.0 * memory_ratio
    else:
        unknown.append("memory is not measured" if MEMORY not in use.metrics else "the memory of the size is not known")
        if memory_ratio is None or memory_ratio < _WITHOUT_MEMORY:
            return None
    if network_bits is not None:
        limits |= dict.fromkeys((NETWORK_IN, NETWORK_OUT), network_bits / 8.0)
    elif cpu_ratio < 1.0:
        unknown.append("what the network of the size carries is not known")
    if CPU not in use.metrics:
        return None
    if is_burstable and use.metrics[CPU].mean > _BURSTABLE_BASELINE * cpu_ratio:
        return None
    fills, exceeded = {}, 0.0
    for metric, limit in limits.items():
        if metric not in use.metrics:
            continue
        need = use.metrics[metric].percentile(percentile)
        if need * room > limit:
            return None
        fills[metric] = 100.0 * need / limit
        exceeded += use.metrics[metric].share_above(limit)
    return Fit(min(exceeded, 1.0), fills, tuple(unknown))
