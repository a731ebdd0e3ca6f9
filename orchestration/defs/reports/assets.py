"""What people read: a chargeback report for each month, and a review of each week."""

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

WEEKLY = "weekly"
"""The group of what is made once a week."""


def chargeback_report(config: Config) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["reports", "chargeback"]),
        group_name="reports",
        kinds={"plotly", "html"},
        partitions_def=billing_months(config),
        backfill_policy=dg.BackfillPolicy.single_run(),
        deps=list(dict.fromkeys(mart_key(mart) for mart in (*GATED_MARTS, "teams", "savings_calibration"))),
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


def weekly_review() -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["reports", "weekly_review"]),
        group_name=WEEKLY,
        kinds={"plotly", "html"},
        deps=[mart_key(mart) for mart in GATED_MARTS],
        description="The last week that is complete: what it cost, what moved, what was unusual, budgets at risk, what to change first.",
    )
    def review(warehouse: Warehouse) -> dg.MaterializeResult:  # type: ignore[type-arg]
        from reports.weekly_review import write_weekly_review

        watcher().step("Write the weekly review")
        with psycopg.connect(warehouse.url()) as connection:
            page = write_weekly_review(connection, paths.reports_dir())
        return dg.MaterializeResult(
            metadata={"page": dg.MetadataValue.path(str(page)) if page else "no week is complete yet"}
        )

    return review
