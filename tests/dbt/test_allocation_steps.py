"""Allocation from the configuration to the chargeback: drivers, steps, and what `rules check` and `explain` say about it."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from click.testing import CliRunner

from orchestration import cli
from orchestration.lib import postgres
from orchestration.lib.config_models import Config
from orchestration.lib.config_store import store_config
from orchestration.lib.explanation import NOT_KNOWN, charges_of, explanation_of
from orchestration.lib.rule_check import taken_by_rules
from orchestration.lib.rule_drivers import driver_gaps
from tests.dbt.bills import MARCH
from tests.dbt.conftest import kept_database, new_database
from tests.dbt.project import SETTINGS, Project
from tests.support.lines import Line, focus

TEAMS = [{"name": name, "cost_center": f"CC-{name}"} for name in ("Search", "Checkout", "Platform")]
RULES: list[dict[str, Any]] = [
    {
        "name": "platform",
        "match": {"teams": ["Platform"]},
        "method": "even",
        "over": {"teams": ["Search", "Checkout"]},
        "step": 2,
    },
    {"name": "tax", "match": {"charge_categories": ["Tax"]}, "method": "metric", "driver": "requests"},
    {
        "name": "network",
        "match": {"service_names": ["Network", "Gateway"]},
        "method": "proportional",
        "measure": "effective_cost",
        "basis": "day",
    },
    {"name": "late", "match": {"service_names": ["Gateway"]}, "method": "even"},
    {"name": "nothing", "match": {"sub_account_ids": ["none"]}, "method": "even"},
]
DRIVER = "month,team,quantity\n2025-03,Search,1\n2025-03,Checkout,1\n2025-03,Platform,2\n"


def charge(team: str, cost: str, day: int = 4, **columns: Any) -> Line:
    return focus(
        ChargePeriodStart=f"2025-03-{day:02}T05:00:00Z",
        ChargePeriodEnd=f"2025-03-{day:02}T06:00:00Z",
        BilledCost=cost,
        EffectiveCost=cost,
        Tags=f'{{"team":"{team}"}}',
        **{"SubAccountId": "1", "ChargeCategory": "Usage", "ServiceName": "Compute", **columns},
    )


LINES = [
    charge("Search", "10"),
    charge("Checkout", "30", 5),
    charge("Platform", "20"),
    charge("nobody", "8", ChargeCategory="Tax"),
    charge("nobody", "3", ServiceName="Network"),
    charge("nobody", "-0.0000000001", 5, ServiceName="Gateway"),
    charge("nobody", "5"),
]


@pytest.fixture(scope="module")
def allocated_database(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Name of a database in which the charges were allocated."""
    with new_database(warehouse_url) as url:
        project = Project(url, tmp_path_factory.mktemp("allocated"))
        configure(project, DRIVER)
        project.deliver("azure", MARCH, LINES)
        project.build()
        with kept_database(warehouse_url, url) as name:
            yield name


@pytest.fixture
def allocated(warehouse_url: str, allocated_database: str, tmp_path: Path) -> Iterator[Project]:
    """A warehouse of its own in which the charges were allocated."""
    with new_database(warehouse_url, like=allocated_database) as url:
        project = Project(url, tmp_path)
        configure(project, DRIVER)
        yield project


def configuration(folder: Path, driver: str) -> Config:
    (folder / "requests.csv").write_text(driver)
    allocation = {"rules": RULES, "drivers": [{"name": "requests", "location": "requests.csv"}]}
    settings = SETTINGS | {"teams": TEAMS, "accounts": [], "cost_allocation": allocation}
    return Config.model_validate(settings, context={"path": folder / "finops-config.yaml"})


def configure(project: Project, driver: str) -> None:
    with psycopg.connect(project.url) as connection:
        store_config(connection, configuration(project.folder, driver))


def test_a_later_step_takes_what_an_earlier_one_gave(allocated: Project) -> None:
    # Tax 8 by 1 : 1 : 2, the network of the 4th by 10 : 20 (Platform's own costs are shared in step 2 only), then 20 + 4 + 2 evenly.
    found = allocated.rows(
        "select allocation_path, team, step, origin_share, effective_cost from finops.allocation_lineage order by 1, 2"
    )
    assert [(path, team, step, cost) for path, team, step, _, cost in found] == [
        ("network", "Checkout", 1, Decimal("-0.0000000001")),
        ("network", "Search", 1, Decimal(1)),
        ("network > Platform > platform", "Checkout", 2, Decimal(1)),
        ("network > Platform > platform", "Search", 2, Decimal(1)),
        ("platform", "Checkout", 2, Decimal(10)),
        ("platform", "Search", 2, Decimal(10)),
        ("tax", "Checkout", 1, Decimal(2)),
        ("tax", "Search", 1, Decimal(2)),
        ("tax > Platform > platform", "Checkout", 2, Decimal(2)),
        ("tax > Platform > platform", "Search", 2, Decimal(2)),
    ]
    paid = dict(allocated.rows("select team, sum(effective_cost) from finops.chargeback_reports group by 1"))
    assert paid == {"Search": Decimal(26), "Checkout": Decimal("44.9999999999"), "unallocated": Decimal(5)}


def test_marts_are_the_same_when_built_again(allocated: Project) -> None:
    before = allocated.marts()
    allocated.deliver("azure", MARCH, LINES[::-1])
    allocated.build("--full-refresh")
    assert allocated.marts() == before


