"""Random organisations: what the SQL of cost allocation gives, to the last digit, is what plain Python gives."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.types.json import Jsonb

from orchestration.lib.config_models import AllocationRule
from tests.dbt.conftest import new_database
from tests.dbt.project import SETTINGS, Project
from tests.support.allocation_reference import BASES, COSTS, Amounts, Reference, Row

TEAMS = {"a": "c-a", "B": "c-b", "é": "c-e", "p": "c-p"}
STEPS = 3
CHANGE = date(2026, 9, 2)
_TABLES = """
create temp table daily_costs (
    source_name text, billing_period date, billing_account_id text, sub_account_id text, billing_currency text,
    charge_category text, service_name text, commitment_discount_id text, commitment_discount_status text,
    consumed_unit text, consumed_quantity numeric, team text, cost_center text, project text, cost_type text,
    allocation_rule text, charge_date date,
    billed_cost numeric, effective_cost numeric, contracted_cost numeric, list_cost numeric
);
create temp table cost_records (like daily_costs, resource_id text, service_provider_name text, sku_id text, sku_meter text);
create temp table int_container_splits (
    parent_resource_id text, billing_period date, charge_date date, billing_currency text,
    team text, cost_center text, project text, split_cost numeric
);
create temp table stg_config__allocation_drivers (
    driver text, team text, cost_center text, project text, quantity numeric, is_monthly boolean, valid_on date
);
create temp view int_final_days as
select billing_period, max(charge_date) as final_day from daily_costs group by 1;
create temp table cost_allocations_input (like finops.allocation_lineage);
"""


@dataclass(frozen=True)
class Organisation:
    """Rules, the charges that they are for, and drivers."""

    rules: Sequence[AllocationRule]
    rows: Sequence[Row]
    quantities: Sequence[Row]
    splits: Sequence[Row]


@dataclass
class Sql:
    """The compiled models, fed from temporary tables."""

    connection: psycopg.Connection[Any]

    def run(self, organisation: Organisation) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
        """The rows of allocation_lineage and of cost_allocations."""
        with self.connection.transaction(force_rollback=True), self.connection.cursor() as cursor:
            rules = [rule.model_dump(mode="json") for rule in organisation.rules]
            for section, content in (
                ("cost_allocation", {"rules": rules}),
                ("teams", [{"name": team, "cost_center": center} for team, center in TEAMS.items()]),
            ):
                cursor.execute("update config.sections set content = %s where section = %s", (Jsonb(content), section))
            for table, rows in (
                (
                    "daily_costs",
                    [{name: row[name] for name in row if name != "resource_id"} for row in organisation.rows],
                ),
                ("cost_records", organisation.rows),
                ("int_container_splits", organisation.splits),
                ("stg_config__allocation_drivers", organisation.quantities),
            ):
                if rows:
                    with cursor.copy(f"copy pg_temp.{table} ({', '.join(rows[0])}) from stdin".encode()) as copy:
                        for row in rows:
                            copy.write_row(tuple(row.values()))
            cursor.execute("execute lineage")
            return self._all("select * from cost_allocations_input"), self._all("execute allocations")

    def _all(self, query: str) -> Sequence[Mapping[str, Any]]:
        with self.connection.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            return cursor.execute(query.encode()).fetchall()


@pytest.fixture(scope="module")
def allocation_sql(warehouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sql]:
    with new_database(warehouse_url) as url:
        project = Project(url, tmp_path_factory.mktemp("allocation"))
        match = {"charge_categories": ["Tax"]}
        rules = [{"name": "r", "match": match, "method": "even", "step": STEPS}]
        project.configure(cost_allocation={"rules": rules}, teams=SETTINGS["teams"])
        project.build()
        compiled = project.folder / "target" / "compiled" / "finops" / "models" / "marts"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(_TABLES)
            # Planning such statements takes longer than running them on a few rows: they are planned once.
            connection.execute("set jit = off; set plan_cache_mode = force_generic_plan")
            lineage, allocations = (
                _fed(compiled / f"{n}.sql", url) for n in ("allocation_lineage", "cost_allocations")
            )
            connection.execute(f"prepare lineage as insert into cost_allocations_input {lineage}".encode())
            connection.execute(f"prepare allocations as {allocations}".encode())
            yield Sql(connection)


def _fed(path: Path, url: str) -> str:
    """The SQL with temporary tables in place of what the models read."""
    text = path.read_text()
    database = urlsplit(url).path.removeprefix("/")
    for schema, name, table in (
        ("finops", "daily_costs", "daily_costs"),
        ("finops", "cost_records", "cost_records"),
        ("intermediate", "int_final_days", "int_final_days"),
        ("intermediate", "int_container_splits", "int_container_splits"),
        ("staging", "stg_config__allocation_drivers", "stg_config__allocation_drivers"),
        ("finops", "allocation_lineage", "cost_allocations_input"),
    ):
        text = text.replace(f'"{database}"."{schema}"."{name}"', f"pg_temp.{table}")
    return text


amounts = st.one_of(
    st.sampled_from(["0", "0.0000000001", "-0.0000000001", "100", "0.000000000123", "-7.5", "1E+15"]).map(Decimal),
    st.decimals(-1000, 1000, allow_nan=False, places=10),
    st.decimals(-1, 1, allow_nan=False, places=12),
)
quantities = st.one_of(st.just(Decimal(0)), st.decimals(0, 1000, allow_nan=False, places=3))
days = st.sampled_from([date(2026, 8, 30), date(2026, 9, 1), date(2026, 9, 2), date(2026, 9, 15), date(2026, 9, 30)])
teams = st.sampled_from(list(TEAMS))
some_teams = st.lists(teams, min_size=1, max_size=3, unique=True)
resources = st.sampled_from([None, "i-1", "i-2"])
optional = st.sampled_from([None, "x", "y"])


@st.composite
def rules(draw: st.DrawFn, name: str) -> AllocationRule:
    method = draw(st.sampled_from(["even", "fixed", "proportional", "metric", "commitment_users", "split"]))
    match: dict[str, Any] = {"teams": draw(some_teams)} if draw(st.booleans()) else {"charge_categories": ["Tax"]}
    if draw(st.booleans()):
        match["sub_account_ids"] = ["1"]
    settings: dict[str, Any] = {"basis": draw(st.sampled_from(["month", "day"])), "step": draw(st.integers(1, STEPS))}
    over: dict[str, Any] = {"teams": draw(some_teams)} if draw(st.booleans()) else {}
    if method == "fixed":
        chosen = draw(some_teams)
        parts = draw(st.lists(st.integers(1, 33), min_size=len(chosen), max_size=len(chosen)))
        if draw(st.booleans()):
            parts[0] += 100 - sum(parts)
        settings["shares"] = {team: str(Decimal(part) / 100) for team, part in zip(chosen, parts, strict=True)}
    if method == "metric":
        settings["driver"] = draw(st.sampled_from(["monthly", "daily"]))
    if method in ("proportional", "commitment_users"):
        settings["measure"] = draw(st.sampled_from([*COSTS, "consumed_quantity"]))
        if settings["measure"] == "consumed_quantity":
            settings["consumed_unit"] = "GB"
        if draw(st.booleans()):
            over |= {"service_names": ["S3"]}
    if method in ("proportional", "commitment_users", "metric"):
        settings["fallback"] = draw(st.sampled_from(["even", "unallocated"]))
    if over and method not in ("fixed", "split"):
        settings["over"] = over
    return AllocationRule.model_validate({"name": name, "match": match, "method": method, **settings})


@st.composite
def charges(draw: st.DrawFn, names: Sequence[str]) -> Row:
    day = draw(days)
    team = draw(st.sampled_from([*TEAMS, "unallocated"]))
    rule = draw(st.sampled_from([None, None, *names]))
    unowned = "unallocated" if team == "unallocated" else "direct"
    cost = draw(amounts)
    return {
        "source_name": draw(st.sampled_from(["s", "t"])),
        "billing_period": day.replace(day=1),
        "billing_account_id": "9",
        "sub_account_id": draw(st.sampled_from([None, "1"])),
        "billing_currency": draw(st.sampled_from(["USD", "USD", "EUR"])),
        "charge_category": draw(st.sampled_from(["Usage", "Tax"])),
        "service_name": draw(st.sampled_from([None, "S3"])),
        "commitment_discount_id": draw(optional),
        "commitment_discount_status": draw(st.sampled_from(["Used", "Unused"])),
        "consumed_unit": draw(st.sampled_from([None, "GB"])),
        "consumed_quantity": draw(quantities),
        "team": team,
        "cost_center": None if team == "unallocated" else draw(optional),
        "project": draw(optional),
        "cost_type": "shared" if rule else unowned,
        "allocation_rule": rule,
        "charge_date": day,
        "billed_cost": cost,
        "effective_cost": draw(st.one_of(st.just(cost), amounts)),
        "contracted_cost": draw(amounts),
        "list_cost": draw(st.one_of(st.none(), amounts)),
        "resource_id": draw(resources),
    }


@st.composite
def containers(draw: st.DrawFn) -> Row:
    day = draw(days)
    return {
        "parent_resource_id": draw(st.sampled_from(["i-1", "i-2"])),
        "billing_period": day.replace(day=1),
        "charge_date": day,
        "billing_currency": "USD",
        "team": draw(st.sampled_from([*TEAMS, "unallocated"])),
        "cost_center": draw(optional),
        "project": None,
        "split_cost": draw(quantities),
    }


@st.composite
def organisations(draw: st.DrawFn) -> Organisation:
    count = draw(st.integers(1, 4))
    made = [draw(rules(f"r{number}")) for number in range(count)]
    if draw(st.booleans()):
        # The first rule has two versions.
        made[:1] = [
            made[0].model_copy(update={"valid_to": CHANGE}),
            draw(rules(made[0].name)).model_copy(update={"valid_from": CHANGE}),
        ]
    rows = draw(st.lists(charges([rule.name for rule in made]), min_size=1, max_size=14))
    keys = st.tuples(st.sampled_from(["monthly", "daily"]), teams, optional, days)
    found = draw(st.dictionaries(keys, quantities, max_size=6))
    drivers = [
        {
            "driver": driver,
            "team": team,
            "cost_center": None,
            "project": project,
            "quantity": quantity,
            "is_monthly": driver == "monthly",
            "valid_on": day.replace(day=1) if driver == "monthly" else day,
        }
        for (driver, team, project, day), quantity in found.items()
    ]
    splits = draw(st.lists(containers(), max_size=4)) if any(rule.method == "split" for rule in made) else []
    return Organisation(sorted(made, key=lambda rule: rule.step), rows, drivers, splits)


def held(rows: Sequence[Mapping[str, Any]]) -> dict[tuple[Any, ...], Amounts]:
    found: dict[tuple[Any, ...], Amounts] = {}
    for row in rows:
        origin = (
            *(row[name] for name in ("source_name", "billing_period", "sub_account_id", "billing_currency")),
            *(row[name] for name in ("charge_category", "allocation_rule")),
            *(row[name] for name in ("rule_valid_from", "charge_date", "origin_item")),
            tuple(row[name] for name in ("origin_team", "origin_cost_center", "origin_project")),
        )
        key = (origin, row["allocation_path"], (row["team"], row["cost_center"], row["project"]))
        assert key not in found
        costs = {cost: row[cost] for cost in COSTS} | {"share": row["origin_share"]}
        found[key] = {name: None if value is None else Fraction(value) for name, value in costs.items()}
    return found


def totals(rows: Sequence[Mapping[str, Any]], keys: Sequence[str], names: Sequence[str]) -> dict[tuple[Any, ...], Any]:
    sums: dict[tuple[Any, ...], Any] = defaultdict(lambda: [Fraction(0)] * len(names))
    for row in rows:
        key = tuple(row[name] for name in keys)
        sums[key] = [total + Fraction(row[name] or 0) for total, name in zip(sums[key], names, strict=True)]
    return sums


POOL = ("source_name", "billing_period", "sub_account_id", "billing_currency", "charge_category", "allocation_rule")


@settings(max_examples=1000, deadline=None, suppress_health_check=list(HealthCheck))
@given(organisation=organisations(), shuffled=st.randoms(use_true_random=False))
def test_allocation_is_exact(allocation_sql: Sql, organisation: Organisation, shuffled: Any) -> None:
    lineage, allocations = allocation_sql.run(organisation)
    expected = Reference(
        TEAMS, organisation.rules, organisation.rows, organisation.quantities, organisation.splits
    ).allocate()
    assert held(lineage) == {key: {basis: amounts[basis] for basis in BASES} for key, amounts in expected.items()}
    pools = totals([row for row in organisation.rows if row["cost_type"] == "shared"], POOL, COSTS)
    assert totals(lineage, POOL, COSTS) == pools
    assert totals(allocations, POOL, COSTS) == pools
    assert all(sums == [1] for sums in totals(lineage, ("origin_id",), ("origin_share",)).values())
    assert all(sums == [1] for sums in totals(allocations, POOL, ("allocation_share",)).values())
    assert all(0 <= row["allocation_share"] <= 1 for row in allocations)
    rows, drivers = list(organisation.rows), list(organisation.quantities)
    shuffled.shuffle(rows)
    shuffled.shuffle(drivers)
    again = allocation_sql.run(Organisation(organisation.rules, rows, drivers, organisation.splits[::-1]))
    assert [sorted(map(repr, part)) for part in again] == [sorted(map(repr, part)) for part in (lineage, allocations)]


def test_of_two_rules_of_a_step_the_first_takes_what_a_team_was_given(allocation_sql: Sql) -> None:
    def rule(name: str, match: dict[str, Any], step: int, payer: str) -> AllocationRule:
        settings = {"name": name, "match": match, "method": "fixed", "step": step, "shares": {payer: "1"}}
        return AllocationRule.model_validate(settings)

    row: dict[str, Any] = dict.fromkeys(("consumed_unit", "sub_account_id", "service_name", "commitment_discount_id"))
    row |= dict.fromkeys(("commitment_discount_status", "consumed_quantity", "project", "cost_center"))
    row |= {
        "source_name": "s",
        "billing_period": CHANGE.replace(day=1),
        "billing_account_id": "9",
        "charge_date": CHANGE,
    }
    row |= {"billing_currency": "USD", "charge_category": "Tax", "team": "unallocated", "cost_type": "shared"}
    row |= {"allocation_rule": "tax", "resource_id": None, **dict.fromkeys(COSTS, Decimal(10))}
    tax = rule("tax", {"charge_categories": ["Tax"]}, 1, "p")
    for_a, for_b = rule("for a", {"teams": ["p"]}, 2, "a"), rule("for b", {"teams": ["p", "é"]}, 2, "B")
    for rules, paid in (
        ([tax, for_a, for_b], ("tax > p > for a", "a")),
        ([tax, for_b, for_a], ("tax > p > for b", "B")),
    ):
        lineage, _ = allocation_sql.run(Organisation(rules, [row], [], []))
        assert [(one["allocation_path"], one["team"], one["effective_cost"]) for one in lineage] == [(*paid, 10)]
