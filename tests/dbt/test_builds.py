"""What is built again when something changed, and that it is then what a clean build makes of it."""

from __future__ import annotations

import signal
import subprocess
from decimal import Decimal
from typing import Any

from orchestration.lib import dbt
from tests.dbt.bills import APRIL, MARCH, cur_lines, focus_lines, in_april
from tests.dbt.project import MARTS, SETTINGS, Project


def built_days(project: Project) -> dict[tuple[Any, ...], str]:
    found = project.rows(
        "select model, source_name, delivery_period::text, charge_date::text, xmin::text from intermediate.built_days"
    )
    return {tuple(key): version for *key, version in found}


def rebuilt(project: Project, before: dict[tuple[Any, ...], str], model: str) -> set[tuple[Any, ...]]:
    """(source, month, day) that a model built since `before`."""
    return {key[1:] for key, version in built_days(project).items() if key[0] == model and before.get(key) != version}


def sums(project: Project, mart: str) -> list[tuple[Any, ...]]:
    return project.rows(
        "select source_name, billing_period::text,"
        " sum(billed_cost), sum(effective_cost), sum(contracted_cost), sum(list_cost)"
        f" from finops.{mart} group by 1, 2 order by 1, 2"
    )


def test_every_cost_is_in_every_mart_once(built: Project) -> None:
    focus_month = (Decimal("1.95"), Decimal("1.95000000003"), Decimal("7.50"), Decimal("13.50"))
    expected = [
        # The split-cost line of 9 is not counted again.
        # Billed 3 + 1.25 - 1.25 + 1 + 0.33, effective 3 + 0.6 + 0.4 that the plan did not cover + 0.33.
        ("aws", "2025-03-01", Decimal("4.33"), Decimal("4.33"), Decimal("4.58"), Decimal("4.33")),
        ("azure", "2025-03-01", *focus_month),
        ("azure", "2025-04-01", *focus_month),
    ]
    for mart in ("cost_records", "daily_costs", "chargeback_reports"):
        assert sums(built, mart) == expected
    assert built.rows("select count(*), count(distinct cost_record_id), sum(line_count) from finops.cost_records") == [
        (24, 24, 23)
    ]


def test_owners_and_pools_are_as_configured(built: Project) -> None:
    found = built.rows(
        "select source_name, coalesce(allocation_rule, '-'), team, cost_center, project, cost_type, sum(effective_cost)"
        " from finops.chargeback_reports where billing_period = '2025-03-01' group by 1, 2, 3, 4, 5, 6 order by 1, 2, 3"
    )
    shared = {(source, rule, team): cost for source, rule, team, _, _, kind, cost in found if kind == "shared"}
    own = [row for row in found if row[5] != "shared"]
    assert own == [
        ("aws", "-", "Search", "CC1", "shop", "direct", Decimal("3.6")),
        ("azure", "-", "Search", "CC1", "shop", "direct", Decimal("3.75")),
        ("azure", "-", "unallocated", None, None, "unallocated", Decimal("0.30000000003")),
    ]
    assert shared == {
        ("aws", "tax", "Search"): Decimal("0.33"),
        ("aws", "unused", "Search"): Decimal("0.4"),
        ("azure", "tax", "Search"): Decimal("-2.1"),
    }


def test_nothing_is_built_again_when_nothing_changed(built: Project) -> None:
    before, marts = built_days(built), built.marts()
    built.build()
    assert built_days(built) == before
    assert built.marts() == marts


def test_views_are_made_again_only_where_they_changed_or_are_gone(built: Project) -> None:
    def views() -> dict[str, int]:
        return dict(
            built.rows(
                "select viewname, to_regclass(format('%I.%I', schemaname, viewname))::oid::int from pg_views"
                " where schemaname in ('staging', 'intermediate')"
            )
        )

    built.build()  # the fixture is a copy of a database of another name, which is in the SQL of its views
    before = views()
    built.build()
    assert views() == before
    # As after a change of its SQL; what is made of it goes with it.
    built.execute("comment on view staging.stg_config__teams is 'another SQL'")
    built.execute("drop view staging.stg_focus__charge_attributes cascade")
    gone = set(before) - set(views())
    assert {"int_charge_attributes"} < gone
    built.build()
    assert {name for name, oid in views().items() if before[name] != oid} == gone | {
        "stg_config__teams",
        "int_team_spellings",
    }
    assert_as_built_clean(built)


