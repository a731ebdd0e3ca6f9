"""The columns of CostAndUsage in the versions of FOCUS that are exported."""

from typing import Literal

from psycopg import sql

from orchestration.lib.formats.columns import Column
from orchestration.lib.formats.focus import FOCUS

Version = Literal["1.0", "1.2", "1.4"]

# The version of the specification that brought a column; the others are in all of them.
_SINCE = {
    "1.2": (
        "capacity_reservation_id", "capacity_reservation_status", "commitment_discount_quantity",
        "commitment_discount_unit", "service_subcategory", "sku_meter", "sku_price_details",
        "billing_account_type", "sub_account_type", "invoice_id", "pricing_currency",
        "pricing_currency_contracted_unit_price", "pricing_currency_effective_cost", "pricing_currency_list_unit_price",
    ),
    "1.4": (
        "allocated_method_details", "allocated_method_id", "allocated_resource_id", "allocated_resource_name",
        "allocated_tags", "contract_applied", "service_provider_name", "host_provider_name", "invoice_detail_id",
        "commitment_program_eligibility_details",
    ),
}  # fmt: skip
# In their place before: who offers a service had one name, and another where it was made by someone else.
BEFORE_1_4 = {
    "provider_name": sql.SQL("service_provider_name"),
    "publisher_name": sql.SQL("coalesce(x_publisher_name, service_provider_name)"),
}


def columns_of(version: Version) -> tuple[Column, ...]:
    """The columns of a version, in the order of the specification."""
    later = {name for since, names in _SINCE.items() if since > version for name in names}
    gone = set(BEFORE_1_4) if version == "1.4" else set()
    found = [column for column in FOCUS.columns if column.name not in later | gone]
    return tuple(sorted(found, key=lambda column: column.name))


def header(name: str) -> str:
    """The name of a column as the specification writes it.

    >>> header("x_cost_center"), header("sku_id")
    ('x_CostCenter', 'SkuId')
    """
    prefix = "x_" if name.startswith("x_") else ""
    return prefix + "".join(word.capitalize() for word in name.removeprefix("x_").split("_"))
