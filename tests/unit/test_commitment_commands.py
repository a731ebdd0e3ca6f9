"""Commands that would buy a commitment: text alone, and none that is not known."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from ml.savings.commitments.commands import purchase_command
from ml.savings.commitments.usage import Offer, Sku

D = Decimal
RATIOS = {Sku("db", "eu-west-1"): D("0.6")}
PLAN = Offer("Savings Plan", True, RATIOS, "the bill", 36, "All Upfront")
RESERVED = Offer(
    "Reservation", False, RATIOS, "the bill", 12, "No Upfront", D("1.2"), "arn:aws:rds:eu-west-1:000000000042:ri:r-1"
)


def test_a_savings_plan_is_an_amount_of_money_for_three_years() -> None:
    command = purchase_command("AWS", PLAN, D("7"), "USD")
    assert command is not None
    assert "--payment-options 'All Upfront' --durations 94608000 --currencies USD" in command
    assert command.endswith("--commitment 7.000")


def test_a_reservation_is_a_number_of_the_service_of_the_one_it_is_like() -> None:
    command = purchase_command("AWS", RESERVED, D("3.6"), "USD")
    assert command is not None
    assert command.startswith("aws rds purchase-reserved-db-instances-offering")
    assert command.endswith("--db-instance-count 3")


def test_what_is_not_known_has_no_command() -> None:
    assert purchase_command("Microsoft", PLAN, D("7"), "USD") is None
    assert purchase_command("AWS", replace(PLAN, term_months=None), D("7"), "USD") is None
    assert purchase_command("AWS", replace(RESERVED, like=""), D("3.6"), "USD") is None
