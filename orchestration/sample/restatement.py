"""A later delivery of a closed month: some days differ, the others do not."""

import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .calendar import Month, day_number
from .charges import USAGE
from .estate import Estate
from .lines import Lines
from .organization import SOURCE
from .usage import Usage

SOURCE_NAME = "aws_main"


@dataclass(frozen=True)
class Restatement:
    """Which days of a month the provider states anew."""

    month: Month
    days: tuple[date, ...]


@dataclass
class Changes:
    """How many lines a restatement removed (with the discount lines that went with them), changed and added."""

    removed: int = 0
    changed: int = 0
    added: int = 0


def plan(months: list[Month]) -> Restatement | None:
    """Return the last closed month, three days of it; None while no month is closed."""
    closed = [month for month in months if month.closed]
    if not closed:
        return None
    first = closed[-1].first
    return Restatement(closed[-1], tuple(first + timedelta(days=days) for days in (11, 12, 13)))


def restate(estate: Estate, usage: Usage, restatement: Restatement, changes: Changes) -> tuple[Usage, Lines]:
    """Usage with a rate corrected for some resources and lines of others withdrawn, and the lines that came in late."""
    numbers = np.array([day_number(day) for day in restatement.days])
    plain = np.array([row.charge.kind == USAGE and row.anomaly is None for row in estate.resources])
    order = np.cumsum(plain)
    slots = np.isin(usage.slots.day, numbers)[None, :] & usage.lines

    def every(step: int, offset: int) -> NDArray[np.bool_]:
        return np.asarray((plain & (order % step == offset))[:, None] & slots)

    removed, changed, late = every(11, 3), every(7, 0) & ~every(11, 3), every(13, 5) & ~every(11, 3)
    units = np.where(changed, usage.list_units * 9 // 10, usage.list_units)
    units[removed] = 0
    quantity = np.where(changed, np.round(usage.quantity * 0.9, 6), usage.quantity)
    quantity[removed] = 0
    changes.changed += int(changed.sum())
    changes.added += int(late.sum())
    series, slot = np.nonzero(late)
    extra = usage.list_units[series, slot] // 20 + 1
    lines = Lines(
        series,
        usage.slots.start_ms[slot],
        usage.slots.end_ms[slot],
        np.round(usage.quantity[series, slot] / 20, 6),
        extra,
        extra,
        extra,
    )
    return Usage(usage.slots, quantity, units, usage.committed_units, usage.lines & ~removed), lines


def apply_restatement(out: Path) -> None:
    """Replace the delivered month by its restatement, the manifest last, as the provider overwrites an export.

    Raises FileNotFoundError when the sample has none (a window without a closed month).
    """
    export = Path(SOURCE[SOURCE_NAME].prefix, SOURCE[SOURCE_NAME].export)
    later = out / "restatements" / SOURCE_NAME / export
    current = out / "deliveries" / SOURCE_NAME / export
    for kind in ("data", "metadata"):
        for partition in sorted((later / kind).iterdir()):
            target = current / kind / partition.name
            target.mkdir(parents=True, exist_ok=True)
            for file in sorted(partition.iterdir()):
                arriving = target / f".{file.name}"
                shutil.copyfile(file, arriving)
                arriving.replace(target / file.name)
