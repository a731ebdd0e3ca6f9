"""What Dagster is told: the graph as it is documented, and the rules that every asset keeps."""

import ast
from pathlib import Path

import dagster as dg
import pytest

from orchestration.definitions import build_definitions
from orchestration.docs import asset_graph
from orchestration.lib import dbt, paths
from orchestration.lib.config import load_config
from orchestration.lib.gate_suites import GATED_MARTS
from orchestration.lib.settings import sample_config_file


@pytest.fixture(scope="module")
def definitions(warehouse_url: str) -> dg.Definitions:
    return build_definitions(load_config(sample_config_file()), dbt.prepare_manifest(warehouse_url))


def test_graph_is_the_documented_one(definitions: dg.Definitions) -> None:
    documented = (paths.project_root() / "docs" / "asset-graph.md").read_text()
    assert asset_graph(definitions) == documented, "the graph has changed: run `make docs` and look at the difference"


def test_every_asset_has_an_owner_a_description_and_a_group(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    nodes = [graph.get(key) for key in graph.materializable_asset_keys]
    assert nodes
    lacking = [
        node.key.to_user_string() for node in nodes if not (node.owners and node.description and node.group_name)
    ]
    assert lacking == []


def test_reports_wait_for_every_gate(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    report = graph.get(dg.AssetKey(["reports", "chargeback"]))
    gates = [key for key in graph.asset_check_keys if key.name.startswith("gate")]
    named = [key.asset_key.path[-1] if key.name == "gate" else key.name.removeprefix("gate_of_") for key in gates]
    assert sorted(named) == sorted(GATED_MARTS)
    for gate in gates:
        assert graph.get(gate).blocking
        assert gate.asset_key in report.parent_keys


def test_a_run_calls_dbt_once_and_recommends_on_what_has_passed(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_job_def("refresh").graph
    assert [name for name in graph.node_dict if name.startswith("dbt_models")] == ["dbt_models"]
    waits_for = {
        needed.node
        for step, inputs in graph.dependencies.items()
        if step.name == "ml__recommendations"
        for dependency in inputs.values()
        for needed in dependency.get_node_dependencies()
    }
    assert {"dbt_models", "gate"} <= waits_for


def test_every_partitioned_asset_runs_a_range_of_months_at_once(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.materializable_asset_keys:
        node = graph.get(key)
        if node.partitions_def is not None:
            assert node.backfill_policy == dg.BackfillPolicy.single_run(), key


@pytest.mark.parametrize("package", ["ml", "reports", "orchestration/lib", "orchestration/defs"])
def test_packages_import_only_what_is_below_them(package: str) -> None:
    forbidden = {
        "ml": ("dagster", "orchestration", "reports"),
        "reports": ("dagster", "orchestration", "ml"),
        "orchestration/lib": ("orchestration.defs",),
        "orchestration/defs": ("orchestration.definitions", "orchestration.cli"),
    }[package]
    found = [
        f"{file.relative_to(paths.project_root())}: {name}"
        for file in (paths.project_root() / package).rglob("*.py")
        for name in _top_level_imports(file)
        if name in forbidden or name.startswith(tuple(f"{one}." for one in forbidden))
    ]
    assert found == []


def _top_level_imports(file: Path) -> list[str]:
    names = []
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.append(node.module)
    return names
