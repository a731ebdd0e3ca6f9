"""Kinds of waste: what is recommended, what is not, and that no saving is above what is paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ml.savings.bill_hints import Charges, bill_hints
from ml.savings.histogram import Histogram
from ml.savings.holdings import Holdings
from ml.savings.hours import HoursOfWeek
from ml.savings.paid import Paid
from ml.savings.recommendation import Owner, Recommendation, Window
from ml.savings.sizing import Use
from ml.savings.waste_kinds import find_waste
from ml.savings.waste_settings import WasteSettings
from orchestration.lib.storage_price_file import LIST_PRICES, read_prices

WINDOW = Window(date(2026, 9, 1), date(2026, 9, 30))
LISTED: dict[str, Any] = {"sub_account_id": "1", "region_id": "us-east-1", "observed_on": date(2026, 9, 30)}
GB = 1 << 30


def paid(resource_id: str, meter: str = "BoxUsage:m5.large", daily: int = 10, **given: Any) -> Paid:
    """A resource that costs so much each day, for a unit of use each."""
    days = {WINDOW.first + timedelta(days=number): Decimal(daily) for number in range(30)}
    values: dict[str, Any] = {
        "resource_name": None,
        "resource_type": None,
        "provider": "AWS",
        "sub_account_id": "1",
        "service_name": None,
        "service_category": None,
        "region_id": "us-east-1",
        "sku_id": meter,
        "sku_meter": meter,
        "instance_type": meter.partition(":")[2] or None,
        "pricing_category": "Standard",
        "currency": "USD",
        "owner": Owner("Payments", environment="staging"),
        "window": WINDOW,
        "consumed_quantity": Decimal(30 * daily),
        "consumed_unit": "Hrs",
        "list_cost": Decimal(30 * daily),
        "daily": days,
    }
    return Paid(resource_id=resource_id, **(values | given))


def use(days: int = 30, **metrics: float) -> Use:
    return Use({name: Histogram.of(np.full(24 * days, value)) for name, value in metrics.items()}, days)


def found(holdings: Holdings) -> tuple[list[Recommendation], dict[str, str]]:
    recommended, excluded = find_waste(holdings)
    for one in recommended:
        assert 0 <= one.estimate.low <= one.estimate.saving <= one.estimate.high <= one.estimate.cost
    return list(recommended), {one.resource_id: one.reason for one in excluded}


def holdings(*costs: Paid, uses: dict[str, Use] | None = None, **lists: list[dict[str, Any]]) -> Holdings:
    entries = {name: [LISTED | entry for entry in rows] for name, rows in lists.items()}
    return Holdings(WINDOW, costs, entries, WasteSettings(), uses or {}, {}, read_prices(LIST_PRICES))


RUNNING = {"resource_type": "Instance", "instance_type": "m5.large", "state": "running"}


def test_idle_instance_saves_all_that_is_paid_for_it_traffic_too() -> None:
    traffic = paid("i-1", "DataTransfer-Out-Bytes", 2)
    one = holdings(
        paid("i-1"),
        traffic,
        uses={"i-1": use(cpu=1.5, network_in=20, network_out=30)},
        instances=[RUNNING | {"resource_id": "i-1"}],
    )
    (idle,), _ = found(one)
    assert (idle.kind, idle.confidence, idle.resource_id) == ("idle_resource", "high", "i-1")
    assert idle.estimate.saving == idle.estimate.cost == WINDOW.monthly(Decimal(360), 30)
    assert idle.acts_on == (("i-1", idle.estimate.cost),)
    assert idle.command == "aws ec2 terminate-instances --instance-ids i-1 --region us-east-1"


@pytest.mark.parametrize(
    ("known", "said"),
    [
        (None, "no CPU utilisation is known of it"),
        (use(network_in=1.0), "no CPU utilisation is known of it"),
        (use(days=5, cpu=1.0), "it was measured on 5 days; 14 are needed"),
        (use(cpu=30.0), None),
        (use(cpu=1.0, network_in=50_000.0), None),
    ],
)
def test_without_enough_metrics_nothing_is_recommended_and_the_reason_is_said(
    known: Use | None, said: str | None
) -> None:
    uses = {"i-1": known} if known else {}
    recommended, excluded = found(
        holdings(paid("i-1", owner=Owner()), uses=uses, instances=[RUNNING | {"resource_id": "i-1"}])
    )
    assert not recommended
    assert excluded.get("i-1") == said


def test_what_a_commitment_pays_is_not_saved_before_it_ends() -> None:
    whole = paid("i-1", owner=Owner())
    uses = {"i-1": use(cpu=1.0, network_in=1.0)}
    listed = {"instances": [RUNNING | {"resource_id": "i-1"}]}
    covered = replace(whole, daily_committed=whole.daily)
    recommended, excluded = found(holdings(covered, uses=uses, **listed))
    assert not recommended
    assert "whose end the bill does not tell" in excluded["i-1"]
    (until,), _ = found(holdings(replace(covered, committed_until=date(2027, 3, 1)), uses=uses, **listed))
    assert until.estimate.saving == until.estimate.cost
    assert until.effective_from == date(2027, 3, 1)
    half = replace(whole, daily_committed={day: cost / 2 for day, cost in whole.daily.items()})
    (partly,), _ = found(holdings(half, uses=uses, **listed))
    assert partly.estimate.saving == WINDOW.monthly(Decimal(150), 30) < partly.estimate.cost


def test_spot_free_and_departed_resources_have_no_recommendation() -> None:
    spot = paid("i-1", pricing_category="Dynamic")
    free = paid("i-2", daily=0)
    gone = replace(paid("i-3"), daily={date(2026, 9, 5): Decimal(10)})
    uses = {name: use(cpu=1.0, network_in=1.0) for name in ("i-1", "i-2", "i-3")}
    recommended, excluded = found(
        holdings(spot, free, gone, uses=uses, instances=[RUNNING | {"resource_id": f"i-{n}"} for n in (1, 2, 3)])
    )
    assert not recommended
    assert set(excluded) == {"i-1"}


def test_databases_gateways_and_clusters_are_idle_without_use() -> None:
    arn = "arn:aws:rds:us-east-1:1:db:ledger"
    recommended, excluded = found(
        holdings(
            paid(arn, "InstanceUsage:db.m5.large", owner=Owner()),
            paid("arn:aws:ec2:us-east-1:1:natgateway/nat-1", "NatGateway-Hours"),
            paid("nat-2", "NatGateway-Hours"),
            paid("lb-1", "LoadBalancerUsage"),
            paid("lb-2", "LoadBalancerUsage"),
            paid("empty", "AmazonEKS-Hours:perCluster"),
            uses={
                arn: use(DatabaseConnections=0, cpu=2),
                "nat-1": use(BytesOutToDestination=0),
                "lb-1": use(RequestCount=5),
            },
            instances=[RUNNING | {"resource_id": "ledger", "resource_type": "DB Instance"}],
            nat_gateways=[{"resource_id": "nat-1"}, {"resource_id": "nat-2"}],
            load_balancers=[{"resource_id": "lb-1", "target_count": 2}, {"resource_id": "lb-2", "target_count": 0}],
            clusters=[{"resource_id": "empty", "node_count": 0}],
        )
    )
    ids = {one.resource_id for one in recommended}
    assert ids == {arn, "arn:aws:ec2:us-east-1:1:natgateway/nat-1", "lb-2", "empty"}
    assert excluded == {"nat-2": "its bytes out are known of 0 days; 14 are needed"}


def test_instances_of_a_cluster_without_tasks_are_idle_however_busy_and_a_cluster_of_ecs_costs_nothing_itself() -> None:
    ecs = {"cluster_kind": "ecs", "resource_id": "arn:aws:ecs:us-east-1:1:cluster/shop"}
    uses = {"i-1": use(cpu=40.0, network_in=1.0)}
    costs = [paid(f"i-{number}", owner=Owner()) for number in (1, 2)]
    (one,), _ = found(
        holdings(
            *costs,
            uses=uses,
            clusters=[
                ecs | {"node_count": 0, "instances": "i-1 i-7"},
                ecs | {"resource_id": "busy", "node_count": 3, "instances": "i-2"},
                ecs | {"resource_id": "bare", "node_count": 0, "instances": None},
            ],
            instances=[RUNNING | {"resource_id": "i-1"}],
        )
    )
    assert (one.resource_id, one.kind, one.confidence) == ("i-1", "idle_resource", "medium")
    assert one.estimate.saving == one.estimate.cost == WINDOW.monthly(Decimal(300), 30)
    assert one.exclusive_group == "resource/AWS/i-1"


def test_left_over_volumes_addresses_and_snapshots() -> None:
    volume = {"volume_type": "gp3", "size_gb": 100, "state": "in-use", "attached_to": "i-9"}
    snapshot = {"created_on": date(2026, 1, 1), "is_newest": False}
    recommended, _ = found(
        holdings(
            *(paid(f"vol-{number}", "EBS:VolumeUsage.gp3", 8) for number in (1, 2, 3, 4)),
            *(
                paid(f"snap-{number}", "EBS:SnapshotUsage", 5, consumed_quantity=Decimal(300))
                for number in (1, 2, 3, 4)
            ),
            paid("eipalloc-1", "PublicIPv4:IdleAddress", 1),
            volumes=[
                volume | {"resource_id": "vol-1", "state": "available", "created_on": date(2026, 1, 1)},
                volume | {"resource_id": "vol-2", "state": "available", "created_on": date(2026, 9, 25)},
                volume | {"resource_id": "vol-3"},
                volume | {"resource_id": "vol-4", "attached_to": "i-1"},
            ],
            instances=[{"resource_id": "i-9", "state": "stopped", "state_since": date(2026, 8, 1)}],
            snapshots=[
                snapshot | {"resource_id": "snap-1"},
                snapshot | {"resource_id": "snap-2", "is_newest": True},
                snapshot | {"resource_id": "snap-3", "image_id": "ami-1"},
                snapshot | {"resource_id": "snap-4", "created_on": date(2026, 9, 1)},
            ],
            addresses=[{"resource_id": "eipalloc-1", "attached_to": None}],
        )
    )
    by_id = {one.resource_id: one for one in recommended}
    assert set(by_id) == {"vol-1", "vol-3", "snap-1", "eipalloc-1"}
    # The lower end keeps a snapshot of the whole volume: half a unit of money for each of its GB.
    assert by_id["vol-1"].estimate.low == pytest.approx(by_id["vol-1"].estimate.saving / 2)
    assert by_id["snap-1"].estimate.low == 0


def test_gp3_is_priced_by_the_bill_and_a_price_that_it_lacks_is_said() -> None:
    discounted = {day: Decimal(9) for day in paid("vol-1").daily}
    gp2 = replace(paid("vol-1", "EBS:VolumeUsage.gp2"), daily=discounted)
    gp3 = paid("vol-2", "EBS:VolumeUsage.gp3", 8, consumed_quantity=Decimal(300))
    volumes = [{"resource_id": "vol-1", "volume_type": "gp2", "size_gb": 100, "state": "in-use"}]
    (one,), _ = found(holdings(gp2, gp3, volumes=volumes))
    assert one.estimate.saving == WINDOW.monthly(Decimal(270) * Decimal("0.2"), 30)
    recommended, excluded = found(holdings(gp2, volumes=volumes))
    assert not recommended
    assert excluded == {"vol-1": "the bill has no price of gp3 in us-east-1"}


def test_schedule_covers_every_busy_hour_and_is_for_non_production_only() -> None:
    highest = np.full(168, 1.0)
    for day in range(5):
        highest[day * 24 + 7 : day * 24 + 19] = 50.0
    hours = {"i-1": HoursOfWeek(highest, np.full(168, 4))}
    given = holdings(paid("i-1"), uses={"i-1": use(cpu=50)}, instances=[RUNNING | {"resource_id": "i-1"}])
    (one,), _ = found(replace(given, hours=hours))
    assert (one.kind, one.proposed) == ("schedule", "runs Monday to Friday, 07:00 to 19:00 UTC")
    share = round(Decimal(1) - Decimal(60) / 168, 6)
    assert one.estimate.saving == WINDOW.monthly(Decimal(300) * share, 30)
    production = replace(given, paid=[paid("i-1", owner=Owner(environment="production"))], hours=hours)
    assert found(production) == ([], {})
    assert "a schedule needs 14" in found(given)[1]["i-1"]


def test_hot_spots_of_traffic_are_said_without_a_saving() -> None:
    big = paid("nat-1", "EUW1-NatGateway-Bytes", 30, consumed_unit="GB")
    small = paid("nat-2", "EUW1-NatGateway-Bytes", 10, consumed_unit="GB")
    (one,), _ = found(holdings(big, small))
    assert (one.kind, one.resource_id, one.confidence) == ("network", "nat-1", "low")
    assert one.estimate.cost == one.estimate.saving == 0
    assert one.current == "912.50 USD a month for traffic through a NAT gateway"
    assert one.reason == "It is 75 % of what traffic through a NAT gateway costs."


def test_hints_on_a_bill_name_what_is_paid_and_claim_nothing() -> None:
    whole, other = Decimal(10_000), Decimal(2_500)
    charges = [
        Charges("support", "Support", "AWS", "USD", Decimal(900), whole, other),
        Charges("tax", "tax", "AWS", "USD", Decimal(2_000), whole, other),
        Charges("marketplace", "Logs", "AWS", "USD", Decimal(20), whole, other),
    ]
    support, tax = bill_hints(charges, WINDOW, Decimal(500))
    assert (support.kind, tax.kind) == ("support_hint", "tax_hint")
    assert support.reason.startswith("It is 9.0 % of this bill.")
    assert "25.0 % of that is known not to be of production" in support.reason
    assert support.estimate.saving == tax.estimate.cost == 0


def test_a_list_that_is_too_old_is_not_believed() -> None:
    old = RUNNING | {"resource_id": "i-1", "observed_on": date(2026, 6, 1)}
    uses = {"i-1": use(cpu=1.0, network_in=1.0)}
    recommended, excluded = found(holdings(paid("i-1", owner=Owner()), uses=uses, instances=[old]))
    assert not recommended
    assert excluded["i-1"] == "its inventory is of 2026-06-01, which is too old"
