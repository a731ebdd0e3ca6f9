"""Which billing months are allocated and charged again when something changed, and that they are then what a clean build makes of them."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from orchestration.lib.close import close_month
from tests.dbt.bills import APRIL, MARCH, cur_lines, focus_lines, in_april
from tests.dbt.project import Project

MODELS = {"allocation_lineage", "cost_allocations", "int_chargebacks", "chargeback_reports"}
RULE = {"name": "tax", "match": {"charge_categories": ["Tax"]}, "method": "metric", "driver": "seats"}


class Months:
    """What was rebuilt since the last time that it was asked for."""

    def __init__(self, project: Project) -> None:
        self.project = project
        self.before = self._found()

    def rebuilt(self) -> dict[str, set[str]]:
        before, self.before = self.before, self._found()
        changed = {key for key, version in self.before.items() if before.get(key) != version}
        return {model: {month for name, month in changed if name == model} for model in MODELS}

    def _found(self) -> dict[tuple[Any, ...], str]:
        rows = self.project.rows(
            "select model, to_char(billing_period, 'YYYY-MM'), xmin::text from intermediate.built_months"
        )
        return {(model, month): version for model, month, version in rows}


def every(*months: str) -> dict[str, set[str]]:
    return {model: set(months) for model in MODELS}


def configure(project: Project, quantities: str) -> None:
    (project.folder / "seats.csv").write_text("month,team,quantity\n" + quantities)
    drivers = [{"name": "seats", "location": "seats.csv"}]
    project.configure(cost_allocation={"rules": [RULE], "drivers": drivers})


def assert_as_built_clean(project: Project) -> None:
    incremental = project.marts()
    project.build("--full-refresh")
    assert project.marts() == incremental


def test_months_that_changed_are_allocated_again(built: Project) -> None:
    march = f"{MARCH},Search,1\n{MARCH},Checkout,2\n"
    configure(built, march)
    built.build()
    months = Months(built)

    # A day is restated, in a month that no other month depends on.
    built.deliver("azure", MARCH, focus_lines(days=(1, 2), cost="2.5"))
    built.build()
    assert months.rebuilt() == every(MARCH)

    # A driver gets quantities of another month, as it does each month.
    configure(built, march + f"{APRIL},Search,1\n")
    built.build()
    assert months.rebuilt() == every(APRIL)

    # With April of the source that lacked it, all of March is final; a line of March that comes with April counts for March.
    built.deliver("aws", APRIL, [*in_april(cur_lines()), *cur_lines()[:1]])
    built.build()
    assert months.rebuilt() == every(MARCH, APRIL)
    assert built.rows(
        "select distinct is_final from finops.allocation_lineage where billing_period = '2025-03-01'"
    ) == [(True,)]
    built.deliver("aws", APRIL, in_april(cur_lines()))
    built.build()
    assert MARCH in months.rebuilt()["chargeback_reports"]
    assert_as_built_clean(built)


def test_a_closed_month_whose_deliveries_are_gone_is_taken_back(built: Project) -> None:
    for source, lines in (("aws", cur_lines()), ("azure", focus_lines())):
        built.deliver(source, APRIL, in_april(lines))
    built.build()
    close_month(built.url, built.config, date(2025, 3, 1))
    signed = built.rows("select sum(effective_cost) from finops.chargeback_reports where billing_period = '2025-03-01'")
    months = Months(built)

    # A close is no new charge: the month that was signed is looked at again, the open one stays.
    built.build()
    assert months.rebuilt() == every() | {"chargeback_reports": {MARCH}}

    scopes = "(select scope_id from raw.scopes where billing_period = '2025-03-01')"
    for table in (
        "delivery_days",
        "focus_charges",
        "focus_charge_attributes",
        "cur_line_items",
        "cur_line_item_attributes",
    ):
        built.execute(f"delete from raw.{table} where scope_id in {scopes}")
    built.build()
    assert built.rows("select count(*) from intermediate.int_chargebacks where billing_period = '2025-03-01'") == [(0,)]
    found = built.rows(
        "select billing_period::text, sum(effective_cost) from finops.chargeback_reports"
        " where coalesce(adjusts_billing_period, billing_period) = '2025-03-01' group by 1 order by 1"
    )
    assert found == [("2025-03-01", signed[0][0]), ("2025-04-01", -signed[0][0])]
    assert signed[0][0] != Decimal(0)
    assert_as_built_clean(built)
