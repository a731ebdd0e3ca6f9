"""The dbt project over a database of its own, with the deliveries of two sources."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psycopg

from orchestration.lib import dbt
from orchestration.lib.built_state import current_state, record_state
from orchestration.lib.config_models import Config
from orchestration.lib.config_store import store_config
from orchestration.lib.warehouse import ensure_warehouse
from tests.dbt.forked import run_dbt
from tests.support.feed import Feed
from tests.support.lines import Line, csv_bytes

MARTS = (
    "cost_records", "daily_costs", "cost_allocations", "allocation_lineage", "chargeback_reports", "invoice_reconciliation", "teams",
    "tag_compliance", "tag_proposals", "resource_tags", "virtual_tag_rule_usage",
    "commitment_coverage", "commitment_utilization", "commitment_program_costs",
    "daily_savings", "cost_savings", "reporting_costs", "fx_effects", "chargeback_budgets",
    "ai_usage", "ai_usage_hourly", "ai_cost_reconciliation", "ai_unit_costs",
    "focus_cost_and_usage", "focus_billing_periods", "focus_invoice_details", "focus_contract_commitments",
)  # fmt: skip
SETTINGS: dict[str, Any] = {
    "organization": {"name": "Halden", "first_billing_period": "2018-01"},
    "sources": [
        {"name": "azure", "format": "focus", "location": "azure"},
        {"name": "aws", "format": "cur", "location": "aws"},
    ],
    "tag_policy": {"keys": {"team": {"aliases": ["squad"], "required": True}}},
    "virtual_tags": {
        "rules": [{"name": "instances", "match": {"resource_id": "^(i)-"}, "set": {"environment": "\\1-machines"}}]
    },
    "teams": [
        {"name": "Search", "cost_center": "CC1", "aliases": ["find"]},
        {"name": "Checkout", "cost_center": "CC2"},
    ],
    "accounts": [{"sub_account_id": "000000000042", "team": "Checkout", "project": "shop"}],
    "cost_allocation": {
        "rules": [
            {
                "name": "tax",
                "match": {"charge_categories": ["Tax"]},
                "method": "proportional",
                "measure": "effective_cost",
            },
            {
                "name": "unused",
                "match": {"commitment_discount_status": ["Unused"]},
                "method": "proportional",
                "measure": "effective_cost",
            },
        ]
    },
}


class Project:
    """The dbt project over one database. `folder` holds deliveries and what dbt writes."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self._feeds = {
            source["name"]: Feed(url, folder / source["name"], source["format"], name=source["name"])
            for source in SETTINGS["sources"]
        }
        with psycopg.connect(url) as connection:
            ensure_warehouse(connection)
        self.configure()

    def configure(self, **sections: Any) -> None:
        """Store the settings, with other sections in place of some."""
        context = {"path": self.folder / "finops-config.yaml"}
        self.config = Config.model_validate(SETTINGS | sections, context=context)
        with psycopg.connect(self.url) as connection:
            store_config(connection, self.config)

    def deliver(self, source: str, month: str, lines: Sequence[Line]) -> None:
        """Replace what lies there of a source by one month, and take it in."""
        feed = self._feeds[source]
        feed.clear()
        feed.deliver(f"{month}/bill.csv", csv_bytes(*lines))
        feed.load_one()

    def feed(self, source: str) -> Feed:
        return self._feeds[source]

    def arguments(self, *arguments: str) -> list[str]:
        return [*arguments, "--project-dir", str(dbt.project_dir())]

    def environment(self) -> dict[str, str]:
        own = {"DBT_TARGET_PATH": str(self.folder / "target"), "DBT_LOG_PATH": str(self.folder / "logs")}
        return {**os.environ, **dbt.environment(self.url), **own}

    def run(self, *arguments: str) -> str:
        """Run dbt and return what it printed; a failure fails the test."""
        status, printed = run_dbt(self.arguments(*arguments), self.environment(), self.folder)
        assert status == 0, f"dbt ended with {status}: {printed}"
        return printed

    def build(self, *arguments: str) -> str:
        """Build everything, and note what it was built from, as a run does."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            state = current_state(connection)
            printed = self.run(*dbt.BUILD_ARGUMENTS, *arguments)
            record_state(connection, state)
        return printed

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url) as connection:
            return connection.execute(query.encode()).fetchall()

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url) as connection:
            connection.execute(statement.encode())

    def marts(self) -> dict[str, list[tuple[Any, ...]]]:
        """Every row of every mart as text, in an order that depends on nothing but the content."""
        return {mart: self.rows(f"select m::text from finops.{mart} as m order by 1") for mart in MARTS}
