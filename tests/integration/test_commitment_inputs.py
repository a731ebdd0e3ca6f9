"""From charges to advice on commitments, on a real database."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from ml.savings.commitments.usage import Sku
from ml.savings.recommendation import Estimate, Window, worthwhile
from orchestration.lib.commitment_advice import (
    commitment_advice,
    commitment_recommendations,
    kept_shares,
    uncommitted_shares,
)
from orchestration.lib.commitment_inputs import commitment_pools, window_for
from orchestration.lib.commitment_rates import COLUMNS, Rate, read_rates
from orchestration.lib.config_models import Config
from orchestration.lib.errors import FinopsError
from tests.support.commitment_charges import COVERED, FIRST, UNUSED, Charges
from tests.support.savings import saving

D = Decimal
BIG = Sku("big", "eu")
WINDOW = Window(FIRST, FIRST + timedelta(days=55))
DAYTIME = [0] * 8 + [3] * 8 + [0] * 8


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database) as connection:
        yield connection


def config(folder: Path, **commitments: Any) -> Config:
    content = {
        "organization": {"name": "Halden", "first_billing_period": "2026-01"},
        "sources": [{"name": "aws", "format": "cur", "location": "aws"}],
        "savings": {"commitments": commitments},
    }
    return Config.model_validate(content, context={"path": folder / "finops-config.yaml"})


def total(pool: Any, kind: str) -> Decimal:
    return sum((hours.count * sum(getattr(hours, kind).values(), D(0)) for hours in pool.hours), D(0))


def test_days_are_spread_evenly_and_hours_as_they_are(connection: psycopg.Connection[Any]) -> None:
    charges = Charges(connection)
    charges.add(56, "48", sku_id="big", region_id="eu", sku_meter="BoxUsage")
    charges.add(56, "24", paid="12", sku_id="big", region_id="eu", **COVERED)
    (pool,) = commitment_pools(connection, WINDOW)
    assert (pool.is_hourly, len(pool.hours)) == (False, 56)
    assert pool.hours[0].uncovered == {BIG: D(2)}
    assert pool.commitments[0].ratios == {BIG: D("0.5")}
    assert (total(pool, "uncovered"), total(pool, "covered")) == (56 * D(48), 56 * D(24))

    connection.execute("delete from intermediate.int_charges_daily where contracted_cost = 48")
    charges.add(56, "48", sku_id="big", region_id="eu", hours=DAYTIME)
    (pool,) = commitment_pools(connection, WINDOW)
    # Two thirds of the cost have hours: not enough to say that the bill has them.
    assert pool.is_hourly is False
    connection.execute("delete from intermediate.int_charges_daily where contracted_cost = 24")
    charges.add(56, "24", paid="12", sku_id="big", region_id="eu", hours=[1] * 24, **COVERED)
    (pool,) = commitment_pools(connection, WINDOW)
    assert (pool.is_hourly, len(pool.hours)) == (True, 56 * 24)
    assert [hours.uncovered.get(BIG, 0) for hours in pool.hours[7:17]] == [0, *[6] * 8, 0]
    assert total(pool, "uncovered") == 56 * D(48)
    assert total(pool, "covered") == pytest.approx(56 * D(24), abs=D("1e-10"))


def test_what_is_unused_lies_where_less_was_used_and_is_of_its_month(connection: psycopg.Connection[Any]) -> None:
    charges = Charges(connection)
    charges.add(56, "24", paid="12", sku_id="big", region_id="eu", hours=[2] * 12 + [0] * 12, **COVERED)
    # A reservation is settled by month: 28 of 31 days of August are in a window of its first 28 days.
    charges.add(1, "0", paid="310", length=timedelta(days=31), **UNUSED)
    (pool,) = commitment_pools(connection, Window(FIRST, FIRST + timedelta(days=27)))
    assert total(pool, "unused") == pytest.approx(D(280), abs=D("1e-20"))
    assert pool.commitments[0].hourly_cost == pytest.approx((28 * D(12) + 280) / (28 * 24), abs=D("1e-15"))
    first_day = [hours.unused.get("sp-1", D(0)) for hours in pool.hours[:24]]
    assert min(first_day[12:]) > max(first_day[:12])


def test_usage_that_other_advice_removes_is_not_committed_for(connection: psycopg.Connection[Any]) -> None:
    charges = Charges(connection)
    charges.add(56, "48", sku_id="big", region_id="eu", resource_id="i-1")
    charges.add(56, "24", paid="12", sku_id="big", region_id="eu", resource_id="i-2", **COVERED)
    kept = kept_shares(
        [
            saving("a", "100", resource_id="i-1"),
            saving("b", "50", resource_id=None, acts_on=(("i-2", D(100)),)),
            saving("c", "50", resource_id="i-2", effective_from=date(2027, 1, 1)),
        ],
        {},
    )
    assert kept == {"i-1": 0, "i-2": D("0.5")}
    (pool,) = commitment_pools(connection, WINDOW, kept=kept)
    assert total(pool, "uncovered") == 0
    assert total(pool, "covered") == 56 * D(12)
    # What the plan paid for that use is free for other use.
    assert total(pool, "unused") == pytest.approx(56 * D(6), abs=D("1e-20"))


def test_what_is_saved_of_a_resource_is_of_the_part_that_no_commitment_pays(
    connection: psycopg.Connection[Any],
) -> None:
    charges = Charges(connection)
    charges.add(56, "48", sku_id="big", region_id="eu", resource_id="i-1")
    charges.add(56, "24", paid="12", sku_id="big", region_id="eu", resource_id="i-1", **COVERED)
    month = WINDOW.monthly(60 * D(56), 56)
    half = WINDOW.monthly(24 * D(56), 56)
    advice = [saving("a", resource_id="i-1", estimate=Estimate(month, half, half, half, ()))]
    shares = uncommitted_shares(connection, WINDOW, advice)
    assert shares == {"i-1": D("0.8")}
    (pool,) = commitment_pools(connection, WINDOW, kept=kept_shares(advice, shares))
    # Of 48 a day on demand 24 are saved: 24 are left to commit for, not 48 less the 40 % that 24 are of the whole cost.
    assert total(pool, "uncovered") == pytest.approx(56 * D(24), abs=D("0.01"))


def test_what_the_provider_says_is_eligible_and_has_no_rate_is_said(connection: psycopg.Connection[Any]) -> None:
    charges = Charges(connection)
    charges.details(7, "Savings Plan")
    charges.details(8, "Another Program")
    charges.add(56, "24", paid="12", sku_id="big", region_id="eu", **COVERED)
    charges.add(56, "1", sku_id="small", region_id="eu", commitment_program_eligibility_details_id=7)
    charges.add(56, "24", sku_id="big", region_id="eu", commitment_program_eligibility_details_id=8)
    (pool,) = commitment_pools(connection, WINDOW)
    assert pool.unpriced == {"Savings Plan": D(56), "Another Program": 56 * D(24)}
    # The provider says what it is eligible for, and the plan is not among it.
    assert pool.offers == ()


def test_reference_rates_are_put_against_what_is_paid(connection: psycopg.Connection[Any]) -> None:
    Charges(connection).add(56, "48", sku_id="big", region_id="eu")
    rates = [
        Rate("Savings Plan", True, 12, "No Upfront", "big", "eu", D("1.4"), "USD", date(2026, 1, 1), "rates.csv"),
        Rate("Reservation", False, 36, "All Upfront", "big", "eu", D("0.8"), "USD", date(2026, 1, 1), "rates.csv"),
        Rate("Savings Plan", True, 12, "No Upfront", "big", "eu", D("1"), "EUR", date(2026, 1, 1), "rates.csv"),
    ]
    (pool,) = commitment_pools(connection, WINDOW, rates)
    assert [(offer.type, offer.ratios, offer.unit_price, offer.origin) for offer in pool.offers] == [
        ("Savings Plan", {BIG: D("0.7")}, None, "rates.csv"),
        ("Reservation", {BIG: D("0.4")}, D("0.8"), "rates.csv"),
    ]
    assert commitment_pools(connection, WINDOW) == []


def test_advice_from_charges(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    charges = Charges(connection)
    charges.add(57, "48", sku_id="big", region_id="eu")
    charges.add(57, "24", paid="12", sku_id="big", region_id="eu", **COVERED)
    charges.add(57, "0", paid="2", **UNUSED)
    charges.term("sp-1", "2026-10-20T00:00:00Z", "No Upfront", "1yr")
    assert window_for(connection, 60) == WINDOW
    steady = config(tmp_path, unseen_change_per_year=0)
    found = {one.kind: one for one in commitment_recommendations(connection, steady)}
    buy, unused, expiry = found["commitment"], found["commitment_unused"], found["commitment_expiry"]
    # 48 a day on demand, of which the unused 2 could cover 4: 44 / 24 * 0.5 an hour are bought, down to the thousandth.
    assert buy.evidence["committed_per_hour"] == "0.916"
    assert buy.estimate.cost == WINDOW.monthly(44 * D(56), 56)
    assert buy.estimate.saving == D("668.68")
    assert buy.confidence == "medium"
    assert "no hours" in buy.confidence_reason
    assert buy.command is not None
    assert "--commitment 0.229" in buy.command
    assert [step["buy_on"] for step in buy.evidence["ladder"]][:2] == ["2026-09-26", "2026-10-26"]
    # The bill has no hours: whether what is unused could cover that use is not known, so it is saved at the end alone.
    assert unused.estimate.saving == unused.estimate.cost == WINDOW.monthly(2 * D(56), 56)
    assert unused.effective_from == date(2026, 10, 20)
    assert unused.evidence["could_cover_on_demand_per_month"] == written(WINDOW.monthly(4 * D(56), 56))
    assert expiry.effective_from == date(2026, 10, 20)
    assert expiry.estimate.saving == 0
    assert expiry.evidence["rise_per_month"] == written(WINDOW.monthly((D(24) - 14) * 56, 56))
    for one in found.values():
        assert 0 <= one.estimate.low <= one.estimate.saving <= one.estimate.high <= one.estimate.cost
    assert len({one.exclusive_group for one in found.values()}) == 3
    assert len(worthwhile(found.values(), D(1))) == 3

    # After advice that removes the instances, there is nothing to buy.
    connection.execute("update intermediate.int_charge_attributes set resource_id = 'i-1' where attributes_id = 1")
    gone = commitment_recommendations(connection, steady, [saving("a", "100", resource_id="i-1")])
    assert "commitment" not in {one.kind for one in gone}
    # The same inputs, the same advice.
    assert commitment_recommendations(connection, steady) == commitment_recommendations(connection, steady)


def written(amount: Decimal) -> str:
    return format(amount.normalize(), "f")


def test_with_hours_what_is_unused_can_cover_use_of_the_same_hours(
    connection: psycopg.Connection[Any], tmp_path: Path
) -> None:
    charges = Charges(connection)
    charges.add(57, "48", sku_id="big", region_id="eu", hours=DAYTIME)
    charges.add(57, "24", paid="12", sku_id="big", region_id="eu", hours=[1] * 24, **COVERED)
    charges.add(57, "0", paid="2", **UNUSED)
    found = {one.kind: one for one in commitment_recommendations(connection, config(tmp_path))}
    unused = found["commitment_unused"]
    # 2 a day are unused, evenly; in 8 of 24 hours there is use, for which they would pay twice as much on demand.
    assert float(unused.estimate.saving) == pytest.approx(float(WINDOW.monthly(D(4) / 3 * 56, 56)))
    assert unused.estimate.cost == pytest.approx(WINDOW.monthly(48 * D(56), 56), abs=D("1e-6"))
    assert unused.effective_from is None
    # At half the price nothing pays that is used in a third of the hours.
    assert "commitment" not in found


def test_nothing_is_said_where_no_rate_is_known(connection: psycopg.Connection[Any], tmp_path: Path) -> None:
    charges = Charges(connection)
    charges.add(57, "48", sku_id="big", region_id="eu")
    charges.details(7, "Savings Plan")
    charges.add(57, "1", sku_id="small", region_id="eu", commitment_program_eligibility_details_id=7)
    found = commitment_advice(connection, config(tmp_path))
    assert found.recommendations == ()
    ((programme, why),) = found.refused
    assert programme == "aws 001: Savings Plan"
    assert why.startswith("usage of 56.00 USD is eligible, but no rate is known")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Savings Plan,true,12,No Upfront,big,eu,free,USD,2026-01-01", "rates.csv, row 2: unit_price"),
        ("Savings Plan,true,12,No Upfront,big,eu,0,USD,2026-01-01", "must be more than 0"),
        ("Savings Plan,maybe,12,No Upfront,big,eu,1,USD,2026-01-01", "is_spend is 'maybe'"),
        ("Savings Plan,true,12,No Upfront,big,eu,1,USD,1.1.2026", "2026-10-01"),
    ],
)
def test_a_bad_rate_is_refused_with_its_row(tmp_path: Path, row: str, message: str) -> None:
    file = tmp_path / "rates.csv"
    file.write_text(",".join(COLUMNS) + "\n" + row + "\n")
    with pytest.raises(FinopsError, match=message):
        read_rates([file], date(2026, 10, 1))


def test_of_dated_rates_the_newest_that_holds_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    lines = [
        f"Savings Plan,true,12,No Upfront,big,eu,{price},USD,{day}"
        for price, day in ((3, "2026-11-01"), (2, "2026-06-01"), (1, "2026-01-01"))
    ]
    file.write_text("\n".join([",".join(COLUMNS), *lines]))
    (rate,) = read_rates([file], date(2026, 10, 1))
    assert rate.unit_price == 2
    with pytest.raises(FinopsError, match="cannot be read"):
        read_rates([tmp_path / "none.csv"], date(2026, 10, 1))
    file.write_text("sku_id\n")
    with pytest.raises(FinopsError, match="has no column commitment_type"):
        read_rates([file], date(2026, 10, 1))
