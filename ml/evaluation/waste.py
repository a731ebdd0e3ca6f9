"""Waste that the generator of sample organisations plants, and what is found of it."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from pathlib import Path
from typing import Any, get_args

import numpy as np

from ml.evaluation.sample_bill import last_window, paid_in
from ml.savings.histogram import Histogram
from ml.savings.holdings import Holdings
from ml.savings.hours import HOURS, HoursOfWeek
from ml.savings.instance_types import Catalogue, PriceKey
from ml.savings.paid import Paid
from ml.savings.portfolio import portfolio
from ml.savings.recommendation import Recommendation, Window
from ml.savings.right_sizing import right_sizing, system_of
from ml.savings.sizing import CPU, MEMORY, NETWORK_IN, NETWORK_OUT, Resource, SizingSettings, Use
from ml.savings.storage_prices import Component, StoragePrice, StoragePrices
from ml.savings.waste_kinds import find_waste
from ml.savings.waste_settings import WasteSettings

SEEDS = (7, 11, 23)
ROOT = Path(__file__).resolve().parents[2]
_PRICES = ROOT / "config" / "reference" / "s3-storage-prices.csv"
_NAMES = {
    "CPUUtilization": CPU,
    "mem_used_percent": MEMORY,
    "NetworkIn": NETWORK_IN,
    "NetworkOut": NETWORK_OUT,
}
_KINDS = {
    "idle_resource": "idle",
    "orphaned_resource": "left over",
    "right_sizing": "oversized",
    "schedule": "off at night and on weekends",
    "storage_lifecycle": "cold data, uploads, versions",
    "volume_type": "gp2 to gp3",
}
Key = tuple[str, str]
"""Kind and resource."""


@dataclass(frozen=True)
class Score:
    """Of one kind in all organisations: how much was planted, recommended and both, and the sums of savings a month."""

    kind: str
    planted: int = 0
    recommended: int = 0
    both: int = 0
    true_saving: Decimal = Decimal(0)
    saving: Decimal = Decimal(0)

    def __add__(self, other: Score) -> Score:
        return Score(
            self.kind,
            self.planted + other.planted,
            self.recommended + other.recommended,
            self.both + other.both,
            self.true_saving + other.true_saving,
            self.saving + other.saving,
        )


def section(seeds: Sequence[int] = SEEDS) -> str:
    """The section of the page of accuracies: organisations are generated, looked at and thrown away."""
    totals = {kind: Score(kind) for kind in _KINDS}
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            sample = Path(folder) / "sample"
            command = [sys.executable, "-m", "orchestration.sample", "--out", sample, "--seed", seed, "--months", 2]
            subprocess.run([str(part) for part in command], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)
            for one in scores(sample):
                totals[one.kind] += one
    whole = sum(totals.values(), Score("all"))
    rows = "\n".join(_row(_KINDS.get(one.kind, one.kind), one) for one in (*totals.values(), whole))
    return SECTION.format(count=len(seeds), seeds=", ".join(map(str, seeds)), rows=rows)


def scores(sample: Path) -> list[Score]:
    """What was found in one organisation, by kind. What a commitment pays for anyway saves nothing yet, and is no find."""
    labels = json.loads((sample / "truth.json").read_text(encoding="utf-8"))
    planted: dict[Key, Decimal] = defaultdict(Decimal)
    for one in labels["waste"]:
        if Decimal(one["monthly_saving"]):
            planted[one["kind"], one["resource_id"]] += Decimal(one["monthly_saving"])
    recommended: dict[Key, Decimal] = defaultdict(Decimal)
    for advice in recommendations(sample, date.fromisoformat(labels["end"])):
        if advice.counts and advice.kind in _KINDS and advice.effective_from is None and advice.estimate.saving:
            recommended[advice.kind, advice.resource_id or ""] += advice.estimate.saving
    return [_score(kind, planted, recommended) for kind in _KINDS]


def _score(kind: str, planted: dict[Key, Decimal], recommended: dict[Key, Decimal]) -> Score:
    true, found = ({key: one for key, one in of.items() if key[0] == kind} for of in (planted, recommended))
    return Score(
        kind,
        len(true),
        len(found),
        len(true.keys() & found.keys()),
        sum(true.values(), Decimal(0)),
        sum(found.values(), Decimal(0)),
    )


def recommendations(sample: Path, end: date) -> tuple[Recommendation, ...]:
    """What is recommended on sizes and waste, with what counts of it."""
    window = last_window(end)
    paid = paid_in(sample, window)
    uses, hours = _measured(sample, window)
    holdings = Holdings(window, paid, _lists(sample), WasteSettings(), uses, hours, _storage_prices())
    with localcontext(prec=60):
        sizes = right_sizing(
            [Resource(one, uses.get(one.resource_id)) for one in paid if _is_instance(one)],
            Catalogue(billed=_list_prices(paid)),
            SizingSettings(),
        )
        found = [one for one in sizes if isinstance(one, Recommendation)]
    return portfolio([*find_waste(holdings)[0], *found], lambda _: ()).recommendations


def _is_instance(paid: Paid) -> bool:
    return paid.instance_type is not None and paid.consumed_unit == "Hrs" and paid.is_current


def _list_prices(paid: Iterable[Paid]) -> dict[PriceKey, Decimal]:
    return {
        (one.region_id or "", system_of(Resource(one, None)), one.instance_type or ""): one.list_cost
        / one.consumed_quantity
        for one in paid
        if _is_instance(one) and one.list_cost and one.consumed_quantity
    }


def _measured(sample: Path, window: Window) -> tuple[dict[str, Use], dict[str, HoursOfWeek]]:
    import pyarrow.parquet as pq

    metrics: dict[str, dict[str, Histogram]] = defaultdict(dict)
    hours: dict[str, HoursOfWeek] = {}
    for path in sorted((sample / "utilisation").rglob("*.parquet")):
        frame = pq.read_table(path).to_pandas()
        days = frame["timestamp"].dt.date
        frame = frame[(days >= window.first) & (days <= window.last)]
        for (resource, metric), rows in frame.groupby(["resource_id", "metric"], sort=True):
            name, values = _NAMES.get(metric, metric), rows["value"].to_numpy(np.float64)
            metrics[resource][name] = Histogram.of(values)
            if name == CPU:
                hour = (rows["timestamp"].dt.day_of_week * 24 + rows["timestamp"].dt.hour).to_numpy()
                highest = np.full(HOURS, np.nan)
                np.fmax.at(highest, hour, values)
                hours[resource] = HoursOfWeek(highest, np.bincount(hour, minlength=HOURS))
    return {resource: Use(found, window.days) for resource, found in metrics.items()}, hours


def _lists(sample: Path) -> dict[str, list[dict[str, Any]]]:
    lists: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for path in sorted((sample / "inventory").rglob("*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            dates = {
                name: date.fromisoformat(row[name]) for name in row if name.endswith(("_on", "_since")) and row[name]
            }
            lists[path.stem].append(row | dates)
    return lists


def _storage_prices() -> StoragePrices:
    with _PRICES.open(encoding="utf-8", newline="") as stream:
        return StoragePrices(
            tuple(
                StoragePrice(
                    row["region_id"],
                    row["storage_class"],
                    next(one for one in get_args(Component) if one == row["component"]),
                    Decimal(row["unit_price"]),
                    date.fromisoformat(row["valid_from"]),
                )
                for row in csv.DictReader(stream)
            )
        )


def _row(name: str, one: Score) -> str:
    recall = f"{100 * one.both / one.planted:.1f} %" if one.planted else "–"
    precision = f"{100 * one.both / one.recommended:.1f} %" if one.recommended else "–"
    error = f"{100 * (one.saving / one.true_saving - 1):+.1f} %" if one.true_saving else "–"
    return f"| {name} | {one.planted} | {one.recommended} | {recall} | {precision} | {one.true_saving:,.0f} | {one.saving:,.0f} | {error} |"


SECTION = """## Waste: what the generator plants

{count} generated organisations (seeds {seeds}) with waste whose true monthly saving is known, among resources that look like it and
are none: snapshots that are needed, buckets of small objects or that are read often, busy instances, and idle ones that a commitment
pays for anyway. Savings are at what is really paid, in dollars a month; a resource counts once, with what the portfolio chooses. The
error has a part that is no mistake: the truth is of the last whole month, the recommendation of the last 30 days. Sizes are found at
prices that the bill tells, so that an oversized instance is halved where it could be quartered but no quarter is on the bill.

| kind | planted | recommended | recall | precision | true saving | found | error of the sum |
|---|---|---|---|---|---|---|---|
{rows}

The generator is this project's own, and its waste is clear: the figures say that nothing is lost, counted twice or priced wrongly on
the way, not how clear waste is elsewhere.
"""
