"""`python -m orchestration.sample`: write the sample organisation."""

import time
from datetime import datetime
from pathlib import Path

import click

from . import DEFAULT_END, DEFAULT_MONTHS, generate


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), required=True, help="Folder to write; it is replaced."
)
@click.option("--seed", default=7, show_default=True, type=click.IntRange(min=0))
@click.option(
    "--factor",
    default=1.0,
    show_default=True,
    type=click.FloatRange(min=0, min_open=True),
    help="Scale of the number of lines.",
)
@click.option(
    "--end",
    default=DEFAULT_END.isoformat(),
    show_default=True,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Last delivered day.",
)
@click.option("--months", default=DEFAULT_MONTHS, show_default=True, type=click.IntRange(min=1))
@click.option("--spike", type=click.DateTime(["%Y-%m-%d"]), help="Day on which one resource costs many times as much.")
def main(out: Path, seed: int, factor: float, end: datetime, months: int, spike: datetime | None) -> None:
    """Write the bills, the settings and the truth of the sample organisation."""
    began = time.monotonic()
    try:
        truth = generate(
            out, seed=seed, factor=factor, end=end.date(), months=months, spike=spike.date() if spike else None
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    seconds = time.monotonic() - began
    click.echo(f"{truth.lines:,} lines in {seconds:.1f} s ({truth.lines / seconds:,.0f} a second): {out}")


if __name__ == "__main__":
    main()
