"""Take the prices of the installed catalogue for months that would keep theirs, because a person asks for it."""

from __future__ import annotations

from datetime import date

from orchestration.lib import audit, ledger
from orchestration.lib.ai.catalogue import catalogue_version
from orchestration.lib.ai.price_table import Stored, store_prices
from orchestration.lib.config_ai import AiPrices
from orchestration.lib.warehouse import ensure_warehouse


def reprice(database_url: str, settings: AiPrices, first: date) -> Stored:
    """Price what is loaded by the installed catalogue from a day on, and log it where that changes a price."""
    with ledger.connect(database_url) as connection:
        ensure_warehouse(connection)
        with connection.transaction():
            stored = store_prices(connection, settings, reprice_from=first)
            if stored.changed:
                audit.append(
                    connection,
                    action="ai reprice",
                    subject=f"{first:%Y-%m}",
                    details={"catalogue": catalogue_version(), "content_hash": stored.content_hash},
                )
    return stored
