"""What people are told: after the gates, and never of what a gate holds back."""

import dagster as dg

from orchestration.defs.gates.checks import mart_key
from orchestration.defs.resources import Warehouse
from orchestration.lib.config import Config
from orchestration.lib.gate_suites import GATED_MARTS
from orchestration.lib.progress import watcher


def sent_alerts(config: Config) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["alerts", "sent"]),
        group_name="alerts",
        kinds={"python", "postgres"},
        # Budgets and incidents of hours are told too, so these are made before.
        deps=[*(mart_key(mart) for mart in GATED_MARTS), dg.AssetKey(["ml", "ai_anomalies"])],
        description="Incidents, budgets and recommendations that are new, sent to those whom the settings name. "
        "Only after the gates have passed.",
    )
    def sent(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        from orchestration.lib.alerts.telling import tell_from_marts

        watcher().step("Send alerts")
        told = tell_from_marts(warehouse.url(), config)
        for problem in told.problems:
            context.log.warning(problem)
        return dg.MaterializeResult(
            metadata={
                "new alerts": told.new,
                "messages sent": told.outcomes.get("sent", 0),
                "to be tried again": told.outcomes.get("later", 0),
                "refused": told.outcomes.get("refused", 0),
                "receivers": len({one for receivers in config.alerting.receivers.values() for one in receivers}),
            }
        )

    return sent
