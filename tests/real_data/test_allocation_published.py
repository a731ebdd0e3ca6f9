"""Allocation cases that others published, through the whole pipeline: what comes out is what they say."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.dbt.project import Project
from tests.support.lines import Line, cur, focus

MONTHS = {"global_split": "2025-03", "surcharge_3pct": "2025-04", "report_allocation_95pct": "2025-05"}
TOLERANCE = Decimal("0.01")


@pytest.fixture
def project(database: str, tmp_path: Path) -> Project:
    return Project(database, tmp_path)


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def charge(month: str, team: str, cost: str, service: str) -> Line:
    return focus(
        BillingPeriodStart=f"{month}-01T00:00:00Z",
        BillingPeriodEnd=f"2025-{int(month[5:]) + 1:02}-01T00:00:00Z",
        ChargePeriodStart=f"{month}-04T05:00:00Z",
        ChargePeriodEnd=f"{month}-04T06:00:00Z",
        ServiceName=service,
        Tags=f'{{"team":"{team}"}}',
        **dict.fromkeys(("BilledCost", "EffectiveCost", "ContractedCost", "ListCost"), cost),
    )


def charges(case: str, rows: list[dict[str, str]]) -> Iterator[Line]:
    """The inputs of a case; the surcharge is a charge of 3 % of all cost, which is what it adds up to."""
    month = MONTHS[case]
    if case == "report_allocation_95pct":
        yield charge(month, owner(rows[-1]), rows[0]["input_cost"], "cluster")
        return
    for row in rows:
        yield charge(month, owner(row), row["input_cost"], "GlobalFee" if "(source)" in row["key"] else "usage")
    if case == "surcharge_3pct":
        yield charge(month, "finance", str(sum(Decimal(row["input_cost"]) for row in rows) * 3 / 100), "surcharge")


def owner(row: dict[str, str]) -> str:
    return row["key"].replace("clusterA/", "").split(" ")[0]


def rule(name: str, **settings: Any) -> dict[str, Any]:
    return {"name": name, "match": {"service_names": [name]}, **settings}


def test_worked_examples_come_out_as_published(real_data: Path, project: Project) -> None:
    rows = [row for row in read(real_data / "allocation" / "worked_examples.csv") if row["case"] in MONTHS]
    cases = {case: [row for row in rows if row["case"] == case] for case in MONTHS}
    assert all(cases.values())
    names = dict.fromkeys(["finance", *(owner(row) for row in rows)])
    by_cost = {"method": "proportional", "measure": "billed_cost"}
    project.configure(
        teams=[{"name": name, "cost_center": f"CC-{name}"} for name in names],
        accounts=[],
        cost_allocation={
            "rules": [
                rule("GlobalFee", **by_cost),
                rule("surcharge", **by_cost),
                rule("cluster", method="fixed", shares={"twenty-five": "0.25", "seventy": "0.70"}),
            ]
        },
    )
    for case, inputs in cases.items():
        project.deliver("azure", MONTHS[case], list(charges(case, inputs)))
    project.build()
    found = {
        (month, team): cost
        for month, team, cost in project.rows(
            "select to_char(billing_period, 'YYYY-MM'), team, sum(billed_cost) from finops.chargeback_reports"
            " where cost_type = 'shared' group by 1, 2"
        )
    }
    expected = {
        (MONTHS[case], owner(row)): Decimal(row["expected"])
        for case, inputs in cases.items()
        for row in inputs
        if row["expected"] != "0"
    }
    # The source of the global fee keeps nothing of it, and nobody pays who is not named.
    assert found == expected
    direct = project.rows("select sum(billed_cost) from finops.chargeback_reports where cost_type <> 'shared'")
    assert direct == [(Decimal(10_000 + 266_000),)]


COLUMNS = {"vcpu": ("reserved_vcpu", "used_vcpu"), "memory": ("reserved_memory_gb", "used_memory_gb")}
AVAILABLE = {"vcpu": "vcpu_available", "memory": "memory_gb_available"}
WEIGHTS = {"vcpu": "cpu_weight", "memory": "memory_weight"}


def ratios(kind: str, pods: list[dict[str, str]], node: dict[str, str]) -> list[tuple[Fraction, Fraction]]:
    """Which part of a resource each pod has of the instance, and of what no pod has."""
    reserved, used = COLUMNS[kind]
    allocated = [max(Fraction(pod[reserved]), Fraction(pod[used])) for pod in pods]
    capacity = max(Fraction(node[AVAILABLE[kind]]), sum(allocated))
    has_unused = capacity > sum(allocated)
    return [(part / capacity, part / sum(allocated) if has_unused else Fraction(0)) for part in allocated]


def container_lines(pods: list[dict[str, str]], node: dict[str, str]) -> list[Line]:
    """The instance, and two lines for each pod as AWS writes them: split and unused cost of its CPU and of its memory."""
    cost = Fraction(node["amortized_cost_per_hour"])
    weighted = {kind: Fraction(node[WEIGHTS[kind]]) * Fraction(node[AVAILABLE[kind]]) for kind in COLUMNS}
    parent = cur(
        line_item_unblended_cost=node["amortized_cost_per_hour"],
        line_item_usage_type="BoxUsage",
        resource_tags='{"user_team":"Cluster"}',
        split_line_item_parent_resource_id=None,
        split_line_item_split_cost=None,
        split_line_item_unused_cost=None,
    )
    lines = [parent]
    for kind in COLUMNS:
        of_kind = cost * weighted[kind] / sum(weighted.values())
        parts = ratios(kind, pods, node)
        unused = of_kind * (1 - sum(split for split, _ in parts))
        for pod, (split_ratio, unused_ratio) in zip(pods, parts, strict=True):
            lines.append(
                parent
                | {
                    "line_item_unblended_cost": "0",
                    "line_item_resource_id": f"pod/{pod['pod']}",
                    "line_item_usage_type": f"EKS-{kind}",
                    "resource_tags": f'{{"user_team":"{pod["namespace"]}"}}',
                    "split_line_item_parent_resource_id": parent["line_item_resource_id"],
                    "split_line_item_split_cost": digits(of_kind * split_ratio),
                    "split_line_item_unused_cost": digits(unused * unused_ratio),
                }
            )
    return lines


def digits(value: Fraction) -> str:
    return format(Decimal(value.numerator) / Decimal(value.denominator), ".10f")


def test_containers_cost_what_aws_publishes(real_data: Path, project: Project) -> None:
    folder = real_data / "allocation" / "aws_split_cost_allocation"
    pods = read(folder / "input_pods.csv")
    (node,) = read(folder / "input_instance.csv")
    expected = {row["pod"]: row for row in read(folder / "expected_ratios.csv")}
    for kind in COLUMNS:
        for pod, parts in zip(pods, ratios(kind, pods, node), strict=True):
            for name, ratio in zip(("split_usage_ratio", "unused_ratio"), parts, strict=True):
                assert abs(ratio - Fraction(expected[pod["pod"]][f"{kind}_{name}"])) < Fraction("0.001")
    namespaces = {row["namespace"]: Decimal(row["total_cost"]) for row in read(folder / "expected_namespace.csv")}
    project.configure(
        teams=[{"name": name, "cost_center": name} for name in ("Cluster", *namespaces)],
        accounts=[],
        cost_allocation={"rules": [{"name": "clusters", "match": {"teams": ["Cluster"]}, "method": "split"}]},
    )
    project.deliver("aws", "2025-03", container_lines(pods, node))
    project.build()
    found = dict(project.rows("select team, sum(effective_cost) from finops.chargeback_reports group by 1"))
    assert found.keys() == namespaces.keys()
    assert all(abs(found[name] - cost) <= TOLERANCE for name, cost in namespaces.items())
    # The published namespaces add up to 1.01; the instance costs 1.00, and its containers are not counted again.
    assert sum(found.values()) == Decimal("1.00")
    assert project.rows("select sum(effective_cost), count(*) from finops.cost_records") == [(Decimal("1.00"), 1)]
    shares = dict(
        project.rows("select team, sum(driver) from finops.allocation_lineage where origin_item is not null group by 1")
    )
    published = read(folder / "expected_costs.csv")
    for name in namespaces:
        totals = [Decimal(row["total_split_cost"]) for row in published if row["namespace"] == name]
        assert abs(shares[name] - sum(totals)) <= TOLERANCE * len(totals)
