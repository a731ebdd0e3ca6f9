"""What commitments would have cost on hourly series: chosen on eight weeks, paid for the weeks behind them."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from decimal import Decimal, localcontext
from pathlib import Path

import numpy as np

from ml.savings.commitments.curve import Layer, Slot
from ml.savings.commitments.decision import Open, decide_open
from ml.savings.commitments.usage import CommitmentSettings, Offer, Sku

DAY, WEEK = 24, 7 * 24
SEEN, TERM = 8 * WEEK, 26 * WEEK
RATIOS = ("0.5", "0.6", "0.72", "0.85")
"""Committed by on-demand price: what savings plans and reservations cost, from three years upfront to one year without."""
SETTINGS = CommitmentSettings(minimum_history_days=14)
_SEEDS = range(10)
_SKU = Sku("use")


@dataclass(frozen=True)
class Case:
    """Use of each hour that is seen, and of each hour for which a commitment made at its end is paid; shape (n,) each."""

    group: str
    name: str
    seen: np.ndarray
    term: np.ndarray


@dataclass(frozen=True)
class Result:
    """Of all cases of a group: by how much each rule costs more than the best in hindsight, and in how many more than none."""

    group: str
    cases: int
    """Pairs of a series with its weeks and a price."""
    regret: dict[str, float]
    losses: dict[str, float]


def ours(seen: np.ndarray, term_hours: int, ratio: str, settings: CommitmentSettings = SETTINGS) -> float:
    """What the optimum at the stated risk covers of an hour's use, on demand."""
    months = max(round(term_hours / WEEK * 12 / 52), 1)
    offer = Offer("plan", True, {_SKU: Decimal(ratio)}, "", months, "No Upfront")
    # Scaled, so that a thousandth of money is a small step whatever the series measures.
    scale = 1000.0 / max(float(seen.mean()), 1e-9)
    usage = [
        Open(Slot(1, (Layer(Decimal(ratio), Decimal(str(round(value, 4)))),))) for value in (seen * scale).tolist()
    ]
    with localcontext(prec=60):
        found = decide_open(usage, offer, replace(settings, terms_months=(months,)))
    return float(found.committed) / float(ratio) / scale if found else 0.0


RULES: dict[str, Callable[[np.ndarray], float]] = {
    "average": lambda seen: float(seen.mean()),
    "minimum": lambda seen: float(seen.min()),
    "80th percentile": lambda seen: float(np.quantile(seen, 0.8)),
}
NAMES = ("optimum at 5 % risk", *RULES)


def cost(use: np.ndarray, covered: float, ratio: float) -> float:
    return float(len(use) * covered * ratio + np.maximum(use - covered, 0).sum())


def evaluate(cases: Iterator[Case] | list[Case]) -> list[Result]:
    """The results by group, in the order in which the groups come."""
    regret: dict[str, dict[str, list[float]]] = {}
    losses: dict[str, dict[str, list[bool]]] = {}
    for case in cases:
        by_name = regret.setdefault(case.group, {name: [] for name in NAMES})
        lost = losses.setdefault(case.group, {name: [] for name in NAMES})
        for ratio in RATIOS:
            share = float(ratio)
            best = cost(case.term, float(np.quantile(case.term, 1 - share, method="higher")), share)
            nothing = float(case.term.sum())
            best = min(best, nothing)
            covered = {"optimum at 5 % risk": ours(case.seen, len(case.term), ratio)}
            covered |= {name: rule(case.seen) for name, rule in RULES.items()}
            for name, at in covered.items():
                paid = cost(case.term, at, share)
                by_name[name].append(paid / best - 1)
                lost[name].append(paid > nothing * (1 + 1e-9))
    return [
        Result(
            group,
            len(by_name[NAMES[0]]),
            {name: float(np.mean(values)) for name, values in by_name.items()},
            {name: float(np.mean(values)) for name, values in losses[group].items()},
        )
        for group, by_name in regret.items()
    ]


