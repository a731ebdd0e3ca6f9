"""Close a month from Dagster, with the code of `finops close`."""

import dagster as dg
from pydantic import Field

from orchestration.defs.resources import Warehouse
from orchestration.lib.close import close_and_report
from orchestration.lib.config import Config
from orchestration.lib.months import first_day


class CloseConfig(dg.Config):
    """`month`: YYYY-MM. `accepted_differences`: invoice id -> why its difference to the delivery is accepted."""

    month: str
    accepted_differences: dict[str, str] = Field(default_factory=dict)


def close_job(settings: Config) -> dg.JobDefinition:
    @dg.op(
        name="sign",
        pool="warehouse",
        description="Checks everything that must hold, keeps the month's chargeback as it is, and writes its report.",
    )
    def sign(context: dg.OpExecutionContext, config: CloseConfig, warehouse: Warehouse) -> None:
        month = first_day(config.month)
        closed, page = close_and_report(warehouse.url(), settings, month, config.accepted_differences)
        context.log.info(f"{month:%Y-%m} is closed: {closed.row_count} rows, hash {closed.content_hash}; {page}")

    @dg.job(
        name="close_month",
        description=(
            "Signs a month: what teams pay for it stays as it is, and what changes later is adjusted in the first open month."
        ),
    )
    def close_month() -> None:
        sign()

    return close_month
