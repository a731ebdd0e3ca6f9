"""One month of any size, for benchmarks."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np

from .bill import Sums
from .calendar import Month, whole_month
from .charges import USAGE
from .estate import Estate, build
from .organization import SOURCE, Source
from .truth import ControlTotal
from .writer import FORMATS, MonthWriter, replacing

# How much of the month the first estate fills; copies of its resources fill the rest to the line.
_FILL = 0.94


def write_month(
    out: Path, *, source: str, period: date, lines: int, seed: int = 7, file_format: str | None = None
) -> ControlTotal:
    """Write one complete month of exactly `lines` lines of a source to `out` (replaced) and return its control total.

    `source` is aws_main (CUR 2.0), aws_subsidiary (FOCUS of AWS) or azure (FOCUS of Microsoft); `file_format` is
    parquet, csv or csv.gz, by default the one that the source has in the sample. Lines are hourly unless there are too
    few of them. Raises ValueError for an unknown source or format, or for fewer lines than the source's services need.
    """
    if source not in SOURCE:
        raise ValueError(f"no source {source!r}; there are {', '.join(SOURCE)}")
    file_format = file_format or FORMATS[source]
    if file_format not in ("parquet", "csv", "csv.gz") or (SOURCE[source].format == "cur" and file_format != "parquet"):
        raise ValueError(f"{source} cannot be written as {file_format}")
    month = whole_month(period)
    writer = _fitted(SOURCE[source], month, lines, seed, file_format)
    with replacing(out) as fresh:
        return writer.month(fresh, month).total(SOURCE[source])


def _fitted(source: Source, month: Month, lines: int, seed: int, file_format: str) -> MonthWriter:
    """Return a writer whose month has exactly that many lines."""
    cells = sum(len(account.mix) for account in source.accounts)
    hours = 1 if lines >= 6 * cells * month.days * 24 else 24
    slots = month.days * 24 // hours
    series = max(cells, int(lines / slots * _FILL) - 3 * cells)
    estate = build(source, seed=seed, series=series, end=month.last, first=month.first, eventful=False)
    missing = lines - _count(estate, month, seed, hours, file_format)
    if missing < 0:
        raise ValueError(f"{source.name} has at least {lines - missing:,} lines a month, not {lines:,}")
    _copy_resources(estate, -(-missing // slots), missing % slots or slots)
    return MonthWriter(estate, seed, hours, file_format)


def _count(estate: Estate, month: Month, seed: int, hours: int, file_format: str) -> int:
    """Return how many lines the month of an estate will have; nothing begins or ends, so all slots have as many."""
    writer = MonthWriter(estate, seed, hours, file_format)
    slots, _ = next(writer.parts(month))
    first = writer.bill.lines(writer.usage(month, slots.part(0, 1)))
    nothing = np.zeros(len(writer.bill.charges), dtype=np.int64)
    closing = writer.bill.closing(month, Sums(nothing, nothing, nothing))
    return sum(part.size for part in first) * (month.days * 24 // hours) + closing.size


def _copy_resources(estate: Estate, copies: int, slots_of_last: int) -> None:
    """Append on-demand resources like those that there are; the last one lives for some slots of the month only."""
    plain = [row for row in estate.resources if row.charge.kind == USAGE]
    for number in range(copies):
        row = plain[number % len(plain)]
        charge = replace(row.charge, resource_id=f"{row.charge.resource_id}-{number}")
        estate.resources.append(replace(row, charge=charge))
    estate.slots_of_last = slots_of_last if copies else None
    estate.refresh()
