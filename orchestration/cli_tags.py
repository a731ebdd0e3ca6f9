"""The commands `finops tags`: what is proposed, write it to the cloud, and take it off again."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from orchestration.lib.config_money import TagWriteBack
    from orchestration.lib.tag_writeback import Step

_CONFIG = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Settings file. Default: FINOPS_CONFIG, else config/finops-config.yaml.",
)


@click.group()
def tags() -> None:
    """Tags that rules propose for AWS resources, and writing them there.

    Example: finops tags propose
    """


@tags.command()
@_CONFIG
def propose(config: Path | None) -> None:
    """List the proposed tags, and which of them may be written. Asks AWS for nothing.

    Example: finops tags propose --config config/finops-config.yaml
    """
    import psycopg

    from orchestration.lib import postgres
    from orchestration.lib.tag_writeback import judged, read_proposals

    settings = _settings(config)
    with psycopg.connect(postgres.ensure_running(), autocommit=True) as connection:
        _show(judged(read_proposals(connection), settings))


@tags.command()
@_CONFIG
@click.option("--apply", is_flag=True, help="Write the tags. Without it, only what would be written is shown.")
def write(config: Path | None, apply: bool) -> None:
    """Compare the approved proposals with the tags that are there, and with --apply write those that are missing.

    Example: finops tags write --apply
    """
    import psycopg

    from orchestration.lib import postgres
    from orchestration.lib.audit import ensure_audit
    from orchestration.lib.gate import require_gate
    from orchestration.lib.tag_writeback import read_proposals, write_tags
    from orchestration.lib.tagging_api import aws

    settings = _settings(config)
    url = postgres.ensure_running()
    with psycopg.connect(url, autocommit=True) as connection:
        ensure_audit(connection)
        proposals = read_proposals(connection)
        require_gate(url, "tag_proposals")
        _show(write_tags(connection, proposals, settings, aws(settings), apply=apply))
    if not apply:
        click.echo("Nothing was written. Write what is proposed with: finops tags write --apply")


@tags.command()
@_CONFIG
@click.argument("audit_id", type=click.IntRange(min=1))
def undo(config: Path | None, audit_id: int) -> None:
    """Take off the tags that a write put on. AUDIT_ID is the event that the write named; finops audit list has them all.

    Example: finops tags undo 42
    """
    import psycopg

    from orchestration.lib import postgres, tag_writeback
    from orchestration.lib.audit import ensure_audit
    from orchestration.lib.tagging_api import aws

    settings = _settings(config)
    with psycopg.connect(postgres.ensure_running(), autocommit=True) as connection:
        ensure_audit(connection)
        _show(tag_writeback.undo(connection, audit_id, aws(settings)))


def _settings(config: Path | None) -> TagWriteBack:
    from orchestration.lib.config import load_config
    from orchestration.lib.settings import active_config

    return (load_config(config) if config else active_config()).tag_write_back


def _show(steps: Sequence[Step]) -> None:
    """What became of each, and how many of each kind. A failure ends the command with status 1."""
    from rich.console import Console
    from rich.table import Table

    from orchestration.lib.tag_writeback import FAILED

    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console.width = max(console.width, 200)  # a log has no edge to wrap at
    table = Table("", "resource", "tag", "undo by", "why", header_style="bold")
    for step in steps:
        table.add_row(
            step.outcome,
            step.resource_id,
            f"{step.tag_key}={step.tag_value}",
            str(step.audit_id or ""),
            step.reason,
        )
    if steps:
        console.print(table, markup=False)
    counts = Counter(step.outcome for step in steps)
    console.print(
        ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items())) or "Nothing is proposed."
    )
    if counts[FAILED]:
        sys.exit(1)
