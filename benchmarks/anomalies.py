"""Incidents of 10,000 daily series: seconds, series a second and memory, in a process of its own."""

from __future__ import annotations

import json
import sys
import time

from benchmarks.measure import Measurement, in_new_process, peak_resident_mb

SERIES, DAYS = 10_000, 400


def measure() -> list[Measurement]:
    """All methods together, over all days; and what reading the same values once costs, to compare with."""
    found = in_new_process("benchmarks.anomalies", str(SERIES), str(DAYS))
    return [
        Measurement(
            f"anomalies: {SERIES:,} series of {DAYS} days, all days judged",
            f"{found['seconds']:.0f} s, {SERIES / found['seconds']:,.0f} series/s, {found['megabytes']:,.0f} MB",
            f"median of the last week of each day: {found['compared']:.1f} s",
            f"{found['seconds'] / found['compared']:.0f}",
        )
    ]


def _run(series: int, days: int) -> dict[str, float]:
    from datetime import date

    import numpy as np

    from ml.anomalies.detection import detect
    from ml.anomalies.panel import Panel
    from ml.anomalies.settings import Settings
    from ml.series import Key

    random = np.random.default_rng(1)
    level = random.lognormal(5.0, 1.5, (series, 1))
    week = np.where(np.arange(days) % 7 >= 5, 0.6, 1.0)
    values = level * week * random.normal(1.0, 0.05, (series, days))
    for row in range(0, series, 50):
        values[row, random.integers(60, days)] *= 3.0
    keys = tuple(Key("account_service", str(number), "USD") for number in range(series))
    began = time.perf_counter()
    windows = np.lib.stride_tricks.sliding_window_view(values, 7, axis=1)
    for number in range(windows.shape[1]):
        np.median(windows[:, number], axis=1)
    compared = time.perf_counter() - began
    began = time.perf_counter()
    events = detect(Panel(keys, date(2026, 1, 1), values), Settings())
    seconds = time.perf_counter() - began
    return {"seconds": seconds, "compared": compared, "events": float(len(events)), "megabytes": peak_resident_mb()}


if __name__ == "__main__":
    print(json.dumps(_run(int(sys.argv[1]), int(sys.argv[2]))))
