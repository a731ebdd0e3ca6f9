"""A source of the inventory, from wherever it is."""

from __future__ import annotations

from pathlib import Path

from orchestration.lib.config_inventory import InventorySource
from orchestration.lib.inventory.entries import Entry
from orchestration.lib.inventory.files import read_lists, storage_of


def read_source(source: InventorySource, config_path: Path, spool: Path) -> dict[str, list[Entry]]:
    """The lists that a source tells. Raises FinopsError for what is wrong with it."""
    if source.location is None:
        from orchestration.lib.inventory.aws import asked_of_aws

        return asked_of_aws(source)
    return read_lists(source.name, storage_of(source, config_path, spool))
