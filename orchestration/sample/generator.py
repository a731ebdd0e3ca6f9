"""Write the sample organisation: its deliveries, its settings, and what is true of them."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from .ai import write_ai
from .ai.bedrock import Call, calls_of
from .ai.bedrock_bill import bill_lines, unlogged
from .bill import Bill
from .calendar import Month, day_of, months_until
from .charges import MAIN_INVOICE
from .estate import Estate, build, plant_spike
from .organization import SOURCES, Source
from .restatement import SOURCE_NAME, plan
from .settings import write_settings
from .truth import AnomalyLabel, CommitmentTotal, InvoiceTotal, RestatedMonth, Truth
from .units import to_text, units
from .waste import forgotten, planted, write_waste
from .writer import FORMATS, MonthResult, MonthWriter, replacing

DEFAULT_END = date(2026, 10, 20)
DEFAULT_MONTHS = 14
# From here on a larger sample is one with a line for each hour instead of one for each day.
HOURLY_FACTOR = 24.0
# Lines of resources as a share of all: the others are negations, discounts and commitments, and not every resource
# lives all the time.
_RESOURCE_SHARE = {"aws_main": 0.92, "aws_subsidiary": 1.02, "azure": 1.0}
_PLANTED_DIFFERENCE = units("13.37")


def generate(
    out: Path,
    *,
    seed: int = 7,
    factor: float = 1.0,
    end: date = DEFAULT_END,
    months: int = DEFAULT_MONTHS,
    spike: date | None = None,
) -> Truth:
    """Write the sample organisation to `out`, replacing what is there, and return what is known about it.

    `factor` scales the number of lines (1.0: about 300,000 over 14 months), not the money: more resources, and a line
    for each hour from factor 24 on. AI usage does not grow with it; below 1.0 there are fewer calls on Bedrock. The
    month of `end` is open unless `end` is its last day. On the day `spike` the dearest resource on demand costs many times
    as much as it would, and nothing else differs. The same arguments give the same bytes. Raises ValueError for a
    factor or a number of months that is not positive, and for a spike on a day that is not delivered.
    """
    if not factor > 0:
        raise ValueError(f"factor must be positive, not {factor}")
    window = months_until(end, months)
    if spike and not window[0].first <= spike <= end:
        raise ValueError(f"a spike on {spike} is not between {window[0].first} and {end}, the days that are delivered")
    truth = Truth(seed, factor, end.isoformat(), months)
    with replacing(out) as fresh:
        calls = {month.label: list(calls_of(month, end, seed, factor)) for month in window}
        truth.ai, truth.ai_totals, truth.ai_invoices = write_ai(
            fresh, window, seed, [call for month in window for call in calls[month.label]]
        )
        for source in SOURCES:
            main = source.name == SOURCE_NAME
            _write_source(fresh, source, window, truth, calls if main else {}, spike if main else None)
        write_settings(fresh / "finops-config.yaml", window, truth.invoices, truth.ai_invoices)
        truth.write(fresh / "truth.json")
    return truth


def _write_source(
    root: Path, source: Source, window: list[Month], truth: Truth, calls: dict[str, list[Call]], spike: date | None
) -> None:
    hours = 1 if truth.factor >= HOURLY_FACTOR else 24
    wanted = source.lines_per_day * truth.factor * hours / 24 * _RESOURCE_SHARE[source.name]
    cells = sum(len(account.mix) for account in source.accounts)
    end = window[-1].last
    estate = build(source, seed=truth.seed, series=max(cells, round(wanted)), end=end, first=window[0].first)
    estate.resources.extend(forgotten(source, truth.seed))
    if spike:
        plant_spike(estate, spike)
    estate.refresh()
    writer = MonthWriter(estate, truth.seed, hours, FORMATS[source.name])
    extra: dict[int, dict[int, int]] = {}
    results: list[MonthResult] = []
    for month in window:
        also = bill_lines(writer.bill, calls[month.label], end) if calls else None
        result = writer.month(root / "deliveries" / source.name, month, also=also)
        results.append(result)
        truth.totals.append(result.total(source))
        truth.ai.differences.extend(unlogged(writer.bill, result.sums, month) if calls else ())
        truth.invoices.extend(
            _invoices(source, writer.bill, result, planted=month is window[-3:][0] and source.name == SOURCE_NAME)
        )
        truth.commitments.extend(_commitments(source, writer.bill, result))
        for series, days in result.extra.items():
            extra.setdefault(series, {}).update(days)
    truth.anomalies.extend(_label(estate, series, days) for series, days in extra.items())
    waste = planted(estate, truth.seed, end)
    whole = next((result for result in reversed(results) if result.month.closed), results[-1])
    truth.waste.extend(waste.labels(whole.month, whole.sums.effective))
    write_waste(root, waste, truth.seed)
    restatement = plan(window)
    if source.name == SOURCE_NAME and restatement:
        also = bill_lines(writer.bill, calls[restatement.month.label], end) if calls else None
        result = writer.month(root / "restatements" / source.name, restatement.month, restatement, also)
        truth.restatement = RestatedMonth(
            source.name,
            restatement.month.label,
            [day.isoformat() for day in restatement.days],
            result.changes.removed,
            result.changes.changed,
            result.changes.added,
            result.total(source),
        )


def _invoices(source: Source, bill: Bill, result: MonthResult, *, planted: bool) -> Iterator[InvoiceTotal]:
    for kind, invoice_id in result.invoices.items():
        if invoice_id is None:
            continue
        delivered = int(bill.by_invoice(result.sums, kind).sum())
        invoiced = delivered + (_PLANTED_DIFFERENCE if planted and kind == MAIN_INVOICE else 0)
        yield InvoiceTotal(
            source.name,
            result.month.label,
            source.issuer,
            invoice_id,
            source.currency,
            to_text(delivered),
            to_text(invoiced),
        )


def _commitments(source: Source, bill: Bill, result: MonthResult) -> Iterator[CommitmentTotal]:
    for plan_, billed, used, unused in bill.commitments(result.sums):
        yield CommitmentTotal(
            source.name,
            result.month.label,
            plan_.resource_id,
            plan_.payment_option,
            to_text(billed),
            to_text(used),
            to_text(unused),
        )


def _label(estate: Estate, series: int, days: dict[int, int]) -> AnomalyLabel:
    row = estate.resources[series]
    charge, anomaly = row.charge, row.anomaly
    if anomaly is None:
        raise ValueError(f"series {series} of {estate.source.name} has no anomaly")
    extra = {day_of(day).isoformat(): to_text(cost) for day, cost in sorted(days.items()) if cost}
    return AnomalyLabel(
        anomaly.kind,
        anomaly.source,
        charge.account.account_id,
        charge.sku.name,
        charge.resource_id or "",
        anomaly.start.isoformat(),
        anomaly.end.isoformat(),
        extra,
    )
