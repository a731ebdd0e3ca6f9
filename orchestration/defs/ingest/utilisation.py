"""What resources use, between the monitors and the recommendations."""

import dagster as dg

from orchestration.defs.resources import Warehouse
from orchestration.lib import ledger, paths
from orchestration.lib.config import Config
from orchestration.lib.progress import watcher

UTILISATION_KEY = dg.AssetKey(["raw", "utilisation"])


def utilisation_asset(config: Config) -> dg.AssetsDefinition:
    @dg.asset(
        key=UTILISATION_KEY,
        group_name="raw",
        kinds={"postgres"},
        pool="warehouse",
        check_specs=[
            dg.AssetCheckSpec(
                "files_accepted",
                asset=UTILISATION_KEY,
                description="Every file of measurements could be taken in. Of a rejected one the former version stays.",
            )
        ],
        description=(
            "What resources use of CPU, memory, network and more: a histogram of each resource, metric and day, from files of "
            "measurements or CloudWatch. Files that did not change are not read again."
        ),
    )
    def utilisation(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        from orchestration.lib.utilisation.load import take_in  # imports numpy and pyarrow

        watcher().step("Load utilisation")
        with ledger.connect(warehouse.url()) as connection:
            taken = take_in(connection, config, paths.spool_dir(), watcher().note)
        rejected = [error for one in taken for error in one.rejected]
        return dg.MaterializeResult(
            metadata={
                "measurements": sum(one.points for one in taken),
                "files taken in": sum(len(one.loaded) for one in taken),
                "files unchanged": sum(one.unchanged for one in taken),
            },
            check_results=[
                dg.AssetCheckResult(
                    passed=not rejected,
                    check_name="files_accepted",
                    metadata={"rejected": dg.MetadataValue.md("\n\n".join(rejected) or "none")},
                )
            ],
        )

    return utilisation
