"""Options that several commands share."""

from pathlib import Path

import click

CONFIG_OPTION = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Settings file. Default: FINOPS_CONFIG, else config/finops-config.yaml, else the sample organisation.",
)
