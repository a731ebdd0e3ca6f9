"""Prices of the AI usage that is loaded, between the sources and the models."""

import dagster as dg

from orchestration.defs.ingest.assets import CONFIG_KEY, source_key
from orchestration.defs.resources import Warehouse
from orchestration.lib import ledger
from orchestration.lib.ai.price_table import Stored, store_prices
from orchestration.lib.config import Config
from orchestration.lib.formats.ai_usage import AI_USAGE
from orchestration.lib.formats.registry import READINGS
from orchestration.lib.progress import watcher
from orchestration.lib.warehouse import ensure_warehouse

AI_PRICES_KEY = dg.AssetKey(["config", "ai_prices"])


def ai_prices_asset(config: Config) -> dg.AssetsDefinition:
    """The asset `config/ai_prices`, after every source that AI usage is read from."""
    sources = [s for s in config.sources if any(reading.format is AI_USAGE for reading in READINGS[s.format])]

    @dg.asset(
        key=AI_PRICES_KEY,
        deps=[CONFIG_KEY, *(source_key(source) for source in sources)],
        group_name="config",
        kinds={"python", "postgres"},
        pool="warehouse",
        description=(
            "What a unit of each class of the loaded AI usage costs, by model, tier, context and day: the catalogue's prices, "
            "own prices and discounts. Past months keep the catalogue that they were priced with."
        ),
    )
    def ai_prices(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        watcher().step("Price AI usage")
        with ledger.connect(warehouse.url()) as connection:
            ensure_warehouse(connection)
            stored = store_prices(connection, config.ai_prices)
        return dg.MaterializeResult(metadata=_metadata(stored))

    return ai_prices


def _metadata(stored: Stored) -> dict[str, dg.MetadataValue]:
    missing = [f"{key.provider} {key.model} {key.service_tier}: {reason}" for key, reason in stored.gaps.items()]
    return {
        "models and tiers priced": dg.MetadataValue.int(stored.priced),
        "without a price": dg.MetadataValue.md("\n\n".join(missing) or "none"),
        "version": dg.MetadataValue.text(stored.content_hash),
        "changed": dg.MetadataValue.bool(stored.changed),
    }
