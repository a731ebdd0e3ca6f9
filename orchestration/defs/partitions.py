"""One partition a billing month, for every asset."""

from datetime import date

import dagster as dg

from orchestration.lib.config import Config


def billing_months(config: Config) -> dg.MonthlyPartitionsDefinition:
    """Months from the configured first one to the current, which is delivered while it runs. Keys are YYYY-MM."""
    return dg.MonthlyPartitionsDefinition(
        start_date=config.organization.first_billing_period, fmt="%Y-%m", end_offset=1, timezone="UTC"
    )


def months_of(keys: list[str]) -> list[date]:
    return [date.fromisoformat(f"{key}-01") for key in keys]
