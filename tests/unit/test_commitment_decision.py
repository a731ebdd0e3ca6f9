"""What is bought, and what is not, on usage that can be worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

from ml.savings.commitments.decision import decide
from ml.savings.commitments.ladder import forgone, ladder, months_later
from ml.savings.commitments.programmes import plan
from ml.savings.commitments.usage import Commitment, CommitmentSettings, Hours, Offer, Pool, Sku

D = Decimal
BIG, SMALL = Sku("big", "eu"), Sku("small", "eu")
START = datetime(2026, 8, 1, tzinfo=UTC)
# Steady weeks are taken to go on for ever where nothing else is said.
SETTINGS = CommitmentSettings(unseen_change_per_year=D(0))


def days(count: int, use: dict[Sku, Decimal], **fields: object) -> tuple[Hours, ...]:
    return tuple(Hours(START + timedelta(days=n), 24, use, **fields) for n in range(count))  # type: ignore[arg-type]


def plan_of(ratio: str, term: int | None = 12, payment: str = "No Upfront", skus: tuple[Sku, ...] = (BIG,)) -> Offer:
    return Offer("Savings Plan", True, {sku: D(ratio) for sku in skus}, "the bill", term, payment)


def reservation(ratio: str, price: str, sku: Sku = BIG, term: int = 12) -> Offer:
    return Offer("Reservation", False, {sku: D(ratio)}, "the bill", term, "No Upfront", D(price))


def test_steady_use_is_covered_in_full() -> None:
    found = decide(days(56, {BIG: D(10)}), plan_of("0.7"), SETTINGS)
    assert found is not None
    assert found.committed == found.optimum == D(7)
    assert found.coverage_now == 0
    assert found.coverage_after == 1
    assert found.utilisation == 1
    assert found.expected_saving == 3 * D(730)
    # 12 months at 0.7 are saved after 8.4 of them.
    assert found.break_even_month == 9
    # At 10 % less use one unit of money an hour is not used, of 7; 9 were on demand.
    assert [(one.saving, one.regret) for one in found.regrets] == [
        (2 * D(730), D("0.7") * 730),
        (1 * D(730), D("1.4") * 730),
        (0 * D(730), D("2.1") * 730),
    ]


def test_steady_weeks_are_not_taken_to_last_for_ever() -> None:
    careful = replace(SETTINGS, unseen_change_per_year=D("0.1"))
    year, three = (decide(days(56, {BIG: D(10)}), plan_of("0.7", term), careful) for term in (12, 36))
    assert year is not None
    assert three is not None
    assert D(6) < three.committed < year.committed < D(7)


def test_a_reservation_is_bought_in_whole_units() -> None:
    found = decide(days(56, {BIG: D("3.5")}), reservation("0.6", "0.6"), SETTINGS)
    assert found is not None
    assert found.units == 3
    assert found.committed == D("1.8")


def test_falling_use_is_not_bought_for_as_if_it_stayed() -> None:
    falling = [
        Hours(START + timedelta(days=n), 24, {BIG: D(100) * D("0.97") ** (n // 7)}) for n in range(84)
    ]  # fmt: skip
    steady = decide(days(84, {BIG: D(85)}), plan_of("0.7"), SETTINGS)
    found = decide(falling, plan_of("0.7"), SETTINGS)
    assert steady is not None
    assert found is not None
    assert found.committed < steady.committed / 2
    assert found.worst_saving >= 0


def test_the_worst_case_never_costs_more_than_buying_nothing() -> None:
    bursty = [
        Hours(START + timedelta(days=n), 24, {BIG: D(10) if (n // 7) % 3 else D(2)}) for n in range(84)
    ]  # fmt: skip
    for risk in ("0.01", "0.05", "0.3"):
        found = decide(bursty, plan_of("0.6"), replace(SETTINGS, risk=D(risk)))
        assert found is None or found.worst_saving >= 0


def test_what_is_covered_already_falls_away_last() -> None:
    # 90 of 100 are covered: when use falls by 10 %, nothing is left on demand.
    covered = days(56, {BIG: D(10)}, covered={("sp-1", BIG): D(90)})
    found = decide(covered, plan_of("0.7"), SETTINGS)
    assert found is not None
    assert found.coverage_now == D("0.9")
    assert found.regrets[0].saving == -7 * D(730)


def test_no_more_is_covered_than_the_settings_allow() -> None:
    hours = [Hours(START + timedelta(hours=n), 1, {BIG: D(1 + n % 24)}) for n in range(24 * 56)]
    found = decide(hours, plan_of("0.3"), replace(SETTINGS, maximum_coverage=D("0.5")))
    assert found is not None
    assert found.committed < found.optimum
    assert found.coverage_after <= D("0.5")


def test_no_usage_is_covered_by_two_programmes() -> None:
    pool = Pool(
        "aws",
        "AWS",
        "1",
        "USD",
        days(56, {BIG: D(10), SMALL: D(5)}),
        offers=(plan_of("0.7", skus=(BIG, SMALL)), plan_of("0.6", 36, skus=(BIG, SMALL)), reservation("0.5", "0.5")),
    )
    found = plan(pool, SETTINGS)
    # The reservation has the largest discount and takes the big ones; the savings plan gets the small ones alone.
    assert [(one.chosen.offer.type, one.chosen.committed) for one in found.programmes] == [
        ("Reservation", D(5)),
        ("Savings Plan", D(3)),
    ]
    assert [one.offer.term_months for one in found.programmes[1].others] == [12]
    saved = sum((one.chosen.expected_saving for one in found.programmes), D(0))
    assert saved == (D(15) - D(8)) * 730


def test_what_is_unused_now_is_used_before_more_is_bought() -> None:
    mine = Commitment("sp-1", "Savings Plan", True, {BIG: D("0.5")}, D(4), D(3), 12, "No Upfront", date(2027, 1, 1))
    hours = days(56, {BIG: D(10)}, covered={("sp-1", BIG): D(6)}, unused={"sp-1": D(1)})
    found = plan(Pool("aws", "AWS", "1", "USD", hours, (mine,), (plan_of("0.7"),)), SETTINGS)
    assert found.unused[0].recoverable == (D(2),) * 56
    assert found.programmes[0].chosen.committed == D("5.6")
    assert mine.utilisation == D("0.75")


def test_short_history_and_terms_left_out_are_said() -> None:
    pool = Pool("aws", "AWS", "1", "USD", days(10, {BIG: D(10)}), offers=(plan_of("0.7"),))
    assert plan(pool, SETTINGS).programmes == ()
    assert "less than 28 days" in plan(pool, SETTINGS).refused[0][1]
    long = replace(pool, hours=days(56, {BIG: D(10)}))
    assert "settings" in plan(long, replace(SETTINGS, terms_months=(36,))).refused[0][1]


def test_a_ladder_adds_up_and_saves_less_with_every_step() -> None:
    hours = [Hours(START + timedelta(hours=n), 1, {BIG: D(5 + n % 24)}) for n in range(24 * 56)]
    found = decide(hours, plan_of("0.6"), SETTINGS)
    assert found is not None
    steps = ladder(found, date(2026, 10, 1), SETTINGS)
    assert sum(one.committed for one in steps) == found.committed
    assert [one.day for one in steps] == [date(2026, 10, 1), date(2026, 10, 31), date(2026, 11, 30), date(2026, 12, 30)]
    assert steps[0].ends == date(2027, 10, 1)
    savings = [one.monthly_saving for one in steps]
    assert savings == sorted(savings, reverse=True)
    assert forgone(steps, SETTINGS) > 0


def test_a_month_without_that_day_ends_with_its_last() -> None:
    assert months_later(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert months_later(date(2026, 12, 1), 36) == date(2029, 12, 1)
    assert months_later(date(2026, 12, 1), None) is None
