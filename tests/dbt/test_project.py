"""Rules that every model of the project keeps."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

Manifest = Mapping[str, Any]
LONGEST_NAME = 42  # dbt adds up to 21 characters to it, and PostgreSQL cuts names at 63.


def models(manifest: Manifest) -> Iterator[dict[str, Any]]:
    return (node for node in manifest["nodes"].values() if node["resource_type"] == "model")


def layer(node: Mapping[str, Any]) -> str:
    return str(node["fqn"][1])


def parents(manifest: Manifest, node: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = manifest["nodes"] | manifest["sources"]
    return [found[unique_id] for unique_id in node["depends_on"]["nodes"]]


def test_only_staging_reads_sources(manifest: Manifest) -> None:
    readers = {
        node["name"]
        for node in models(manifest)
        if any(parent["resource_type"] == "source" for parent in parents(manifest, node))
    }
    assert readers
    assert all(name.startswith("stg_") for name in readers)


def test_layers_read_downwards(manifest: Manifest) -> None:
    order = ["staging", "intermediate", "marts"]
    # What teams pay is worked out of two marts, and is none itself: closed months show what was signed instead.
    upwards = {
        ("int_series_costs", "cost_records"),
        ("int_series_months", "cost_allocations"),
        ("int_budget_periods", "chargeback_budgets"),
        ("int_budget_periods", "daily_costs"),
        ("int_chargebacks", "daily_costs"),
        ("int_chargebacks", "cost_allocations"),
    }
    # Reads no row of it: the digests of its days are noted when it is built.
    upwards.add(("int_billing_months", "daily_costs"))
    for node in models(manifest):
        for parent in parents(manifest, node):
            if parent["resource_type"] == "model" and (node["name"], parent["name"]) not in upwards:
                assert order.index(layer(parent)) <= order.index(layer(node)), f"{node['name']} reads {parent['name']}"


def test_schemas_are_the_layers(manifest: Manifest) -> None:
    schemas = {(layer(node), node["schema"]) for node in models(manifest)}
    assert schemas == {("staging", "staging"), ("intermediate", "intermediate"), ("marts", "finops")}


def test_every_model_says_its_grain_first(manifest: Manifest) -> None:
    for node in models(manifest):
        assert node["raw_code"].startswith("-- One row per "), node["name"]


def test_every_model_has_a_description_and_an_owner(manifest: Manifest) -> None:
    groups = {group["name"]: group["owner"] for group in manifest["groups"].values()}
    for node in models(manifest):
        assert node["description"], node["name"]
        assert groups[node["group"]]["email"], node["name"]
        assert node["config"]["meta"]["owner"], node["name"]


def test_every_public_column_is_contracted_and_described(manifest: Manifest) -> None:
    public = [node for node in models(manifest) if node["access"] == "public"]
    assert {node["name"] for node in public} == {node["name"] for node in models(manifest) if layer(node) == "marts"}
    for node in public:
        assert node["config"]["contract"]["enforced"], node["name"]
        for column in node["columns"].values():
            assert column["description"], f"{node['name']}.{column['name']}"
            assert column["data_type"], f"{node['name']}.{column['name']}"


def test_models_name_no_relation_themselves(manifest: Manifest) -> None:
    for node in models(manifest):
        named = re.findall(r"(?<!distinct )\b(?:from|join)\s+\"?(\w+)\"?\.", node["raw_code"])
        assert not named, f"{node['name']} reads {named} without ref()"


def test_names_leave_room_for_suffixes(manifest: Manifest) -> None:
    assert [node["name"] for node in models(manifest) if len(node["name"]) > LONGEST_NAME] == []


def test_every_test_on_money_is_exact(manifest: Manifest) -> None:
    singular = [
        node for node in manifest["nodes"].values() if node["resource_type"] == "test" and not node.get("test_metadata")
    ]
    assert len([node for node in singular if "match" in node["name"]]) >= 3
    assert not [node["name"] for node in singular if re.search(r"\babs\(|\bround\(", node["raw_code"])]
