"""Incidents of costs."""

import dagster as dg
import psycopg

from orchestration.defs.resources import Warehouse
from orchestration.lib.config import Config
from orchestration.lib.progress import watcher


def anomalies_asset(config: Config) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["ml", "anomalies"]),
        group_name="ml",
        kinds={"python", "postgres"},
        pool="warehouse",
        deps=[
            dg.AssetKey(["intermediate", "int_daily_series"]),
            dg.AssetKey(["finops", "cost_records"]),
            dg.AssetKey(["finops", "anomalies"]),
        ],
        description="Costs beyond what was expected, each event once, with what moved. The view `finops.anomalies` shows it.",
    )
    def anomalies(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        from orchestration.lib.anomalies.find import search, store

        watcher().step("Look for anomalies")
        settings = config.anomaly_detection
        with psycopg.connect(warehouse.url()) as connection:
            result = search(connection, settings.detector(), config.reports.cost_basis)
            run_id = store(connection, result.found, settings.method)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(result.found),
                "open": sum(one.incident.ended_on is None for one in result.found),
                "series": result.series,
                "last day": result.last.isoformat() if result.last else "no complete day",
                "series that cannot be used": list(result.refused),
                "run id": run_id,
            }
        )

    return anomalies
