"""Right-sizing on traces of real machines: sized on the first half of the time, and looked at in the second.

A violation is a measurement in which a machine used more than all of the size that it was given. Sizes are halves of each other, as
those of a family are, and cost in proportion.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import numpy as np

from ml.savings.histogram import Histogram
from ml.savings.sizing import CPU, MEMORY, SizingSettings, Use, fits

SIZES = (1 / 32, 1 / 16, 1 / 8, 1 / 4, 1 / 2)
LIMIT = 0.01
"""The share of violations at which ways of sizing are compared."""
PERCENTILES = tuple(map(Decimal, ("90", "95", "97", "98", "99", "99.5", "100")))

Sizing = Callable[[np.ndarray], np.ndarray]
"""CPU of the first half in per cent, shape (machines, times) -> the share of its size that each machine keeps."""


@dataclass(frozen=True)
class Outcome:
    """What a way of sizing saves of the cost of all machines, and the share of measurements that would not have fitted."""

    name: str
    saving: float
    violations: float


def read_traces(path: Path) -> np.ndarray:
    """CPU in per cent, a row per machine. The file has a name and a value for each time in a row, gzipped."""
    with gzip.open(path, "rt") as text:
        rows = list(csv.reader(text))[1:]
    return np.array([[float(value) for value in row[1:]] for row in rows])


def outcome(name: str, traces: np.ndarray, sizing: Sizing) -> Outcome:
    """Size on the first half, count in the second."""
    half = traces.shape[1] // 2
    kept = sizing(traces[:, :half])
    return Outcome(name, float(1 - kept.mean()), float((traces[:, half:] > 100 * kept[:, None]).mean()))


def ours(settings: SizingSettings) -> Sizing:
    """The smallest size that carries the use, by the rules of the recommendations."""

    def size(cpu: np.ndarray) -> np.ndarray:
        return np.array([_smallest(one, settings) for one in cpu])

    return size


def _smallest(cpu: np.ndarray, settings: SizingSettings) -> float:
    found = Histogram.of(cpu)
    if found.mean >= float(settings.utilization_threshold):
        return 1.0
    # Traces tell of CPU alone; memory is taken to follow it, so that it does not decide.
    use = Use({CPU: found, MEMORY: Histogram.of(np.zeros(1))}, days=1)
    return next((size for size in SIZES if fits(use, settings, size, size)), 1.0)


def plain_rule(cut: float) -> Sizing:
    """What many tools say: what uses less than 20 % on average gets a size that is smaller by a fixed share."""
    return lambda cpu: np.where(cpu.mean(axis=1) < 20.0, 1.0 - cut, 1.0)


def curve(traces: np.ndarray, settings: SizingSettings) -> Iterator[Outcome]:
    """Saving against violations by the percentile that has to fit."""
    for percentile in PERCENTILES:
        default = " (the default)" if percentile == settings.percentile else ""
        yield outcome(
            f"percentile {percentile}, {settings.headroom} % headroom{default}",
            traces,
            ours(replace(settings, percentile=percentile)),
        )


def best_within(outcomes: Iterator[Outcome], limit: float = LIMIT) -> Outcome:
    """The one that saves most among those within a share of violations."""
    return max((one for one in outcomes if one.violations <= limit), key=lambda one: one.saving)


def evaluate(traces: np.ndarray, settings: SizingSettings) -> str:
    """The section of the page of accuracies."""
    rule = outcome("average under 20 % saves 30 %", traces, plain_rule(0.3))
    rules = (outcome(f"average under 20 % saves {cut} %", traces, plain_rule(cut / 100)) for cut in range(30, 100, 5))
    finer = (
        outcome(f"percentile {percent / 10}", traces, ours(replace(settings, percentile=Decimal(percent) / 10)))
        for percent in range(900, 1001, 5)
    )
    rows = [rule, *curve(traces, settings)]
    best, best_rule = best_within(finer), best_within(rules)
    table = "\n".join(f"| {one.name} | {100 * one.saving:.1f} % | {100 * one.violations:.2f} % |" for one in rows)
    return SECTION.format(
        machines=len(traces),
        points=traces.shape[1],
        rows=table,
        best=f"{100 * best.saving:.1f} % ({best.name})",
        rule=f"{100 * best_rule.saving:.1f} % ({best_rule.name})",
        threshold=settings.utilization_threshold,
    )


SECTION = """## Right-sizing: PlanetLab

{machines} real machines, {points} measurements of CPU each (a day): sized on the first half, judged in the second. Saving: share of the
cost of all machines, where a size costs in proportion. Violations: share of all measurements of the second half that are above all of the
size that was given. Sizes are halves of each other; machines that use {threshold} % or more on average are left alone, as by default.

| way of sizing | saving | violations |
|---|---|---|
{rows}

With at most 1 % of violations ours saves {best}; the rule, with the cut that is best
for it, {rule}. No setting was chosen by these traces. Half a day is little
history: the recommendations themselves ask for 14 days.
"""


def section(data: Path) -> str:
    """The section for the data of a folder; where the traces are absent, the line that says so."""
    path = data / "utilisation" / "planetlab_cpu_pct_20110303.csv.gz"
    if not path.is_file():
        return f"## Right-sizing: PlanetLab\n\nNot measured: {path.name} is not at hand.\n"
    return evaluate(read_traces(path), SizingSettings())
