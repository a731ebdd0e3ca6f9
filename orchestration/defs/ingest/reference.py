"""Reference data of instance types, between the files that the organisation keeps and the recommendations."""

import dagster as dg

from orchestration.defs.resources import Warehouse
from orchestration.lib import ledger, paths
from orchestration.lib.config import Config
from orchestration.lib.progress import watcher

REFERENCE_KEY = dg.AssetKey(["config", "instance_types"])


def reference_asset(config: Config) -> dg.AssetsDefinition:
    @dg.asset(
        key=REFERENCE_KEY,
        group_name="config",
        kinds={"postgres"},
        pool="warehouse",
        description=(
            "What instance types have, their dated list prices, and what replaces what, from the files of the section `reference`. "
            "What is paid comes from the bill; list prices only tell how types compare."
        ),
    )
    def instance_types(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        from orchestration.lib.reference.tables import store_reference

        watcher().step("Load reference data")
        with ledger.connect(warehouse.url()) as connection:
            found = store_reference(connection, config, paths.spool_dir())
        return dg.MaterializeResult(
            metadata={
                "types": len(found.types),
                "prices": len(found.prices),
                "successors": len(found.successors),
                "priced in several ways, and left out": found.ambiguous,
            }
        )

    return instance_types
