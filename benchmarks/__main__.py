"""`make bench`: what the platform costs, in ratios measured in one run. See benchmarks/README.md."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from benchmarks.measure import Measurement
from orchestration.lib.paths import state_dir

PARTS = (
    "start",
    "load",
    "build",
    "month",
    "tagging",
    "allocation",
    "close",
    "ai_logs",
    "alerts",
    "forecasts",
    "portfolio",
)


@click.command()
@click.option("--lines", default=5_000_000, show_default=True, help="Lines of the month that is built.")
@click.option(
    "--load-lines", default=1_000_000, show_default=True, help="Lines of the load that is compared with COPY."
)
@click.option("--resources", default=200_000, show_default=True, help="Resources whose owners are resolved.")
@click.option("--log-records", default=10_000_000, show_default=True, help="Records of the usage log that is loaded.")
@click.option("--series", default=1_000, show_default=True, help="Daily series that are forecast.")
@click.option("--only", type=click.Choice(PARTS), multiple=True, help="Measure only these.")
def main(lines: int, load_lines: int, resources: int, log_records: int, series: int, only: tuple[str, ...]) -> None:
    r"""Measure and print a table. Needs about 1.5 GB of disk for each million lines, and nothing else running.

    \b
    Example: make bench
             python -m benchmarks --only load --load-lines 300000
    """
    folder = state_dir() / "bench"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as work:
        # A state directory, and so a server, of its own: the user's warehouse is not touched.
        os.environ["FINOPS_HOME"] = work
        os.environ.pop("FINOPS_DATABASE_URL", None)
        found = _measure(Path(work), lines, load_lines, resources, log_records, series, only or PARTS)
    table = Table(title="Benchmarks", title_justify="left", header_style="bold")
    for name in ("what", "measured", "compared with", "ratio", "to hold"):
        table.add_column(name)
    for one in found:
        table.add_row(one.what, one.measured, one.compared_with, one.ratio, one.to_hold)
    Console(width=150).print(table)


def _measure(
    work: Path, lines: int, load_lines: int, resources: int, log_records: int, series: int, wanted: tuple[str, ...]
) -> list[Measurement]:
    from benchmarks import (
        ai_logs,
        alert_latency,
        allocation,
        build,
        close,
        forecasts,
        load,
        month,
        organisation,
        portfolio,
        start,
        tagging,
    )
    from orchestration.lib import postgres

    work.chmod(0o755)
    postgres.ensure_running()
    try:
        found: list[Measurement] = []
        if "start" in wanted:
            found += start.measure()
        if "portfolio" in wanted:
            found += portfolio.measure(5_000)
        if "load" in wanted:
            found += load.measure(work, load_lines)
        if "build" in wanted:
            found += build.measure(work, lines)
        if "month" in wanted:
            found += month.measure(work)
        if "tagging" in wanted:
            found += tagging.measure(work, resources)
        if {"allocation", "close"} & set(wanted):
            config = organisation.prepare(work, lines)
            if "allocation" in wanted:
                found += allocation.measure(work, lines)
            if "close" in wanted:
                found += close.measure(config)
        if "ai_logs" in wanted:
            found += ai_logs.measure(work, log_records)
        if "alerts" in wanted:
            found += alert_latency.measure(work)
        if "forecasts" in wanted:
            found += forecasts.measure(series)
        return found
    finally:
        postgres.remove()


if __name__ == "__main__":
    main()
