"""x"""

from orchestration.lib.config_inventory import InventorySource
from orchestration.lib.inventory.entries import Entry


def asked_of_aws(source: InventorySource) -> dict[str, list[Entry]]:
    raise NotImplementedError
