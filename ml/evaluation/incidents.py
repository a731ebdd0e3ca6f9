"""Incidents of cost: what is found of the labelled ones in sample organisations, how late, and what is told that is none.

Each folder was made by `python -m orchestration.sample`, which plants incidents and writes them to truth.json. Their kinds, places
and sizes are the same in each; noise, resources that come and go, weekdays and ends of months differ.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.anomalies.detection import Event, detect
from ml.anomalies.drivers import BEFORE_DAYS, Part, is_growth
from ml.anomalies.incidents import one_each
from ml.anomalies.panel import Panel, panel_of
from ml.anomalies.settings import METHODS, Settings
from ml.evaluation.deliveries import UNUSED, daily_costs
from ml.series import Key

if TYPE_CHECKING:
    import pandas as pd

_PROVIDERS = {"aws_main": "AWS", "aws_subsidiary": "AWS", "azure": "Microsoft"}
# Of euros in dollars, about: it says what matters in one organisation that pays in both.
_RATES = {"USD": 1.0, "EUR": 1.1}
_LARGE = 0.01
_ROUNDING = 3
"""Days between the beginning of an incident and of its label that still are the same event."""
SECTION = """## Anomalies: labelled incidents of sample organisations

{organisations} sample organisations with {months} months of bills each ({series} daily series: total, provider, account, service, service
of an account), {labels} labelled incidents: spikes, new levels, new services and slow leaks. The detector was developed with other seeds.
Found: what is told begins while a labelled incident lasts, on a series that holds its cost. Each event is told once, whatever the number of
levels and days; all that is told and has no label counts as false, also where costs did rise (a resource much dearer than the others of its
kind has no label either). All labelled ones come to more than 1 % of what is paid a day in their currency; the first column counts what is
told and does so too, the second whatever is told. A slow leak is told once it has grown beyond the floors, if it has not stopped by then.

| method | precision above 1 % | precision of all | recall | days until told (median; leaks) | false, a month | per series and month |
|---|---|---|---|---|---|---|
{rows}
"""


@dataclass(frozen=True)
class Label:
    """A planted incident."""

    kind: str
    source: str
    account: str
    service: str
    start: date
    end: date

    def is_in(self, key: Key) -> bool:
        """Whether a series holds its cost."""
        held = {
            "total": "all",
            "provider": _PROVIDERS[self.source],
            "account": self.account,
            "service": self.service,
            "account_service": f"{self.account} / {self.service}",
        }
        return held[key.dimension] == key.value


@dataclass(frozen=True)
class Sample:
    """A sample organisation: its series, its bills and its labels."""

    panel: Panel
    costs: pd.DataFrame
    cells: Mapping[Key, set[int]]
    labels: tuple[Label, ...]


@dataclass(frozen=True)
class Score:
    """What was found. `delays`: days from the first day of each found label until it was told, by kind."""

    told: int
    false: int
    large: int
    false_large: int
    found: int
    labels: int
    delays: tuple[tuple[str, int], ...]


def read_sample(folder: Path) -> Sample:
    """The series of a sample's bills."""
    costs = daily_costs(folder)
    costs["provider"] = costs["source"].map(_PROVIDERS)
    costs["account_service"] = costs["account"] + " / " + costs["service"]
    costs["total"] = "all"
    series: dict[Key, list[tuple[date, Decimal, bool]]] = defaultdict(list)
    cells: dict[Key, set[int]] = defaultdict(set)
    levels = ("total", "provider", "account", "service", "account_service")
    for level in levels:
        sums = costs.groupby([level, "currency", "date"])["curve"].sum()
        for place, cost in sums.items():
            name: Any = place
            value, currency, day = name
            series[Key(level, value, currency)].append((day.date(), Decimal(repr(round(cost, 10))), True))
    for number, row in enumerate(costs[[*levels, "currency"]].drop_duplicates().itertuples(index=False)):
        for level in levels:
            cells[Key(level, getattr(row, level), row.currency)].add(number)  # type: ignore[arg-type]
    truth = json.loads((folder / "truth.json").read_text())
    labels = tuple(_label(one) for one in truth["anomalies"])
    return Sample(panel_of(series, _RATES), costs, dict(cells), labels)


def _label(one: Mapping[str, Any]) -> Label:
    days = (date.fromisoformat(one["start"]), date.fromisoformat(one["end"]))
    return Label(one["kind"], one["source"], one["sub_account_id"], one["service_name"], *days)


