"""What people read: a chargeback report for each month."""

import dagster as dg
import psycopg

from orchestration.defs.gates.checks import mart_key
from orchestration.defs.partitions import billing_months, months_of
from orchestration.defs.resources import Warehouse
from orchestration.lib import paths
from orchestration.lib.config import Config
from orchestration.lib.gate_suites import GATED_MARTS
from orchestration.lib.progress import watcher
from orchestration.lib.publishing import publish_reports


def chargeback_report(config: Config) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["reports", "chargeback"]),
        group_name="reports",
        kinds={"plotly", "html"},
        partitions_def=billing_months(config),
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=list(dict.fromkeys(mart_key(mart) for mart in (*GATED_MARTS, "teams"))),
        description="One self-contained HTML page a month, and the same figures as CSV. Written only after the gates have passed.",
    )
    def chargeback(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        watcher().step("Write the reports")
        with psycopg.connect(warehouse.url()) as connection:
            pages = publish_reports(
                connection, months_of(list(context.partition_keys)), paths.reports_dir(), watcher().note
            )
        return dg.MaterializeResult(
            metadata={page.stem: dg.MetadataValue.path(str(page)) for page in pages[-24:]} | {"reports": len(pages)}
        )

    return chargeback
