"""Write a source's deliveries month by month with bounded memory."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil
from pathlib import Path

from .bill import Bill, Sums
from .calendar import Month, Slots, slots_of
from .charges import MAIN_INVOICE, MARKETPLACE_INVOICE
from .cur_bill import CurBill
from .cur_table import CurTable
from .estate import Estate, seeded
from .files import Delivery
from .focus_bill import FocusBill
from .focus_table import FocusTable, Shape
from .lines import Lines, concatenate
from .organization import AZURE, SOURCES, Source
from .restatement import Changes, Restatement, restate
from .truth import ControlTotal
from .units import IntArray, to_text
from .usage import Usage, measure, surplus

# Lines that are held in memory and written at a time: a file of that size is also what providers deliver.
CHUNK = 500_000
FORMATS = {"aws_main": "parquet", "aws_subsidiary": "csv.gz", "azure": "parquet"}
FILES_PER_MONTH = {"aws_main": 3, "aws_subsidiary": 2, "azure": 1}


@dataclass
class MonthWriter:
    """Everything needed to write the months of one source."""

    estate: Estate
    seed: int
    hours: int
    file_format: str
    bill: Bill = field(init=False)
    tables: CurTable | FocusTable = field(init=False)

    def __post_init__(self) -> None:
        source = self.estate.source
        if source.format == "cur":
            self.bill = CurBill(self.estate)
            self.tables = CurTable(source, self.bill.charges)
        else:
            self.bill = FocusBill(self.estate)
            microsoft = Shape.MICROSOFT_PARQUET if source is AZURE else Shape.AWS_PARQUET
            self.tables = FocusTable(
                source, self.bill.charges, microsoft if self.file_format == "parquet" else Shape.CSV
            )

    def parts(self, month: Month) -> Iterator[tuple[Slots, bool]]:
        """Return the month's slots cut into files, and whether a part is the last."""
        slots = slots_of(month, self.hours)
        size = max(1, min(CHUNK // self.estate.size, ceil(slots.size / FILES_PER_MONTH[self.estate.source.name])))
        for begin in range(0, slots.size, size):
            yield slots.part(begin, begin + size), begin + size >= slots.size

    def usage(self, month: Month, slots: Slots) -> Usage:
        """Return what the estate uses in some slots of a month."""
        return measure(self.estate, month, slots, self.seed)

    def month(
        self, root: Path, month: Month, restatement: Restatement | None = None, also: Lines | None = None
    ) -> "MonthResult":
        """Write a month's delivery, with what is charged `also`, beside the estate.

        Given a restatement, write what it says instead, without touching the monthly lines.
        """
        source = self.estate.source
        delivery = Delivery(root, source, month, self.file_format)
        result = MonthResult(month, Sums.zero(), invoice_ids(source, month))
        before = Sums.zero()
        changes = result.changes
        version = "restated" if restatement else "first"
        for number, (slots, last) in enumerate(self.parts(month)):
            usage = self.usage(month, slots)
            parts = self.bill.lines(usage)
            for part in parts:
                before.add(part)
            if restatement is None:
                result.note(slots, surplus(self.estate, usage))
            else:
                usage, late = restate(self.estate, usage, restatement, changes)
                kept = self.bill.lines(usage)
                changes.removed += sum(part.size for part in parts) - sum(part.size for part in kept)
                parts = [*kept, late]
            if last:
                if also:
                    before.add(also)
                    parts.append(also)
                parts.append(self.bill.closing(month, before))
            lines = concatenate(parts)
            result.sums.add(lines)
            result.lines += lines.size
            ids = seeded(self.seed, source.name, month.label, version, number)
            table = self.tables.table(lines, month, result.invoices, ids)
            delivery.write(table)
        delivery.finish(table.column_names, f"{month.label}-{version}-{self.seed:08d}")
        result.files = len(delivery.files)
        return result


@dataclass
class MonthResult:
    """What is known of a month once it is written; `extra` is series to day to cost beyond the usual."""

    month: Month
    sums: Sums
    invoices: dict[str, str | None]
    lines: int = 0
    files: int = 0
    extra: dict[int, dict[int, int]] = field(default_factory=dict)
    changes: Changes = field(default_factory=Changes)

    def note(self, slots: Slots, found: list[tuple[int, IntArray]]) -> None:
        """Remember what planted anomalies added in some slots."""
        for series, costs in found:
            days = self.extra.setdefault(series, {})
            for day, cost in zip(slots.day.tolist(), costs.tolist(), strict=True):
                days[day] = days.get(day, 0) + cost

    def total(self, source: Source) -> ControlTotal:
        """Return the control total of the month."""
        return ControlTotal(
            source.name,
            self.month.label,
            source.currency,
            self.month.closed,
            self.files,
            self.lines,
            to_text(self.sums.billed.sum()),
            to_text(self.sums.effective.sum()),
        )


def invoice_ids(source: Source, month: Month) -> dict[str, str | None]:
    """Return the ids of a month's invoices by kind; none while it is open."""
    if not month.closed:
        return {MAIN_INVOICE: None, MARKETPLACE_INVOICE: None}
    number = 1_400_000_000 + SOURCES.index(source) * 10_000_000 + (month.first.year * 12 + month.first.month) * 1_009
    prefix = {"aws_main": "US", "aws_subsidiary": "EUINDE", "azure": "E0"}[source.name]
    return {MAIN_INVOICE: f"{prefix}{number}", MARKETPLACE_INVOICE: f"{prefix}{number + 7}"}


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Give a folder beside `out` that takes its place if all goes well; a crash leaves what `out` held before."""
    out = out.absolute()
    out.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{out.name}-", dir=out.parent))
    try:
        yield fresh
        fresh.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