def generated() -> Iterator[Case]:
    """Ten series of each kind, each of its own seed."""
    hours = np.arange(SEEN + TERM)
    daily = 1 + 0.25 * np.sin(2 * np.pi * hours / DAY)
    weekly = np.where(hours // DAY % 7 < 5, 1.0, 0.55)
    years = hours / (52 * WEEK)
    kinds: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
        "stationary": lambda rng: daily * (1 + 0.1 * rng.standard_normal(len(hours))),
        "weekly": lambda rng: daily * weekly * (1 + 0.05 * rng.standard_normal(len(hours))),
        "bursty": lambda rng: 0.4 + rng.gamma(0.3, 2.0, len(hours)),
        "growing": lambda rng: daily * np.exp(0.5 * years) * (1 + 0.1 * rng.standard_normal(len(hours))),
        "falling": lambda rng: daily * np.exp(-1.0 * years) * (1 + 0.1 * rng.standard_normal(len(hours))),
        "wandering": lambda rng: daily * np.exp(np.cumsum(rng.standard_normal(len(hours))) * 0.05 / WEEK**0.5),
    }
    for kind, make in kinds.items():
        for seed in _SEEDS:
            values = np.maximum(make(np.random.default_rng(seed)), 0)
            yield Case(f"generated: {kind}", str(seed), values[:SEEN], values[SEEN:])


def published(data: Path) -> Iterator[Case]:
    """Real series by the hour below the folder of published data; those that are absent are left out."""
    electricity = data / "forecast" / "neuralprophet_data"
    nab = data / "anomaly" / "nab"
    for group, path in (
        ("electricity load (France, a hospital)", electricity / "load_rte.csv.gz"),
        ("electricity load (France, a hospital)", electricity / "SF_hospital_load.csv.gz"),
        ("taxi rides in New York", nab / "realKnownCause" / "nyc_taxi.csv.gz"),
        ("CPU of a scaling group (NAB)", nab / "realKnownCause" / "cpu_utilization_asg_misconfiguration.csv.gz"),
        *(("tweets about ten companies (NAB)", path) for path in sorted((nab / "realTweets").glob("*.csv.gz"))),
    ):
        if path.is_file():
            yield from folds(group, path.name, hourly(path))


def folds(group: str, name: str, values: np.ndarray) -> Iterator[Case]:
    """Eight weeks and up to half a year behind them, again and again; half and half of what is too short for that."""
    if len(values) < SEEN + 8 * WEEK:
        half = len(values) // 2 // WEEK * WEEK
        yield Case(group, name, values[-2 * half : -half], values[-half:])
        return
    for start in range(0, len(values) - SEEN - 8 * WEEK + 1, 8 * WEEK):
        yield Case(group, f"{name}:{start}", values[start : start + SEEN], values[start + SEEN : start + SEEN + TERM])


def hourly(path: Path) -> np.ndarray:
    """The mean of each hour; an hour without a value has that of the one before."""
    with gzip.open(path, "rt") as text:
        rows = list(csv.reader(text))[1:]
    hours = np.array([row[0][:13].replace(" ", "T") for row in rows], "datetime64[h]")
    values = np.array([float(row[1]) for row in rows])
    index = (hours - hours.min()).astype(int)
    total, count = np.bincount(index, values), np.bincount(index)
    filled = np.maximum.accumulate(np.where(count > 0, np.arange(len(count)), 0))
    return total[filled] / count[filled]


SECTION = """## Commitments: what they would have cost

A commitment is chosen on eight weeks of hourly use and paid for up to half a year behind them (half and half where a series is
shorter), at {ratios} of the on-demand price: each series, stretch and price is a case. Regret: what it costs
over the best commitment in hindsight, use on demand included, on average over the cases. In brackets: the share of cases in which
buying nothing would have been cheaper; the stated risk is 5 %. Usual rules cover the average, the minimum or the 80th percentile
of the weeks seen. No setting differs between series.

| series | cases | {names} |
|---|---|{dashes}|
{rows}
"""


def section(results: list[Result]) -> str:
    """The table for docs/accuracy.md: regret, and in brackets how often it was dearer than none."""
    rows = [
        f"| {one.group} | {one.cases} | "
        + " | ".join(f"{one.regret[name] * 100:.1f} % ({one.losses[name] * 100:.0f} %)" for name in NAMES)
        + " |"
        for one in results
    ]
    return SECTION.format(
        ratios=", ".join(RATIOS[:-1]) + " and " + RATIOS[-1],
        names=" | ".join(NAMES),
        dashes="|".join("---" for _ in NAMES),
        rows="\n".join(rows),
    )


def page(data: Path) -> str:
    """The section on commitments, of generated and published series."""
    return section(evaluate([*generated(), *published(data)]))
