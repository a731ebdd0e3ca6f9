"""Write the pages of `docs/` that are made from the project itself: the asset graph, the marts and the lists of an inventory.

`make docs` runs it; `make check` fails where the pages in the repository are not what it writes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.lib import dbt, paths, postgres
from orchestration.lib.inventory.lists import LISTS
from orchestration.lib.settings import sample_config_file

_NOTE = "<!-- Written by `make docs` from the definitions; do not edit. -->"


def asset_graph(definitions: dg.Definitions) -> str:
    """Every asset by group: what it is, what it is made of, its checks and owners."""
    graph = definitions.resolve_asset_graph()
    groups: dict[str, list[dg.AssetKey]] = defaultdict(list)
    for key in graph.materializable_asset_keys:
        groups[graph.get(key).group_name or "default"].append(key)
    lines = [
        _NOTE,
        "# Asset graph",
        "",
        "For the sample organisation; a configuration has an asset of group `raw` for each of its sources.",
    ]
    for group in sorted(groups):
        lines += ["", f"## {group}", "", "| asset | what | made of | checks | owners |", "|---|---|---|---|---|"]
        for key in sorted(groups[group]):
            node = graph.get(key)
            made_of = ", ".join(f"`{parent.to_user_string()}`" for parent in sorted(node.parent_keys)) or "–"
            checks = len(graph.get_check_keys_for_assets({key}))
            what = " ".join((node.description or "").split("\n\n")[0].split())
            lines.append(
                f"| `{key.to_user_string()}` | {what} | {made_of} | {checks or '–'} | {', '.join(node.owners)} |"
            )
    return "\n".join(lines) + "\n"


def marts(manifest: dict[str, Any]) -> str:
    """Every public mart with its columns."""
    lines = [_NOTE, "# Marts", "", "Schema `finops`: what reports and BI tools query. Types and columns are contracts."]
    found = [
        node for node in manifest["nodes"].values() if node["resource_type"] == "model" and node["schema"] == "finops"
    ]
    for node in sorted(found, key=lambda node: str(node["name"])):
        owner = node.get("meta", {}).get("owner") or node.get("config", {}).get("meta", {}).get("owner") or "–"
        lines += ["", f"## {node['name']}", "", f"{' '.join(node['description'].split())} Owner: {owner}."]
        lines += ["", "| column | type | what |", "|---|---|---|"]
        for column in node["columns"].values():
            lines.append(
                f"| `{column['name']}` | {column.get('data_type') or ''} | {' '.join(column['description'].split())} |"
            )
    return "\n".join(lines) + "\n"


def inventory() -> str:
    """The lists that an inventory may have, with their columns."""
    lines = [
        _NOTE,
        "# Inventory",
        "",
        "Lists that files of `inventory` may be of. A file is of the list that it or its folder is named after; columns that are not",
        "needed may be missing or empty: then it is not known, and where savings need it they say so. A bucket has a row for each class,",
        "part and age of its objects, the others one for each resource.",
    ]
    for name, fields in LISTS.items():
        lines += ["", f"## {name}", "", "| column | type | needed | what |", "|---|---|---|---|"]
        for field in fields:
            kind = "whole number" if field.kind == "bigint" else field.kind
            lines.append(f"| `{field.name}` | {kind} | {'yes' if field.needed else '–'} | {field.meaning} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    from orchestration.definitions import build_definitions
    from orchestration.lib.config import load_config

    manifest = dbt.prepare_manifest(postgres.ensure_running())
    docs = paths.project_root() / "docs"
    docs.mkdir(exist_ok=True)
    definitions = build_definitions(load_config(sample_config_file()), manifest)
    _write(docs / "asset-graph.md", asset_graph(definitions))
    _write(docs / "inventory.md", inventory())
    _write(docs / "marts.md", marts(json.loads(manifest.read_text())))


def _write(path: Path, text: str) -> None:
    path.write_text(text)
    print(path.relative_to(paths.project_root()))


if __name__ == "__main__":
    main()