def told_of(sample: Sample, settings: Settings) -> list[Event]:
    """What is told of a sample."""
    panel = sample.panel

    def is_told(event: Event) -> bool:
        return not is_growth(*_parts(sample, event), Decimal(repr(event.least)), is_slow=event.is_slow)

    # Growth that creeps in explains nothing of a leak beside it.
    events = [event for event in detect(panel, settings) if not event.is_slow or is_told(event)]
    return [event for event in one_each(panel, events, sample.cells) if event.is_slow or is_told(event)]


def _parts(sample: Sample, event: Event) -> tuple[list[Part], int]:
    """What each resource cost until the incident was noticed, and before; and the days of it."""
    import pandas as pd

    key, costs = sample.panel.keys[event.row], sample.costs
    rows = costs[(costs["currency"] == key.currency) & (costs[key.dimension] == key.value)]
    first, last = (
        pd.Timestamp(sample.panel.first + timedelta(days=day)) for day in (event.start, min(event.noticed, event.last))
    )
    names = ["account", "service", "resource"]
    during = rows[(rows["date"] >= first) & (rows["date"] <= last)].groupby(names)["curve"].sum()
    before = (
        rows[(rows["date"] < first) & (rows["date"] >= first - pd.Timedelta(days=BEFORE_DAYS))]
        .groupby(names)["curve"]
        .sum()
    )
    seen = rows[rows["curve"] > 0].groupby(names)["date"].min()
    fresh = first - pd.Timedelta(days=BEFORE_DAYS if event.is_slow else _ROUNDING)
    found = [
        Part(
            service, account, resource, "", "", "",
            Decimal(repr(float(during.get((account, service, resource), 0.0)))),
            Decimal(repr(float(before.get((account, service, resource), 0.0)))),
            bool(seen.get((account, service, resource), first) >= fresh),
            resource == UNUSED,
        )
        for account, service, resource in during.index.union(before.index)
    ]  # fmt: skip
    return found, (last - first).days + 1


def score(sample: Sample, events: Sequence[Event]) -> Score:
    """Hold what is told against the labels."""
    first = sample.panel.first
    right: set[int] = set()
    delays: dict[int, int] = {}
    for number, label in enumerate(sample.labels):
        start, end = (label.start - first).days, (label.end - first).days
        for place, event in enumerate(events):
            is_same = event.start <= end + _ROUNDING and event.last >= start and event.noticed >= start
            if is_same and label.is_in(sample.panel.keys[event.row]):
                right.add(place)
                delays[number] = min(delays.get(number, event.noticed - start), event.noticed - start)
    found = tuple((sample.labels[number].kind, delay) for number, delay in sorted(delays.items()))
    large = {place for place, event in enumerate(events) if _share(sample.panel, event) >= _LARGE}
    return Score(
        len(events), len(events) - len(right), len(large), len(large - right), len(delays), len(sample.labels), found
    )


def _share(panel: Panel, event: Event) -> float:
    """What an incident costs a day, of what is paid a day in its currency."""
    total = panel.keys.index(Key("total", "all", panel.keys[event.row].currency))
    days = slice(event.start, event.last + 1)
    return float(np.nanmean(panel.values[event.row, days] - event.expected) / np.nanmedian(panel.values[total]))


def section(folders: Iterable[Path]) -> str:
    """A part of the page of accuracies: each method on all samples."""
    samples = [read_sample(folder) for folder in folders]
    months = [sample.panel.values.shape[1] / 30.4 for sample in samples]
    series = [len(sample.panel.keys) for sample in samples]
    rows = []
    for method in METHODS:
        scores = [score(sample, told_of(sample, Settings(method=method))) for sample in samples]
        told, false = sum(one.told for one in scores), sum(one.false for one in scores)
        found, labels = sum(one.found for one in scores), sum(one.labels for one in scores)
        delays = [(kind, delay) for one in scores for kind, delay in one.delays]
        leaks = [delay for kind, delay in delays if kind == "slow_leak"]
        others = [delay for kind, delay in delays if kind != "slow_leak"]
        late = f"{np.median(others):.0f}; {np.median(leaks):.0f}" if leaks and others else "-"
        each = false / sum(count * span for count, span in zip(series, months, strict=True))
        rows.append(
            f"| `{method}` | {1 - sum(one.false_large for one in scores) / max(sum(one.large for one in scores), 1):.2f} "
            f"| {(told - false) / max(told, 1):.2f} | {found / max(labels, 1):.2f} | {late} | {false / sum(months):.2f} | {each:.4f} |"
        )
    return SECTION.format(
        organisations=len(samples),
        months=round(float(np.mean(months))),
        series=min(series) if min(series) == max(series) else f"{min(series)} to {max(series)}",
        labels=sum(len(sample.labels) for sample in samples),
        rows="\n".join(rows),
    )