def test_charges_that_the_provider_split_count_once(allocated: Project) -> None:
    """FOCUS delivers allocated charges in place of their origin; each belongs to the owner of its own tags."""
    lines = [
        charge(
            team,
            cost,
            ResourceId="node",
            AllocatedMethodId="cpu",
            AllocatedResourceId=f"pod-{team}",
            AllocatedResourceName=None,
        )
        for team, cost in (("Search", "0.75"), ("Checkout", "0.25"))
    ]
    allocated.deliver("azure", MARCH, lines)
    allocated.build()
    assert allocated.rows(
        "select team, sum(effective_cost), count(*) from finops.cost_records group by 1 order by 1"
    ) == [("Checkout", Decimal("0.25"), 1), ("Search", Decimal("0.75"), 1)]


def test_a_changed_driver_divides_anew(allocated: Project) -> None:
    configure(allocated, DRIVER.replace("Search,1", "Search,0").replace("Platform,2", "Platform,0"))
    allocated.build()
    assert allocated.rows("select distinct team from finops.cost_allocations where allocation_rule = 'tax'") == [
        ("Checkout",)
    ]


def test_rules_are_checked_before_a_run(allocated: Project, tmp_path: Path) -> None:
    config = configuration(tmp_path, DRIVER.replace("2025-03", "2025-04"))
    with psycopg.connect(allocated.url) as connection:
        taken = taken_by_rules(connection, config)
        gaps = driver_gaps(connection, config, taken)
        zero = driver_gaps(connection, configuration(tmp_path, "month,team,quantity\n2025-03,Search,0\n"), taken)
    assert [
        (item.rule.name if item.rule else item.otherwise, item.taken_by and item.taken_by.name, item.lines, item.cost)
        for item in taken
    ] == [
        ("platform", None, 1, Decimal(20)),
        ("tax", None, 1, Decimal(8)),
        ("network", None, 2, Decimal("2.9999999999")),
        ("late", "network", 1, Decimal("-0.0000000001")),
        ("direct", None, 2, Decimal(40)),
        ("unallocated", None, 1, Decimal(5)),
    ]
    assert [(gap.rule.name, f"{gap.month:%Y-%m}", gap.what) for gap in gaps] == [("tax", "2025-03", "missing")]
    assert [(gap.rule.name, gap.what) for gap in zero] == [("tax", "zero")]


def test_an_explanation_adds_up_to_the_chargeback(allocated: Project) -> None:
    with psycopg.connect(allocated.url) as connection:
        for team, paid in allocated.rows("select team, sum(billed_cost) from finops.chargeback_reports group by 1"):
            month = allocated.rows("select max(billing_period) from finops.daily_costs")[0][0]
            (found,) = explanation_of(connection, team, month, "billed_cost")
            assert found.total == paid
            assert found.other == Decimal(0)
            for pool in found.pools:
                assert pool.cost == sum(origin.cost for origin in pool.origins)
                assert pool.cost == sum(service.cost for service in pool.services)
                assert pool.total == sum(service.total for service in pool.services)
            by_service = {
                name: found.own.get(name, Decimal(0)) + found.shared.get(name, Decimal(0)) for name in found.services
            }
            assert NOT_KNOWN not in by_service
            assert sum(by_service.values()) == paid
            for name, cost in by_service.items():
                charges = charges_of(connection, team, month, "billed_cost", found, name)
                every = [*charges.own, *(charge for amounts in charges.shared.values() for charge in amounts)]
                assert NOT_KNOWN not in {charge.name for charge in every}
                assert sum(charge.cost for charge in every) == cost


def test_commands_print_what_they_found(allocated: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(postgres.URL_VARIABLE, allocated.url)
    monkeypatch.setenv("FINOPS_HOME", str(tmp_path))
    allocation = {"rules": RULES, "drivers": [{"name": "requests", "location": "requests.csv"}]}
    (tmp_path / "rules.yaml").write_text(
        yaml.safe_dump(SETTINGS | {"teams": TEAMS, "accounts": [], "cost_allocation": allocation})
    )
    (tmp_path / "requests.csv").write_text(DRIVER.replace("2025-03", "2025-04"))
    checked = CliRunner().invoke(cli.main, ["rules", "check", "--config", str(tmp_path / "rules.yaml")]).output
    for words in (
        "taken first by network",
        "takes nothing",
        "(unallocated)",
        "Driver missing: requests has nothing for 2025-03.",
    ):
        assert words in checked
    explain = ["explain", "Search", "2025-03", "--basis", "billed_cost"]
    printed = CliRunner().invoke(cli.main, explain).output
    for words in (
        "Search pays USD 26.00 in 2025-03 (billed cost)",
        "✓ The total is what the chargeback report says, to the last digit: USD 26.00",
        "tax > Platform > platform",
        "metric by requests: 1 of 4",
    ):
        assert words in printed
    assert "1 more" in CliRunner().invoke(cli.main, [*explain, "--top", "1"]).output
    wrong = CliRunner().invoke(cli.main, ["explain", "Serch", "2025-03", "--basis", "billed_cost"])
    assert wrong.exit_code == 1
    assert "'Serch' pays nothing in 2025-03. Did you mean 'Search'?" in wrong.output
    assert "is no month" in CliRunner().invoke(cli.main, ["explain", "Search", "March"]).output
