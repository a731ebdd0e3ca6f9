"""`finops export`: figures as files for other programs."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestration.lib import paths, postgres

if TYPE_CHECKING:
    from orchestration.lib.focus_export import FileFormat
    from orchestration.lib.focus_versions import Version


@click.group()
def export() -> None:
    """Write figures as files for other programs.

    Example: finops export focus --month 2026-09
    """


@export.command()
@click.option("--month", type=click.DateTime(["%Y-%m"]), required=True, help="Billing month, such as 2026-09.")
@click.option(
    "--version",
    type=click.Choice(["1.4", "1.2", "1.0"]),
    default="1.4",
    show_default=True,
    help="Version of the specification. Only 1.4 shows shared charges as the parts of their owners.",
)
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
    help="Kind of file.",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder. Default: exports in the state directory."
)
def focus(month: datetime, version: Version, file_format: FileFormat, out: Path | None) -> None:
    """Write everything that was charged in a month as one FOCUS file.

    Example: finops export focus --month 2026-09 --version 1.2 --format csv --out exports
    """
    from orchestration.lib.focus_export import COSTS, export_focus

    day = month.replace(tzinfo=UTC).date()
    done = export_focus(postgres.ensure_running(), day, version, file_format, out or paths.exports_dir())
    for totals in done.totals:
        costs = ", ".join(
            f"{name.removesuffix('_cost')} {'unknown' if cost is None else format(cost, 'f')}"
            for name, cost in zip(COSTS, totals.costs, strict=True)
        )
        click.echo(f"{totals.currency}  {totals.rows} rows, {costs}")
    click.echo(done.path)


@export.command()
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["parquet", "csv"]),
    default="parquet",
    show_default=True,
    help="Kind of file.",
)
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder. Default: exports in the state directory."
)
def recommendations(file_format: FileFormat, out: Path | None) -> None:
    """Write what could be saved in the columns that FOCUS drafts for recommendations.

    Example: finops export recommendations --format csv --out exports
    """
    from orchestration.lib.focus_recommendations import export_recommendations

    path, rows = export_recommendations(postgres.ensure_running(), file_format, out or paths.exports_dir())
    click.echo(f"{rows} recommendations")
    click.echo(path)
