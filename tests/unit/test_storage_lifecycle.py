"""Classes of storage: the cheapest policy by hand, and the buckets that rightly get none."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from ml.savings.holdings import Holdings
from ml.savings.lifecycle import Band, Step, outcome
from orchestration.lib.storage_price_file import LIST_PRICES, read_prices
from tests.unit.test_waste_kinds import GB, found, holdings, paid

PRICES, _ = read_prices(LIST_PRICES).of("us-east-1", date(2026, 9, 30))
MB = 1 << 20
TB = 1024 * GB


def bucket(**given: Any) -> dict[str, Any]:
    """A TB of objects of 64 MB, more than a year old, that nobody reads."""
    values = {
        "resource_id": "b",
        "storage_class": "STANDARD",
        "part": "current",
        "age_from_days": 365,
        "age_to_days": 730,
        "stored_bytes": TB,
        "object_count": TB // (64 * MB),
        "retrieved_bytes": 0,
        "get_requests": 0,
        "period_days": 30,
    }
    return values | given


def of(*rows: dict[str, Any]) -> Holdings:
    return holdings(paid("b", "TimedStorage-ByteHrs", 1), buckets=list(rows))


def test_cold_data_goes_to_the_deepest_archive_at_the_rate_that_is_paid() -> None:
    (one,), _ = found(of(bucket()))
    assert one.proposed == "Glacier Deep Archive after 180 days"
    share = one.estimate.saving / one.estimate.cost
    # 40 KB of each object more than its size cost next to nothing for objects of 64 MB.
    assert share == pytest.approx(1 - Decimal("0.00099") / Decimal("0.023"), abs=Decimal("0.001"))
    assert one.one_off_cost == (TB // (64 * MB)) * Decimal("0.00005")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"object_count": TB // (20 * 1024)}, "no other class would cost less"),
        ({"retrieved_bytes": 3 * TB}, "no other class would cost less"),
        ({"age_from_days": 0, "age_to_days": 15, "retrieved_bytes": 2 * TB}, "no other class would cost less"),
        ({"object_count": 7_500_000}, "moving its objects costs more than 12 months save"),
        ({"retrieved_bytes": None}, "what is read of it is not known"),
        ({"age_from_days": None}, "how old its objects are is not known"),
    ],
)
def test_some_buckets_rightly_get_none(given: dict[str, Any], said: str) -> None:
    recommended, excluded = found(of(bucket(**given)))
    assert not recommended
    assert excluded["b"].startswith(said)


def test_what_is_read_now_and_then_goes_to_infrequent_access_and_no_further() -> None:
    (one,), _ = found(of(bucket(retrieved_bytes=TB * 3 // 10)))
    assert one.proposed == "Standard-IA after 30 days"
    monthly_reads = Decimal("0.3") * 365 / 12 / 30
    share = 1 - (Decimal("0.0125") + monthly_reads * Decimal("0.01")) / Decimal("0.023")
    assert one.estimate.saving / one.estimate.cost == pytest.approx(share, abs=Decimal("0.001"))


def test_left_over_uploads_and_versions_act_on_their_own_bytes() -> None:
    recommended, _ = found(
        of(
            bucket(stored_bytes=6 * TB),
            bucket(stored_bytes=TB, part="incomplete_uploads"),
            bucket(stored_bytes=3 * TB, part="noncurrent_versions"),
        )
    )
    costs = {one.exclusive_group: one.estimate.cost for one in recommended}
    whole = sum(costs.values())
    assert [round(cost / whole, 6) for _, cost in sorted(costs.items())] == [
        Decimal("0.1"),
        Decimal("0.3"),
        Decimal("0.6"),
    ]
    assert len({one.acts_on[0][0] for one in recommended}) == 3
    assert whole <= holdings(paid("b", "TimedStorage-ByteHrs", 1)).paid[0].monthly_cost


def test_minimum_time_is_paid_for_what_is_deleted_before() -> None:
    """100 GB arrive a day and are deleted at an age of 45 days, so that they spend 15 of 30 paid days in IA."""
    day = Decimal(100 * GB)
    bands = [
        Band(0, 15, day * 15, Decimal(1500), Decimal(0), Decimal(0)),
        Band(15, 30, day * 15, Decimal(1500), Decimal(0), Decimal(0)),
        Band(30, 45, day * 15, Decimal(1500), Decimal(0), Decimal(0)),
    ]
    one = outcome(bands, (Step("STANDARD_IA", 30),), PRICES)
    assert one is not None
    stored = Decimal(3000) * Decimal("0.023") + Decimal(1500) * Decimal("0.0125")
    month = Decimal(365) / 12
    moved = 100 * month * Decimal("0.00001")
    early = 100 * month * Decimal("0.0125") * 30 / month
    assert one.then == pytest.approx(stored + moved + early)
    assert one.saving < 0


def test_ages_of_one_list_and_reads_of_another_are_put_together_and_no_byte_counts_twice() -> None:
    old, young = (bucket(retrieved_bytes=None, get_requests=None, period_days=None, **ages) for ages in (
        {}, {"age_from_days": 0, "age_to_days": 15}))  # fmt: skip
    whole = bucket(
        age_from_days=None, age_to_days=None, stored_bytes=2 * TB, retrieved_bytes=TB // 2, sub_account_id="1"
    )
    (one,), _ = found(of(old | {"sub_account_id": None}, young | {"sub_account_id": None}, whole))
    # A quarter of what is stored is read: an eighth of a TB of each half, which is too much for an archive.
    assert one.proposed == "Standard-IA after 30 days"
    assert one.evidence["read_bytes"] == str(round(Decimal(TB // 2) * 365 / 12 / 30))
    assert one.estimate.cost == paid("b", daily=1).monthly_cost
    assert one.confidence == "medium"
    assert "every byte alike" in one.confidence_reason
    _, excluded = found(of(old, young, whole | {"retrieved_bytes": None}))
    assert excluded["b"].startswith("what is read of it is not known")
