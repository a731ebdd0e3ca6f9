"""Metrics and units under one name each, so that use can be compared whoever measured it."""

from __future__ import annotations

from ml.savings.sizing import CPU, MEMORY, NETWORK_IN, NETWORK_OUT

_METRICS = {
    "cpuutilization": CPU,
    "cpu": CPU,
    "percentagecpu": CPU,
    "memoryutilization": MEMORY,
    "memory": MEMORY,
    "memusedpercent": MEMORY,
    "networkin": NETWORK_IN,
    "networkreceivethroughput": NETWORK_IN,
    "networkout": NETWORK_OUT,
    "networktransmitthroughput": NETWORK_OUT,
}
_SCALES = {"": 1.0, "kilo": 1e3, "mega": 1e6, "giga": 1e9, "tera": 1e12}
UNITS: dict[str, tuple[str, float]] = {
    "percent": ("Percent", 1.0),
    "ratio": ("Percent", 100.0),
    "count": ("Count", 1.0),
    "count/second": ("Count/Second", 1.0),
    "seconds": ("Seconds", 1.0),
    "milliseconds": ("Seconds", 1e-3),
    "microseconds": ("Seconds", 1e-6),
    **{f"{name}bytes": ("Bytes", scale) for name, scale in _SCALES.items()},
    **{f"{name}bytes/second": ("Bytes/Second", scale) for name, scale in _SCALES.items()},
    **{f"{name}bits/second": ("Bytes/Second", scale / 8) for name, scale in _SCALES.items()},
}
"""Unit as CloudWatch writes it, in lower case -> the unit that is kept, and what a value is multiplied by. `Ratio` is from 0 to 1."""
_EXPECTED = {CPU: "Percent", MEMORY: "Percent", NETWORK_IN: "Bytes/Second", NETWORK_OUT: "Bytes/Second"}
HIGHEST_PERCENT = 101.0
"""Averages of monitors exceed a hundred per cent by a rounding; what is further above was meant as something else."""


def metric_of(written: str) -> str:
    """The name that a metric is kept under: known ones whatever their spelling, others as they are written."""
    return _METRICS.get(written.lower().replace("_", "").replace(" ", ""), written.strip())


def unit_of(metric: str, written: str) -> tuple[str, float]:
    """The unit that a value is kept in and its factor. Raises ValueError that says which units there are."""
    found = UNITS.get(written.strip().lower())
    expected = _EXPECTED.get(metric)
    if found is None or (expected and found[0] != expected):
        allowed = [unit for unit, (kept, _) in UNITS.items() if expected in (None, kept)]
        raise ValueError(f"the unit {written!r} of {metric} is not one of {', '.join(allowed)}")
    return found
