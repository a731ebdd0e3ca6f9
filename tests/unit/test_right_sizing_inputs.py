"""What is paid beside what is used, and the list prices that the bill itself shows."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import numpy as np

from ml.savings.histogram import Histogram
from ml.savings.paid import Paid
from ml.savings.recommendation import Owner, Window
from ml.savings.sizing import CPU, Use
from orchestration.lib.right_sizing import billed_prices, billed_specs, is_instance, resources_of

DAY = date(2026, 9, 2)
DATABASE = Paid(
    resource_id="arn:aws:rds:eu-west-1:1:db:orders", resource_name=None, resource_type=None, provider="AWS", sub_account_id="1",
    service_name="RDS", service_category="Databases", region_id="eu-west-1", sku_id="S", sku_meter="InstanceUsage:db.r6g.large",
    instance_type="db.r6g.large", pricing_category="Standard", currency="USD", owner=Owner(), window=Window(date(2026, 9, 1), DAY),
    consumed_quantity=Decimal(48), consumed_unit="Hrs", list_cost=Decimal(12), daily={DAY: Decimal(5)},
)  # fmt: skip
USE = Use({CPU: Histogram.of(np.full(9, 5.0))}, 1)


def test_monitors_name_resources_by_the_last_part_of_their_id_where_it_is_of_one_alone() -> None:
    (found,) = resources_of([DATABASE], {"orders": USE})
    assert found.use is USE
    other = replace(DATABASE, resource_id="arn:aws:rds:eu-west-1:2:db:orders")
    assert [one.use for one in resources_of([DATABASE, other], {"orders": USE})] == [None, None]
    assert resources_of([DATABASE, other], {other.resource_id: USE})[1].use is USE


def test_resource_that_is_on_the_bill_twice_is_looked_at_once_as_it_was_last() -> None:
    before = replace(DATABASE, instance_type="db.r6g.xlarge", daily={date(2026, 9, 1): Decimal(50)})
    (found,) = resources_of([before, DATABASE], {})
    assert found.paid is DATABASE
    assert "changed" in found.notes[0]


def test_list_prices_of_the_bill_leave_spot_and_free_use_out() -> None:
    spot = replace(DATABASE, instance_type="db.r6g.xlarge", pricing_category="Dynamic")
    free = replace(DATABASE, instance_type="db.r6g.2xlarge", list_cost=Decimal(0))
    told = replace(
        DATABASE,
        price_details={"x_DatabaseEngine": "MySQL", "Redundancy": "Multi-AZ", "CoreCount": 2, "MemorySize": 16},
    )
    assert billed_prices([DATABASE, spot, free]) == {("eu-west-1", "unknown", "db.r6g.large"): Decimal("0.25")}
    assert list(billed_prices([told])) == [("eu-west-1", "MySQL Multi-AZ", "db.r6g.large")]
    assert billed_specs([told])["db.r6g.large"].memory_gib == 16
    assert not is_instance(replace(DATABASE, consumed_unit="GB-Mo"))
