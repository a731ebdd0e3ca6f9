"""Everything Dagster knows: what exists is in `defs`, how it is made in `lib`."""

from __future__ import annotations

import warnings
from pathlib import Path

import dagster as dg

from orchestration.defs.automation.jobs import refresh, usage_job
from orchestration.defs.automation.schedules import usage_schedule
from orchestration.defs.automation.sensors import delivery_sensor
from orchestration.defs.close.jobs import close_job
from orchestration.defs.cloud.assets import cloud_tags
from orchestration.defs.dbt.assets import dbt_resource, models
from orchestration.defs.gates.checks import gates
from orchestration.defs.ingest.ai_prices import ai_prices_asset
from orchestration.defs.ingest.assets import config_asset, source_asset
from orchestration.defs.ml.anomalies import anomalies_asset, hourly_anomalies_asset
from orchestration.defs.ml.assets import ai_recommendations_asset
from orchestration.defs.reports.assets import chargeback_report
from orchestration.defs.resources import Warehouse
from orchestration.lib import dbt, postgres
from orchestration.lib.config import Config
from orchestration.lib.settings import active_config

OWNERS = {"config": "team:finops", "raw": "team:data-platform", "reports": "team:finops"}


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
            models(config, manifest),
            ai_recommendations_asset(config),
            anomalies_asset(config),
            hourly_anomalies_asset(config),
            chargeback_report(config),
            cloud_tags(config),
        ],
        asset_checks=gates(),
        jobs=[refresh, close_job(config), polling],
        schedules=[usage_schedule(config, polling)],
        sensors=[delivery_sensor(config)],
        resources={"warehouse": Warehouse(), "dbt": dbt_resource()},
        # Steps are short and share one database: a process for each would cost more than it saves.
        executor=dg.in_process_executor,
    )
    return definitions.map_resolved_asset_specs(func=_with_owner)


def _with_owner(spec: dg.AssetSpec) -> dg.AssetSpec:
    return spec if spec.owners else spec.replace_attributes(owners=[OWNERS.get(spec.group_name or "", "team:finops")])


@dg.definitions
def defs() -> dg.Definitions:
    """What the workspace loads."""
    return build_definitions(active_config(), dbt.prepare_manifest(postgres.database_url()))
