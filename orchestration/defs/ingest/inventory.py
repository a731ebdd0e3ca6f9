"""What resources there are, between the cloud and the recommendations."""

import dagster as dg

from orchestration.defs.resources import Warehouse
from orchestration.lib import ledger, paths
from orchestration.lib.config import Config
from orchestration.lib.progress import watcher

INVENTORY_KEY = dg.AssetKey(["raw", "inventory"])


def inventory_asset(config: Config) -> dg.AssetsDefinition:
    @dg.asset(
        key=INVENTORY_KEY,
        group_name="raw",
        kinds={"postgres"},
        pool="warehouse",
        check_specs=[
            dg.AssetCheckSpec(
                "lists_accepted",
                asset=INVENTORY_KEY,
                description="Every source of the inventory could be taken in. A rejected one keeps what it told before.",
            )
        ],
        description=(
            "Instances, volumes, snapshots, addresses, load balancers, NAT gateways, clusters and buckets as they are now, from "
            "files or from AWS: what a source tells is replaced as a whole, in the tables `raw.inventory_*`."
        ),
    )
    def inventory(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        from orchestration.lib.inventory.reading import read_source
        from orchestration.lib.inventory.store import take_inventory

        watcher().step("Load the inventory")
        with ledger.connect(warehouse.url()) as connection:
            counts, errors = take_inventory(
                connection, config, lambda source: read_source(source, config.path, paths.spool_dir())
            )
        return dg.MaterializeResult(
            metadata={"dagster/row_count": sum(counts.values()), **counts},
            check_results=[
                dg.AssetCheckResult(
                    passed=not errors,
                    check_name="lists_accepted",
                    metadata={"rejected": dg.MetadataValue.md("\n\n".join(errors) or "none")},
                )
            ],
        )

    return inventory
