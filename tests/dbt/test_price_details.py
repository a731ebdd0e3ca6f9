"""What AWS reports say of a product, as SkuPriceDetails of FOCUS."""

from __future__ import annotations

import json
from typing import Any

from tests.dbt.bills import MARCH
from tests.dbt.project import Project
from tests.support.lines import Line, cur

LARGE = {"memory": "7.5 GiB", "operating_system": "Linux", "product_name": "EC2", "tenancy": "Shared", "vcpu": "2"}
LARGE_DETAILS = {
    "CoreCount": 2,
    "InstanceType": "m5.large",
    "MemorySize": 7.5,
    "OperatingSystem": "Linux",
    "x_Tenancy": "Shared",
}


def line(resource: str, product: dict[str, str] | None, **changes: Any) -> Line:
    priced = {"pricing_rate_code": "S.T.R", "product": json.dumps(product) if product else None}
    return cur(line_item_resource_id=resource, **priced | changes)


def shown(project: Project) -> dict[str, Any]:
    return dict(project.rows("select distinct resource_id, sku_price_details from finops.focus_cost_and_usage"))


def test_products_of_aws_are_described_where_a_price_is_named(project: Project) -> None:
    large = {"product_instance_type": "m5.large"}
    lines = [
        line("large", LARGE, **large),
        line("without a price", LARGE, **large, pricing_rate_code=None),
        line("tax", LARGE, **large, line_item_line_item_type="Tax"),
        line("type alone", None, **large),
        line("name alone", {"product_name": "EC2"}, product_instance_type=None),
        line("nothing", None, product_instance_type=None),
    ]
    project.deliver("aws", MARCH, lines)
    project.build()
    expected = {
        "large": LARGE_DETAILS,
        "without a price": None,
        "tax": None,
        "type alone": {"InstanceType": "m5.large"},
        "name alone": None,
        "nothing": None,
    }
    assert shown(project) == expected
    table = "intermediate.int_aws_price_details"
    ((products, versions, written),) = project.rows(
        f"select count(*), count(distinct version), min(xmin::text) from {table}"
    )
    assert (products, versions) == (3, 1)
    # A query that does not ask for the details does not read them.
    ((plan,),) = project.rows("explain (format json) select sum(billed_cost) from finops.focus_cost_and_usage")
    assert "cost_records" in str(plan)
    assert "int_aws_price_details" not in str(plan)
    # The next delivery brings a product; those that are known are not read again.
    lines.append(line("other type", LARGE, product_instance_type="m5a.large"))
    project.deliver("aws", MARCH, lines)
    project.build()
    assert shown(project) == expected | {"other type": LARGE_DETAILS | {"InstanceType": "m5a.large"}}
    assert project.rows(f"select count(*), count(*) filter (where xmin::text = '{written}') from {table}") == [(4, 3)]
