"""The commands `finops ai …` on the names of users."""

from __future__ import annotations

import click


@click.group()
def ai() -> None:
    """The usage of AI models.

    Example: finops ai users
    """


@ai.command()
def users() -> None:
    """Print the pseudonyms of users and the names that are kept of them. The audit log notes who looked.

    Example: finops ai users
    """
    import psycopg

    from orchestration.lib import postgres
    from orchestration.lib.ai import users as names

    with psycopg.connect(postgres.ensure_running(), autocommit=True) as connection:
        for user_id, name in names.users(connection):
            click.echo(f"{user_id}  {name}")


@ai.command()
@click.argument("user")
def forget(user: str) -> None:
    """Erase the name of USER (a name or a pseudonym) for good. Usage stays under the pseudonym, which tells nothing any more.

    Example: finops ai forget jane@example.com
    """
    import psycopg

    from orchestration.lib import postgres
    from orchestration.lib.ai import users as names

    with psycopg.connect(postgres.ensure_running(), autocommit=True) as connection:
        user_id = names.forget(connection, user)
    click.echo(f"The name of {user_id} is erased and will not be kept again.")
