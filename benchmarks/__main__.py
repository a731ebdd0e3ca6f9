"""`make bench`: what the platform costs, in ratios measured in one run. See benchmarks/README.md."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Measurement
from orchestration.lib.paths import state_dir


@dataclass(frozen=True)
class Sizes:
    """How much of what is measured. `measured`: resources with 90 days of measurements every five minutes."""

    lines: int
    load_lines: int
    resources: int
    log_records: int
    series: int
    measured: int


Part = Callable[[Path, Sizes], list[Measurement]]


def _start(work: Path, sizes: Sizes) -> list[Measurement]:  # noqa: ARG001
    from benchmarks import start

    return start.measure()


def _load(work: Path, sizes: Sizes) -> list[Measurement]:
    from benchmarks import load

    return load.measure(work, sizes.load_lines)


def _build(work: Path, sizes: Sizes) -> list[Measurement]:
    from benchmarks import build

    return build.measure(work, sizes.lines)


def _month(work: Path, sizes: Sizes) -> list[Measurement]:  # noqa: ARG001
    from benchmarks import month

    return month.measure(work)


def _tagging(work: Path, sizes: Sizes) -> list[Measurement]:
    from benchmarks import tagging

    return tagging.measure(work, sizes.resources)


def _organisation(work: Path, sizes: Sizes) -> list[Measurement]:
    from benchmarks import allocation, close, organisation

    config = organisation.prepare(work, sizes.lines)
    return allocation.measure(work, sizes.lines) + close.measure(config)


def _ai_logs(work: Path, sizes: Sizes) -> list[Measurement]:
    from benchmarks import ai_logs

    return ai_logs.measure(work, sizes.log_records)


def _alerts(work: Path, sizes: Sizes) -> list[Measurement]:  # noqa: ARG001
    from benchmarks import alert_latency

    return alert_latency.measure(work)


def _forecasts(work: Path, sizes: Sizes) -> list[Measurement]:  # noqa: ARG001
    from benchmarks import forecasts

    return forecasts.measure(sizes.series)


def _utilisation(work: Path, sizes: Sizes) -> list[Measurement]:
    from benchmarks import utilisation

    return utilisation.measure(work, sizes.measured)


def _portfolio(work: Path, sizes: Sizes) -> list[Measurement]:  # noqa: ARG001
    from benchmarks import portfolio

    return portfolio.measure(sizes.measured)


PARTS: dict[str, Part] = {
    "start": _start,
    "load": _load,
    "build": _build,
    "month": _month,
    "tagging": _tagging,
    "organisation": _organisation,
    "ai_logs": _ai_logs,
    "alerts": _alerts,
    "forecasts": _forecasts,
    "utilisation": _utilisation,
    "portfolio": _portfolio,
}
"""Each imports what it measures with where it runs."""


@click.command()
@click.option("--lines", default=5_000_000, show_default=True, help="Lines of the month that is built.")
@click.option(
    "--load-lines", default=1_000_000, show_default=True, help="Lines of the load that is compared with COPY."
)
@click.option("--resources", default=200_000, show_default=True, help="Resources whose owners are resolved.")
@click.option("--log-records", default=10_000_000, show_default=True, help="Records of the usage log that is loaded.")
@click.option("--series", default=1_000, show_default=True, help="Daily series that are forecast.")
@click.option("--measured", default=5_000, show_default=True, help="Resources with utilisation of 90 days.")
@click.option("--only", type=click.Choice(list(PARTS)), multiple=True, help="Measure only these.")
def main(only: tuple[str, ...], **sizes: int) -> None:
    """Measure and print a table. Needs about 1.5 GB of disk for each million lines, and nothing else running.

    Example: make bench; for a part of it: python -m benchmarks --only load --load-lines 300000
    """
    from orchestration.lib import postgres

    folder = state_dir() / "bench"
    folder.mkdir(exist_ok=True)
    found: list[Measurement] = []
    with tempfile.TemporaryDirectory(dir=folder) as name:
        # A state directory, and so a server, of its own: the user's warehouse is not touched.
        os.environ["FINOPS_HOME"] = name
        os.environ.pop("FINOPS_DATABASE_URL", None)
        work = Path(name)
        work.chmod(0o755)
        postgres.ensure_running()
        try:
            for part in only or PARTS:
                found += PARTS[part](work, Sizes(**sizes))
        finally:
            postgres.remove()
    table = Table(title="Benchmarks", title_justify="left", header_style="bold")
    for name in ("what", "measured", "compared with", "ratio", "to hold"):
        table.add_column(name)
    for one in found:
        table.add_row(one.what, one.measured, one.compared_with, one.ratio, one.to_hold)
    Console(width=150).print(table)


if __name__ == "__main__":
    main()
