"""Notice new deliveries."""

from collections import defaultdict
from hashlib import sha256

import dagster as dg

from orchestration.defs.automation.jobs import refresh
from orchestration.defs.partitions import billing_months
from orchestration.defs.resources import Warehouse
from orchestration.lib import ledger, paths
from orchestration.lib.config import Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.ingest import find_deliveries, new_deliveries, open_storage


def delivery_sensor(config: Config) -> dg.SensorDefinition:
    months = billing_months(config)

    @dg.sensor(
        name="new_deliveries",
        job=refresh,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Starts a run for each billing month of which a source has a new or restated delivery.",
    )
    def sensor(warehouse: Warehouse) -> dg.SensorResult | dg.SkipReason:
        try:
            url = warehouse.url()
            fingerprints: dict[str, list[str]] = defaultdict(list)
            for source in config.sources:
                found = find_deliveries(source, open_storage(source, config.path, paths.spool_dir()))
                with ledger.connect(url) as connection:
                    refused = ledger.rejected_fingerprints(connection, source.name)
                for delivery in new_deliveries(url, source, found):
                    if delivery.billing_period is not None and delivery.fingerprint not in refused:
                        fingerprints[f"{delivery.billing_period:%Y-%m}"].append(delivery.fingerprint)
        except FinopsError as error:
            return dg.SkipReason(str(error))
        keys = set(months.get_partition_keys())
        requests = [
            dg.RunRequest(
                partition_key=month, run_key=f"{month}:{sha256(''.join(sorted(found_)).encode()).hexdigest()[:16]}"
            )
            for month, found_ in sorted(fingerprints.items())
            if month in keys
        ]
        return dg.SensorResult(run_requests=requests)

    return sensor
