"""`finops ai`: prices of AI models and names of their users."""

from __future__ import annotations

from pathlib import Path

import click

from orchestration.cli_options import CONFIG_OPTION


@click.group()
def ai() -> None:
    """The usage of AI models and its prices.

    Example: finops ai reprice --from 2026-09
    """


@ai.command()
@click.option(
    "--from", "month", required=True, help="The first month that takes the prices of the installed catalogue."
)
@CONFIG_OPTION
def reprice(month: str, config: Path | None) -> None:
    """Price past months by the catalogue that is installed now; without this they keep the prices that they had.

    Example: finops ai reprice --from 2026-09
    """
    from orchestration.lib import postgres
    from orchestration.lib.ai.reprice import reprice as take_prices
    from orchestration.lib.config import load_config
    from orchestration.lib.months import first_day
    from orchestration.lib.settings import active_config

    first = first_day(month)
    settings = load_config(config) if config else active_config()
    stored = take_prices(postgres.ensure_running(), settings.ai_prices, first)
    if not stored.changed:
        click.echo(f"The prices from {month} on are those of the installed catalogue already.")
        return
    click.echo(
        f"{stored.priced} models and tiers have new prices from {month} on. `finops run` brings the figures up to date."
    )


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
