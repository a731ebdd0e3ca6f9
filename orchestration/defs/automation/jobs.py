"""The one job: from the deliveries of some months to their reports."""

import dagster as dg

refresh = dg.define_asset_job(
    "refresh",
    # What changes the cloud is started by people alone.
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("cloud"),
    description="Takes in the deliveries of the chosen months, builds what changed, checks it and writes the reports.",
)
