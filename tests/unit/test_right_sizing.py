"""The smallest size that carries what was used, at what is really paid."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from ml.savings.generation_change import generation_change
from ml.savings.histogram import Histogram
from ml.savings.instance_types import Catalogue, Spec, name_of
from ml.savings.paid import Paid
from ml.savings.recommendation import Owner, Recommendation, Window
from ml.savings.right_sizing import right_sizing
from ml.savings.sizing import CPU, MEMORY, Exclusion, Resource, SizingSettings, Use

WINDOW = Window(date(2026, 9, 1), date(2026, 9, 30))
DAYS = [WINDOW.first + timedelta(days=number) for number in range(30)]
PRICES = {("eu-west-1", "Linux", f"m5.{size}"): Decimal(price) for size, price in
          (("large", 1), ("xlarge", 2), ("2xlarge", 4), ("4xlarge", 8))}  # fmt: skip
CATALOGUE = Catalogue(billed=PRICES)


def paid(**changes: Any) -> Paid:
    one = Paid(
        resource_id="i-1", resource_name=None, resource_type="Instance", provider="AWS", sub_account_id="1",
        service_name="EC2", service_category="Compute", region_id="eu-west-1", sku_id="S", sku_meter="BoxUsage:m5.2xlarge",
        instance_type="m5.2xlarge", pricing_category="Standard", currency="USD", owner=Owner("Search"), window=WINDOW,
        consumed_quantity=Decimal(720), consumed_unit="Hrs", list_cost=Decimal(2880),
        daily={day: Decimal(60) for day in DAYS},
    )  # fmt: skip
    return replace(one, **changes)


def use(cpu: float, peak: float, memory: float | None = None, days: int = 30) -> Use:
    """So much CPU on average, with a peak in one of a hundred measurements."""
    values = np.full(days * 288, cpu)
    values[::100] = peak
    metrics = {CPU: Histogram.of(values)}
    if memory is not None:
        metrics[MEMORY] = Histogram.of(np.full(days * 288, memory))
    return Use(metrics, days)


def only(resource: Resource, catalogue: Catalogue = CATALOGUE, **settings: Any) -> Recommendation | Exclusion:
    (found,) = right_sizing([resource], catalogue, SizingSettings(**settings))
    return found


def advised(resource: Resource, catalogue: Catalogue = CATALOGUE, **settings: Any) -> Recommendation:
    found = only(resource, catalogue, **settings)
    assert isinstance(found, Recommendation), found
    return found


def refused(resource: Resource, catalogue: Catalogue = CATALOGUE, **settings: Any) -> str:
    found = only(resource, catalogue, **settings)
    assert isinstance(found, Exclusion), found
    return found.reason


def test_smallest_size_that_carries_the_percentile_with_headroom_is_proposed() -> None:
    # A quarter of the size would be filled to 80 %: 20 % more than that still fits.
    found = advised(Resource(paid(), use(10, 20, memory=20)))
    assert (found.current, found.proposed) == ("m5.2xlarge, CPU 10.1 % on average", "m5.large")
    # 60 a day is paid, at a discount: three quarters of it, and not of the list price of 96.
    assert found.estimate.saving == WINDOW.monthly(Decimal(45 * 30), 30)
    assert found.estimate.cost == paid().monthly_cost
    assert found.acts_on == (("i-1", paid().monthly_cost),)
    assert (found.confidence, found.risk) == ("medium", "medium")
    assert "network" in found.confidence_reason
    assert advised(Resource(paid(), use(10, 21, memory=20))).proposed == "m5.xlarge"
    assert advised(Resource(paid(), use(10, 20, memory=22))).proposed == "m5.xlarge"


def test_memory_that_nobody_measures_is_halved_at_most() -> None:
    found = advised(Resource(paid(), use(2, 4)))
    assert (found.proposed, found.confidence) == ("m5.xlarge", "low")
    assert "Memory is not measured" in found.confidence_reason


def test_use_above_the_threshold_is_left_alone() -> None:
    assert not list(right_sizing([Resource(paid(), use(20, 20, 10))], CATALOGUE, SizingSettings()))
    assert advised(Resource(paid(), use(20, 20, 10)), utilization_threshold=Decimal(21)).proposed == "m5.large"


def test_risk_is_the_share_of_time_that_the_size_would_have_been_exceeded() -> None:
    found = advised(Resource(paid(), use(2, 90, 10)), percentile=Decimal(98))
    assert found.proposed == "m5.large"
    assert found.evidence["exceeded_share"] == f"{87 / 8640:.6f}"
    assert found.risk == "high"


def test_covered_resource_saves_nothing_until_its_commitment_ends() -> None:
    covered = paid(daily_committed={day: Decimal(60) for day in DAYS}, committed_until=date(2027, 4, 1))
    found = advised(Resource(covered, use(5, 5, 5)))
    assert found.effective_from == date(2027, 4, 1)
    assert "until 2027-04-01" in found.reason
    assert "whose end the bill does not tell" in refused(Resource(replace(covered, committed_until=None), use(5, 5, 5)))


def test_covered_part_saves_nothing() -> None:
    half = paid(daily_committed={day: Decimal(30) for day in DAYS})
    found = advised(Resource(half, use(5, 5, 5)))
    assert found.estimate.saving == WINDOW.monthly(Decimal(30 * 30) * 3 / 4, 30)
    assert found.effective_from is None


@pytest.mark.parametrize(
    ("changes", "used", "reason"),
    [
        ({}, None, "no CPU utilisation is known"),
        ({}, use(5, 5, days=13), "of 13 days; 14 are needed"),
        ({"instance_type": "hal.9000"}, use(5, 5), "hal.9000 is not known"),
        ({"pricing_category": "Dynamic"}, use(5, 5), "a spot instance"),
        ({"daily": {day: Decimal(0) for day in DAYS}}, use(5, 5), "it costs nothing"),
    ],
)
def test_reason_is_said_where_nothing_can_be_recommended(
    changes: dict[str, Any], used: Use | None, reason: str
) -> None:
    assert reason in refused(Resource(paid(**changes), used))


def test_price_that_is_not_known_is_said_and_not_invented() -> None:
    specs = {"m5.2xlarge": Spec(Decimal(8), Decimal(32)), "m5.xlarge": Spec(Decimal(4), Decimal(16))}
    assert "no list price" in refused(Resource(paid(), use(5, 5, 5)), Catalogue(specs=specs))


def test_ratio_of_another_region_is_used_and_said() -> None:
    there = {("us-east-1", system, name): price / 2 for (_, system, name), price in PRICES.items()}
    found = advised(Resource(paid(), use(5, 5, 5)), Catalogue(prices=there))
    assert found.evidence["price_basis"] == "list prices of another region"
    assert found.confidence == "low"


@pytest.mark.parametrize(
    ("written", "family", "size"),
    [
        ("m5.2xlarge", "m5", 64),
        ("db.r6g.large", "db.r6g", 16),
        ("c6gd.xlarge", "c6gd", 32),
        ("D8s v5", "Ds v5", 128),
        ("Standard_E32s_v5", "Es v5", 512),
    ],
)
def test_name_of_a_type(written: str, family: str, size: int) -> None:
    name = name_of(written)
    assert name
    assert (name.family, name.size) == (family, size)


def test_histogram_keeps_quantiles_to_four_per_cent() -> None:
    values = np.random.default_rng(7).gamma(2.0, 8.0, 20_000)
    found = Histogram.of(values)
    for percent in (1.0, 50.0, 95.0, 99.5, 100.0):
        exact = float(np.quantile(values, percent / 100.0, method="inverted_cdf"))
        assert exact <= found.percentile(percent) * (1 + 1e-9) <= exact * 1.04 * (1 + 1e-6)
    assert found.mean == pytest.approx(values.mean())
    assert found.share_above(float(values.max())) == 0.0
    assert float((values > 30.0).mean()) <= found.share_above(30.0) <= float((values > 30.0 / 1.04).mean())


def test_newer_generations_are_advised_with_and_without_a_change_of_architecture() -> None:
    newer = {"m7i.xlarge": "2.1", "m7i.2xlarge": "3.9", "m8g.xlarge": "1.6", "m8g.2xlarge": "3.2"}
    prices = PRICES | {("eu-west-1", "Linux", name): Decimal(price) for name, price in newer.items()}
    catalogue = Catalogue(billed=prices, successors={"m5": ["m7i", "m8g"]})
    found = [
        one
        for one in generation_change([Resource(paid(), use(45, 45, 30))], catalogue, SizingSettings())
        if isinstance(one, Recommendation)
    ]
    # More than half of the size is used with the headroom: only the same size carries it, above the threshold of right-sizing too.
    assert [(one.proposed, one.effort) for one in found] == [("m7i.2xlarge", "medium"), ("m8g.2xlarge", "high")]
    assert found[1].estimate.saving == WINDOW.monthly(Decimal(60 * 30) * Decimal("0.2"), 30)
    assert "arm64" in found[1].risk_reason
    assert {one.exclusive_group for one in found} == {"resource/AWS/i-1"}


def test_family_with_less_memory_is_proposed_where_memory_is_measured() -> None:
    specs = {
        f"{family}5.2xlarge": Spec(Decimal(8), Decimal(memory)) for family, memory in (("c", 16), ("m", 32), ("r", 64))
    }
    prices = {
        ("eu-west-1", "Linux", f"{family}5.2xlarge"): Decimal(price) for family, price in (("c", 3), ("m", 4), ("r", 5))
    }
    catalogue = Catalogue(specs=specs, prices=prices)
    assert advised(Resource(paid(), use(19, 60, 40)), catalogue).proposed == "c5.2xlarge"
