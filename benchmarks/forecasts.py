"""Forecasts of many daily series, and of the same again with one in a hundred changed."""

from __future__ import annotations

import json
import os
import resource
import sys
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.measure import Measurement, in_new_process, peak_resident_mb, timed
from ml.forecasting import ForecastSettings, forecast
from ml.series import Key

if TYPE_CHECKING:
    import pandas as pd

DAYS = 400
_SEED = 20260101
_FIRST, _END = date(2025, 1, 1), date(2026, 6, 30)
_CHANGED = 0.01


def measure(count: int) -> list[Measurement]:
    """In a process of its own, whose memory is that of forecasts alone."""
    found = in_new_process("benchmarks.forecasts", str(count))
    first, again = found["first_seconds"], found["again_seconds"]
    return [
        Measurement(
            f"forecasts of {count:,} daily series of {DAYS} days, {os.cpu_count()} processes",
            f"{first:.0f} s, {count / first:.1f} series/s",
            to_hold="minutes",
        ),
        Measurement(
            f"the same again, {found['changed']:.0f} series changed",
            f"{again:.1f} s",
            f"all {first:.0f} s",
            f"{again / first:.3f}",
            "< 0.05",
        ),
        Measurement("peak resident memory, and of each process", f"{found['mb']:.0f} MB, {found['process_mb']:.0f} MB"),
    ]


def series(count: int) -> dict[Key, pd.DataFrame]:
    """A total and services of all kinds: growing, weekly, with steps, new, sparse, ended and with fees."""
    import pandas as pd

    random = np.random.default_rng(_SEED)
    days = [_FIRST + timedelta(days=number) for number in range(DAYS)]
    weekday = np.array([day.weekday() for day in days])
    whole = {"curve": np.zeros(DAYS, dtype=object), "scheduled": np.zeros(DAYS, dtype=object)}
    found = {}
    for number in range(count - 1):
        level = np.exp(random.normal(3, 1.5)) * np.exp(np.arange(DAYS) * random.normal(0.0005, 0.001))
        week = 1 - random.uniform(0, 0.7) * (weekday >= 5)
        step = np.where(np.arange(DAYS) >= random.integers(DAYS), random.uniform(0.6, 1.6), 1.0)
        cost = level * week * step * np.exp(random.normal(0, random.uniform(0.01, 0.2), DAYS))
        kind = number % 20
        if kind == 0:
            cost[: -random.integers(1, 60)] = 0.0
        elif kind == 1:
            cost *= random.random(DAYS) < 0.2
        elif kind == 2:
            cost[-random.integers(30, 200) :] = 0.0
        curve = np.array([Decimal(f"{one:.8f}") for one in cost])
        fee = Decimal(number % 3 * 10)
        scheduled = np.array([fee if day.day == 1 else Decimal(0) for day in days])
        whole = {"curve": whole["curve"] + curve, "scheduled": whole["scheduled"] + scheduled}
        found[Key("service", f"service {number}", "USD")] = (curve, scheduled)
    found[Key("total", "all", "USD")] = (whole["curve"], whole["scheduled"])
    zeros = [Decimal(0)] * DAYS
    return {
        key: pd.DataFrame(
            {"date": days, "curve": curve, "scheduled": scheduled, "irregular": zeros, "is_complete": True}
        )
        for key, (curve, scheduled) in found.items()
    }


class _Kept(dict[str, bytes]):
    def put(self, digest: str, content: bytes) -> None:
        self[digest] = content


def _main(count: int) -> dict[str, float]:
    given, cache, workers = series(count), _Kept(), os.cpu_count() or 1
    with timed() as first:
        forecast(given, ForecastSettings(), _END, cache=cache, workers=workers)
    # The last is the total, and there is one of each kind before it.
    for key in list(given)[:: -round(1 / _CHANGED)]:
        given[key]["curve"] = [cost + Decimal("0.01") for cost in given[key]["curve"]]
    with timed() as again:
        changed = forecast(given, ForecastSettings(), _END, cache=cache, workers=workers).computed
    return {
        "first_seconds": first.seconds,
        "again_seconds": again.seconds,
        "changed": changed,
        "mb": peak_resident_mb(),
        "process_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(_main(int(sys.argv[1]))))
