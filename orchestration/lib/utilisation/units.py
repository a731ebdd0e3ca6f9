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


def series_of(metric: str, unit: str) -> tuple[str, str, float]:
    """The name and the unit that measurements are kept under, and what they are multiplied by.

    Known metrics have one name whatever their spelling, others keep theirs. A quantity of a period, such as CloudWatch's bytes, is no
    rate: it keeps its own name, and no size is measured by it. Raises ValueError that says which units there are.
    """
    written = metric.strip()
    name = _METRICS.get(written.lower().replace("_", "").replace(" ", ""), written)
    found = UNITS.get(unit.strip().lower())
    expected = _EXPECTED.get(name)
    if found and expected == "Bytes/Second" and found[0] == "Bytes":
        return written, *found
    if found is None or (expected and found[0] != expected):
        allowed = [other for other, (kept, _) in UNITS.items() if expected in (None, kept)]
        raise ValueError(f"the unit {unit!r} of {metric} is not one of {', '.join(allowed)}")
    return name, *found
