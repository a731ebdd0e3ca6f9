"""What can be said of rules before a run: what shadows what, and which pools nobody has anything to be divided by."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from click.testing import CliRunner

from orchestration.cli import main
from orchestration.lib import postgres
from orchestration.lib.config import Config, load_config
from orchestration.lib.rule_check import overlaps, taken_by_rules
from orchestration.lib.rule_drivers import owner_gaps
from orchestration.lib.warehouse import ensure_warehouse
from tests.support.marts import Charge, make_marts

OCTOBER, NOVEMBER = date(2026, 10, 3), date(2026, 11, 3)
CHARGES = [
    Charge("Search", "60", OCTOBER),
    Charge("Checkout", "-5", OCTOBER, service_name="Storage"),
    Charge("unallocated", "10", OCTOBER, charge_category="Tax"),
    Charge("unallocated", "10", NOVEMBER, charge_category="Tax"),
    Charge("Search", "7", date(2026, 11, 4)),
]
TAX: dict[str, Any] = {"name": "tax", "match": {"charge_categories": ["Tax"]}}
COMMITMENTS = """
alter table finops.daily_costs
    add column commitment_discount_id text, add column commitment_discount_status text,
    add column consumed_unit text, add column consumed_quantity numeric
"""


def configuration(folder: Path, *rules: dict[str, Any]) -> Config:
    path = folder / "finops-config.yaml"
    settings = {
        "organization": {"name": "Example", "first_billing_period": "2026-01"},
        "sources": [{"name": "aws", "format": "cur", "location": "bills"}],
        "teams": [{"name": name, "cost_center": "1"} for name in ("Search", "Checkout")],
        "cost_allocation": {"rules": list(rules)},
    }
    path.write_text(yaml.safe_dump(settings))
    return load_config(path)


@pytest.fixture
def charged(database: str) -> str:
    with psycopg.connect(database) as connection:
        make_marts(connection, CHARGES)
        connection.execute(COMMITMENTS)
    return database


def gaps_of(database: str, folder: Path, *rules: dict[str, Any]) -> list[tuple[str, str]]:
    config = configuration(folder, *rules)
    with psycopg.connect(database) as connection:
        found = owner_gaps(connection, config, taken_by_rules(connection, config))
    return [(gap.rule.name, f"{gap.month:%Y-%m}") for gap in found]


@pytest.mark.parametrize(
    ("method", "months"),
    [
        ({"method": "proportional", "measure": "billed_cost"}, []),
        ({"method": "proportional", "measure": "billed_cost", "basis": "day"}, ["2026-10", "2026-11"]),
        # Who was credited more than they used has nothing to divide by.
        (
            {"method": "proportional", "measure": "list_cost", "over": {"service_names": ["Storage"]}},
            ["2026-10", "2026-11"],
        ),
        ({"method": "proportional", "measure": "list_cost", "over": {"teams": ["Search"]}}, []),
        ({"method": "proportional", "measure": "consumed_quantity", "consumed_unit": "GB"}, ["2026-10", "2026-11"]),
        ({"method": "even"}, []),
        ({"method": "even", "basis": "day"}, ["2026-10", "2026-11"]),
        ({"method": "even", "basis": "day", "over": {"teams": ["Checkout"]}}, []),
        ({"method": "fixed", "shares": {"Search": 1}}, []),
    ],
)
def test_months_in_which_nobody_has_what_a_pool_is_divided_by(
    charged: str, tmp_path: Path, method: dict[str, Any], months: list[str]
) -> None:
    if method.get("basis") == "day":
        with psycopg.connect(charged) as connection:
            connection.execute(
                "update finops.daily_costs set charge_date = charge_date + 5 where charge_category = 'Tax'"
            )
    assert gaps_of(charged, tmp_path, TAX | method) == [("tax", month) for month in months]


def test_an_unused_commitment_that_nobody_used(charged: str, tmp_path: Path) -> None:
    rule = {
        "name": "unused",
        "match": {"commitment_discount_status": ["Unused"]},
        "method": "commitment_users",
        "measure": "effective_cost",
    }
    with psycopg.connect(charged) as connection:
        connection.execute(
            "update finops.daily_costs set commitment_discount_id = 'sp-1', commitment_discount_status ="
            " case charge_category when 'Tax' then 'Unused' else 'Used' end where billing_period = '2026-11-01'"
        )
    assert gaps_of(charged, tmp_path, rule) == []
    with psycopg.connect(charged) as connection:
        connection.execute(
            "update finops.daily_costs set commitment_discount_id = 'sp-2' where charge_category = 'Tax'"
        )
    assert gaps_of(charged, tmp_path, rule) == [("unused", "2026-11")]


def test_own_costs_that_a_pool_takes_are_nothing_to_divide_by(charged: str, tmp_path: Path) -> None:
    everything = {
        "name": "all",
        "match": {"charge_categories": ["Usage"]},
        "method": "even",
        "over": {"teams": ["Search"]},
    }
    tax = TAX | {"method": "proportional", "measure": "effective_cost"}
    assert gaps_of(charged, tmp_path, everything, tax) == [("tax", "2026-10"), ("tax", "2026-11")]
    # What the first step gives can be told after a run only.
    assert gaps_of(charged, tmp_path, everything, tax | {"step": 2}) == []


def test_rules_that_match_the_same_charges(tmp_path: Path) -> None:
    even = {"method": "even"}
    config = configuration(
        tmp_path,
        {"name": "late", "match": {"service_names": ["Support"]}, "step": 2, **even},
        {"name": "support", "match": {"service_names": ["Support", "Help"]}, "valid_to": "2026-06-01", **even},
        {"name": "old support", "match": {"service_names": ["Help"]}, "valid_to": "2026-06-01", **even},
        {"name": "other", "match": {"service_names": ["Storage"]}, **even},
        TAX | even,
        {"name": "support", "match": {"service_names": ["Help"]}, "valid_from": "2026-06-01", **even},
    )
    assert [(found.earlier.name, found.rule.name, found.is_whole) for found in overlaps(config)] == [
        ("support", "old support", True),
        ("support", "tax", False),
        ("old support", "tax", False),
        ("other", "tax", False),
        ("tax", "support", False),
        ("support", "late", False),
        ("tax", "late", False),
    ]


def test_before_the_first_run_rules_themselves_are_checked(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(postgres.URL_VARIABLE, database)
    monkeypatch.setenv("FINOPS_HOME", str(tmp_path))
    again = {"name": "tax again", "match": {"charge_categories": ["Tax"], "teams": ["Search"]}, "method": "even"}
    path = configuration(tmp_path, TAX | {"method": "even"}, again).path

    def check() -> str:
        result = CliRunner().invoke(main, ["rules", "check", "--config", str(path)])
        assert result.exit_code == 0, result.output
        return result.output

    printed = check()
    assert "There are no charges yet (nothing is loaded), so that it cannot be told what the 2 rules take." in printed
    assert "Shadowed: tax again takes nothing that tax does not take first." in printed
    with psycopg.connect(database) as connection:
        ensure_warehouse(connection)
        connection.execute(
            "insert into raw.scopes (source_name, billing_period, format, delivery_id) values ('aws', '2026-10-01', 'cur', 1)"
        )
    assert "2026-10 is loaded, but not built" in check()
    with psycopg.connect(database) as connection:
        make_marts(connection, [*CHARGES[2:4]])
        connection.execute(COMMITMENTS)
    printed = check()
    assert "Nothing to divide by: in 2026-10, 2026-11 nobody has what tax (even) goes by" in printed
    assert "it stays unallocated." in printed
