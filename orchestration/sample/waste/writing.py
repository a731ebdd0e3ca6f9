"""Files of utilisation and inventory beside the deliveries."""

import json
from pathlib import Path

import pyarrow.parquet as pq

from .inventory import inventory
from .planted import Plan
from .utilisation import utilisation


def write_waste(root: Path, plan: Plan, seed: int) -> None:
    """Write what is measured and listed of an estate; nothing for a bill without plan."""
    # The settings name the folder, whatever lies in it.
    (root / "utilisation").mkdir(exist_ok=True)
    if not plan.roles:
        return
    name = plan.estate.source.name
    measured, listed = root / "utilisation" / name, root / "inventory" / name
    measured.mkdir(parents=True)
    listed.mkdir(parents=True)
    pq.write_table(utilisation(plan, seed), measured / f"{plan.end}.parquet", compression="zstd", use_dictionary=True)
    for kind, entries in inventory(plan, seed).items():
        text = "".join(json.dumps(entry, separators=(",", ":")) + "\n" for entry in entries)
        (listed / f"{kind}.jsonl").write_text(text, encoding="utf-8")