def test_restated_days_alone_are_built_again(built: Project) -> None:
    before = built_days(built)
    # The second day has another cost, the third is gone, the fourth is new; the first is as it was.
    lines = focus_lines(days=(1,)) + focus_lines(days=(2, 4), cost="2.5")
    built.deliver("azure", MARCH, lines)
    built.build()
    days = {("azure", "2025-03-01", f"2025-03-{day:02}") for day in (2, 4)}
    for model in ("int_focus_charges_daily", "int_charge_totals_daily", "cost_records", "daily_costs"):
        assert rebuilt(built, before, model) == days
    assert built.rows("select count(*) from finops.cost_records where charge_date = '2025-03-03'") == [(0,)]
    assert_as_built_clean(built)


def test_removed_lines_and_months_are_gone(built: Project) -> None:
    built.deliver("azure", MARCH, focus_lines()[:4])
    with_scope = "(select scope_id from raw.scopes where source_name = 'azure' and billing_period = '2025-04-01')"
    for table in ("raw.delivery_days", "raw.focus_charges", "raw.focus_charge_attributes"):
        built.execute(f"delete from {table} where scope_id = {with_scope}")
    built.build()
    assert built.rows("select distinct source_name, delivery_period::text from finops.cost_records order by 1") == [
        ("aws", "2025-03-01"),
        ("azure", "2025-03-01"),
    ]
    assert_as_built_clean(built)


def test_changed_rules_tag_history_again(built: Project) -> None:
    account = {
        "sub_account_id": "000000000001",
        "team": "Checkout",
        "valid_from": "2025-03-02",
        "valid_to": "2025-03-03",
    }
    built.configure(accounts=[account], teams=[*SETTINGS["teams"][1:], {"name": "Find", "cost_center": "CC3"}])
    built.build()
    assert built.rows(
        "select distinct charge_date::text, team, owner_source, cost_center from finops.cost_records"
        " where source_name = 'azure' and delivery_period = '2025-03-01' and cost_type <> 'shared' order by 1, 2"
    ) == [
        ("2025-03-01", "Find", "own_tag", "CC3"),
        ("2025-03-01", "unallocated", "unallocated", None),
        ("2025-03-02", "Checkout", "account", "CC2"),
        ("2025-03-02", "Find", "own_tag", "CC3"),
        ("2025-03-03", "Find", "own_tag", "CC3"),
        ("2025-03-03", "unallocated", "unallocated", None),
    ]
    assert_as_built_clean(built)


def test_marts_do_not_depend_on_the_order_of_deliveries(built: Project, project: Project) -> None:
    other = project
    other.deliver("aws", MARCH, cur_lines(used="0.1"))
    other.deliver("azure", APRIL, in_april(focus_lines(cost="3")))
    other.build()
    other.deliver("azure", MARCH, focus_lines()[::-1])
    other.deliver("azure", APRIL, in_april(focus_lines()))
    other.deliver("aws", MARCH, cur_lines())
    other.build()
    assert other.marts() == built.marts()


def test_killed_builds_leave_what_was_and_are_made_up_for(built: Project) -> None:
    # Views name their database, and this one is a copy: without this build the killed ones would be busy making them anew.
    built.build()
    former = built.marts()
    built.deliver("azure", MARCH, focus_lines(days=(1, 3), cost="8"))
    for seconds in (4.0, 5.5, 7.0):
        running = subprocess.Popen(
            [str(dbt.executable()), *built.arguments("build", "--exclude-resource-type", "unit_test")],
            env=built.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            running.wait(timeout=seconds)
        except subprocess.TimeoutExpired:
            running.send_signal(signal.SIGKILL)
            running.wait()
        found = built.marts()
        assert [mart for mart in MARTS if not found[mart]] == [mart for mart in MARTS if not former[mart]]
    built.build()
    assert_as_built_clean(built)


def assert_as_built_clean(project: Project) -> None:
    incremental = project.marts()
    project.build("--full-refresh")
    assert project.marts() == incremental
