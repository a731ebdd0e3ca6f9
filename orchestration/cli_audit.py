"""The commands `finops audit …`: read the audit log, and prove that it is as it was written."""

from __future__ import annotations

import click

from orchestration.lib.errors import FinopsError


@click.group()
def audit() -> None:
    """The audit log: who did what, in a table that only grows.

    Example: finops audit verify
    """


@audit.command()
def verify() -> None:
    """Check every event against its hash and its place, and closed months against their close, and name what was tampered with.

    Example: finops audit verify
    """
    import psycopg

    from orchestration.lib import audit as log
    from orchestration.lib import postgres
    from orchestration.lib.close import verify_closes
    from orchestration.lib.warehouse import ensure_warehouse

    with psycopg.connect(postgres.ensure_running(), autocommit=True) as connection:
        ensure_warehouse(connection)
        found = log.verify(connection)
        problems = [problem.text for problem in found.problems] + verify_closes(connection)
    if problems:
        listed = "\n".join(f"  {problem}" for problem in problems)
        raise FinopsError(f"what was written for ever was tampered with:\n{listed}")
    click.echo(
        f"{found.events} events and all closed months are as they were written. Hash of the last: {found.hash or 'none'}"
    )


@audit.command(name="list")
def list_() -> None:
    """Print every event, the oldest first: id, time (UTC), actor, action, subject and details.

    Example: finops audit list
    """
    import psycopg

    from orchestration.lib import ledger, postgres
    from orchestration.lib.config_store import canonical_json
    from orchestration.lib.warehouse import ensure_warehouse

    with psycopg.connect(postgres.ensure_running(), autocommit=True, options=ledger.UTC) as connection:
        ensure_warehouse(connection)
        events = connection.execute("select id, at, actor, action, subject, details from audit.events order by id")
        for event_id, at, actor, action, subject, details in events:
            click.echo(f"{event_id}  {at:%Y-%m-%d %H:%M:%S}  {actor}  {action}  {subject}  {canonical_json(details)}")
