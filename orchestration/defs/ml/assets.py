"""What Python works out of the marts."""

import dagster as dg
import psycopg

from orchestration.defs.ingest.inventory import INVENTORY_KEY
from orchestration.defs.ingest.reference import REFERENCE_KEY
from orchestration.defs.ingest.utilisation import UTILISATION_KEY
from orchestration.defs.resources import Warehouse
from orchestration.lib.config import Config
from orchestration.lib.progress import watcher


def recommendations_asset(config: Config) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["ml", "recommendations"]),
        group_name="ml",
        kinds={"python", "postgres"},
        pool="warehouse",
        deps=[
            dg.AssetKey(["finops", mart])
            for mart in ("ai_usage", "ai_usage_hourly", "ai_cost_reconciliation", "cost_records", "recommendations")
        ]
        + [INVENTORY_KEY, UTILISATION_KEY, REFERENCE_KEY],
        description="What could be saved, each with its evidence, and what of it counts. The view `finops.recommendations` shows it.",
    )
    def recommendations(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        from orchestration.lib.recommendation_run import run_recommendations  # imports pandas

        watcher().step("Look for savings")
        with psycopg.connect(warehouse.url()) as connection:
            outcome = run_recommendations(connection, config)
        found = outcome.portfolio
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(found.recommendations),
                **{f"monthly saving {currency}": float(total) for currency, total in sorted(found.totals.items())},
                "nothing can be said of": len(outcome.excluded),
                "as of": outcome.as_of.isoformat() if outcome.as_of else "no usage",
                "run id": outcome.run_id,
            }
        )

    return recommendations
