"""Everything Dagster knows: what exists is in `defs`, how it is made in `lib`."""

from __future__ import annotations

import warnings
from datetime import timedelta
from pathlib import Path

import dagster as dg

from orchestration.defs.alerts.assets import sent_alerts
from orchestration.defs.alerts.sensors import failure_sensor, outbox_sensor
from orchestration.defs.automation.jobs import BY_HAND, refresh, usage_job, weekly
from orchestration.defs.automation.schedules import timed_schedules, usage_schedule
from orchestration.defs.automation.sensors import delivery_sensor
from orchestration.defs.automation.timetable import FRESH_BY
from orchestration.defs.close.jobs import close_job
from orchestration.defs.cloud.assets import cloud_tags
from orchestration.defs.dbt.assets import dbt_resource, models
from orchestration.defs.gates.checks import gates
from orchestration.defs.ingest.ai_prices import ai_prices_asset
from orchestration.defs.ingest.assets import config_asset, source_asset
from orchestration.defs.ingest.inventory import inventory_asset
from orchestration.defs.ingest.reference import reference_asset
from orchestration.defs.ingest.utilisation import utilisation_asset
from orchestration.defs.ml.anomalies import anomalies_asset
from orchestration.defs.ml.assets import recommendations_asset
from orchestration.defs.reports.assets import chargeback_report, weekly_review
from orchestration.defs.resources import Warehouse
from orchestration.lib import dbt, postgres
from orchestration.lib.config import Config
from orchestration.lib.settings import active_config

OWNERS = {"config": "team:finops", "raw": "team:data-platform", "reports": "team:finops", "weekly": "team:finops"}


def build_definitions(config: Config, manifest: Path) -> dg.Definitions:
    """The definitions for a configuration: an asset for each of its sources, the dbt models, gates and reports."""
    # Parts of Dagster that this project rests on are marked beta; its tests say whether they still do what they did.
    warnings.filterwarnings("ignore", category=dg.BetaWarning)
    warnings.filterwarnings("ignore", category=dg.PreviewWarning)
    polling = usage_job(config)
    definitions = dg.Definitions(
        assets=[
            config_asset(config),
            *(source_asset(source, config) for source in config.sources),
            ai_prices_asset(config),
            utilisation_asset(config),
            inventory_asset(config),
            reference_asset(config),
            models(config, manifest),
            anomalies_asset(config),
            recommendations_asset(config),
            chargeback_report(config),
            weekly_review(),
            cloud_tags(config),
            sent_alerts(config),
        ],
        asset_checks=gates(),
        jobs=[refresh, weekly, close_job(config), polling],
        schedules=[*timed_schedules(config, [refresh, weekly]), usage_schedule(config, polling)],
        sensors=[delivery_sensor(config), outbox_sensor(config), failure_sensor(config)],
        resources={"warehouse": Warehouse(), "dbt": dbt_resource()},
        # Steps are short and share one database: a process for each would cost more than it saves.
        executor=dg.in_process_executor,
    )
    fresh = dg.FreshnessPolicy.cron(FRESH_BY, timedelta(days=1), timezone=config.organization.time_zone)

    def as_declared(spec: dg.AssetSpec) -> dg.AssetSpec:
        owned = spec.owners or [OWNERS.get(spec.group_name or "", "team:finops")]
        # Dagster knows when an asset was made, not of which month: what is late is the daily run.
        return spec.replace_attributes(owners=owned, freshness_policy=None if spec.group_name == BY_HAND else fresh)

    return definitions.map_resolved_asset_specs(func=as_declared)


@dg.definitions
def defs() -> dg.Definitions:
    """What the workspace loads."""
    return build_definitions(active_config(), dbt.prepare_manifest(postgres.database_url()))
