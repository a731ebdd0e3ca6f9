"""What Python works out of the marts."""

import dagster as dg
import psycopg

from orchestration.defs.resources import Warehouse
from orchestration.lib.config import Config
from orchestration.lib.progress import watcher


def ai_recommendations_asset(config: Config) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["ml", "recommendations"]),
        group_name="ml",
        kinds={"python", "postgres"},
        pool="warehouse",
        deps=[
            dg.AssetKey(["finops", mart])
            for mart in ("ai_usage", "ai_usage_hourly", "ai_cost_reconciliation", "recommendations")
        ],
        description="What could be saved on AI models, each with its evidence. The view `finops.recommendations` shows it.",
    )
    def recommendations(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        from orchestration.lib.recommendations import store_recommendations
        from orchestration.lib.ai.savings import ai_recommendations  # imports pandas

        watcher().step("Look for savings")
        with psycopg.connect(warehouse.url()) as connection:
            window, found = ai_recommendations(connection, config)
            run_id = store_recommendations(connection, found, window)
        return dg.MaterializeResult(
            metadata={
                "dagster/row_count": len(found),
                "monthly saving": float(sum(one.estimate.saving for one in found if one.counts)),
                "as of": window.last.isoformat() if window else "no AI usage",
                "run id": run_id,
            }
        )

    return recommendations
