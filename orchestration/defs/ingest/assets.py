"""The configuration as dated versions, and one asset for each source: its deliveries by billing month."""

from collections.abc import Sequence

import dagster as dg
import psycopg

from orchestration.defs.partitions import billing_months, months_of
from orchestration.defs.resources import Warehouse
from orchestration.lib import paths
from orchestration.lib.config import Config
from orchestration.lib.config_sources import Source
from orchestration.lib.config_store import store_config
from orchestration.lib.ingest import Outcome, Rejected, find_deliveries, open_storage, take_in
from orchestration.lib.loader import Loaded
from orchestration.lib.progress import watcher

CONFIG_KEY = dg.AssetKey(["config", "sections"])
FORMAT_NAMES = {"focus": "FOCUS 1.0 to 1.4", "cur": "AWS Cost and Usage Report"}


def source_key(source: Source) -> dg.AssetKey:
    return dg.AssetKey(["raw", source.name])


def config_asset(config: Config) -> dg.AssetsDefinition:
    @dg.asset(
        key=CONFIG_KEY,
        group_name="config",
        kinds={"yaml", "postgres"},
        description="The rules of the configuration file, stored by section as dated versions; an unchanged section is left alone.",
    )
    def config_sections(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        watcher().step("Store the configuration")
        with psycopg.connect(warehouse.url()) as connection:
            versions = store_config(connection, config)
        return dg.MaterializeResult(metadata={"file": config.path.name, "versions": dg.MetadataValue.json(versions)})

    return config_sections


def source_asset(source: Source, config: Config) -> dg.AssetsDefinition:
    months = billing_months(config)

    @dg.asset(
        key=source_key(source),
        group_name="raw",
        kinds={"postgres", "s3" if source.location.startswith("s3://") else "csv"},
        partitions_def=months,
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
        check_specs=[
            dg.AssetCheckSpec(
                "deliveries_accepted",
                asset=source_key(source),
                description="Every delivery could be taken in. A rejected one leaves the former delivery of its month in place.",
            )
        ],
        description=(
            f"Billing deliveries of `{source.name}` ({FORMAT_NAMES[source.format]}): each month is replaced as a whole, "
            "checked against the control totals of its files."
        ),
    )
    def deliveries(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        watcher().step(f"Load {source.name}")
        wanted = set(months_of(list(context.partition_keys)))
        storage = open_storage(source, config.path, paths.spool_dir())
        found = find_deliveries(source, storage)
        outcomes = take_in(
            warehouse.url(),
            config,
            source,
            [
                d
                for d in found
                if d.billing_period in wanted
                or d.billing_period is None
                or not months_contain(months, d.billing_period)
            ],
            storage,
            run_id=context.run_id,
            progress=lambda lines: watcher().lines(source.name, lines),
        )
        for outcome in outcomes:
            if isinstance(outcome, Rejected):
                context.log.error(outcome.error)
        return _result(outcomes)

    return deliveries


def months_contain(months: dg.MonthlyPartitionsDefinition, month: object) -> bool:
    return f"{month:%Y-%m}" in months.get_partition_keys()


def _result(outcomes: Sequence[Outcome]) -> dg.MaterializeResult:  # type: ignore[type-arg]
    loaded = [outcome for outcome in outcomes if isinstance(outcome, Loaded)]
    rejected = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
    changed = [outcome for outcome in loaded if outcome.changed]
    ignored = sorted({column for outcome in changed for column in outcome.ignored_columns})
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(outcome.line_count for outcome in changed),
            "months taken in": ", ".join(f"{outcome.billing_period:%Y-%m}" for outcome in changed) or "none",
            "months unchanged": len(loaded) - len(changed),
            "columns not known to the format": ", ".join(ignored) or "none",
        },
        check_results=[
            dg.AssetCheckResult(
                passed=not rejected,
                check_name="deliveries_accepted",
                metadata={
                    "rejected": dg.MetadataValue.md("\n\n".join(outcome.error for outcome in rejected) or "none")
                },
            )
        ],
    )
