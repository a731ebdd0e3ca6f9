"""What costs to come are expected to be."""

import dagster as dg
import psycopg

from orchestration.defs.resources import Warehouse
from orchestration.lib.config import Config
from orchestration.lib.progress import watcher


def forecasts_asset(config: Config) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["ml", "forecasts"]),
        group_name="ml",
        kinds={"python", "postgres"},
        pool="warehouse",
        # The views on it are made before it is filled.
        deps=[
            dg.AssetKey(["intermediate", "int_daily_series"]),
            *(
                dg.AssetKey(["finops", mart])
                for mart in ("forecasts", "forecast_periods", "forecast_scores", "budget_tracking", "budget_events")
            ),
        ],
        description="What each series will cost to the end of the month, quarter and year. Views in `finops` show it.",
    )
    def forecasts(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        from orchestration.lib.forecasts.forecast import forecast_costs

        watcher().step("Forecast costs")
        with psycopg.connect(warehouse.url()) as connection:
            found = forecast_costs(connection, config)
        return dg.MaterializeResult(
            metadata={
                "series": found.series,
                "computed anew": found.computed,
                "not forecast": dg.MetadataValue.json(list(found.refused)),
                "trained to": found.trained_to.isoformat() if found.trained_to else "no complete day",
                "run id": found.run_id,
            }
        )

    return forecasts
