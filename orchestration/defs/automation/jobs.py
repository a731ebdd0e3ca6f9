"""The jobs: from the deliveries of some months to their reports, and what is cheap enough to run every few minutes."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.defs.automation.timetable import MAX_HOURS
from orchestration.defs.ingest.ai_prices import AI_PRICES_KEY
from orchestration.defs.ingest.assets import ONLY_OPEN, source_key
from orchestration.defs.reports.assets import WEEKLY
from orchestration.lib.config import Config

_LIMITS = {"dagster/max_runtime": str(MAX_HOURS * 3600)}

BY_HAND = "cloud"
"""The group of what changes the cloud: people alone start it."""

_DAILY = dg.AssetSelection.all() - dg.AssetSelection.groups(BY_HAND, WEEKLY)

refresh = dg.define_asset_job(
    "refresh",
    selection=_DAILY,
    tags=_LIMITS,
    owners=["team:data-platform"],
    description="Takes in the deliveries of the chosen months, builds what changed, checks it and writes the reports.",
)

weekly = dg.define_asset_job(
    "weekly_review",
    selection=_DAILY | dg.AssetSelection.groups(WEEKLY),
    tags=_LIMITS,
    owners=["team:finops"],
    description="The same, and the review of the last week: no page is written on figures that have not passed the gates.",
)

# dbt models with this tag are built after each poll: hourly usage with its price and owner, and what these follow from.
NEAR_REAL_TIME = "near_real_time"


def usage_job(config: Config) -> UnresolvedAssetJobDefinition:
    """What the schedule `ai_usage` runs."""
    polled = [source_key(source) for source in config.sources if source.is_fetched and source.is_api]
    return dg.define_asset_job(
        "ai_usage",
        selection=dg.AssetSelection.assets(*polled, AI_PRICES_KEY) | dg.AssetSelection.tag(NEAR_REAL_TIME, "")
        if polled
        else dg.AssetSelection.assets(),
        tags=ONLY_OPEN | _LIMITS,
        owners=["team:data-platform"],
        description="Asks AI APIs for the hours in progress, and builds the models that follow from them cheaply.",
    )
