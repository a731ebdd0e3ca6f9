"""Commitments on any usage: what is unused now and what is bought never rest on the same usage, nor save what is not paid."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, localcontext

from hypothesis import given, settings
from hypothesis import strategies as st

from ml.savings.commitments.advice import advice
from ml.savings.commitments.programmes import Plan, plan
from ml.savings.commitments.usage import Commitment, CommitmentSettings, Hours, Offer, Pool, Sku
from ml.savings.portfolio import portfolio
from ml.savings.recommendation import Estimate, Recommendation, Window
from tests.support.savings import saving

D = Decimal
SKUS = [Sku(name, "eu") for name in ("big", "small", "other")]
START = datetime(2026, 8, 1, tzinfo=UTC)
DAYS = 28
WINDOW = Window(date(2026, 8, 1), date(2026, 8, 28))
SETTINGS = CommitmentSettings(unseen_change_per_year=D(0))
ratios = st.dictionaries(
    st.sampled_from(SKUS), st.integers(30, 95).map(lambda share: D(share) / 100), min_size=1, max_size=3
)


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    """Use that differs by weekday, commitments that are not used in full, and offers of both kinds."""
    week = [{sku: D(draw(st.integers(0, 12))) for sku in SKUS} for _ in range(7)]
    commitments = tuple(
        Commitment(f"c-{number}", "Savings Plan", True, draw(ratios), D(4), D(3), 12, "No Upfront", date(2027, 1, 1))
        for number in range(draw(st.integers(0, 2)))
    )
    unused = [{one.commitment_id: D(draw(st.integers(0, 5))) for one in commitments} for _ in range(7)]
    plans = [Offer("Savings Plan", True, draw(ratios), "the bill", term, "No Upfront") for term in (12, 36)]
    single = [
        Offer("Reservation", False, {sku: D(draw(st.integers(30, 95))) / 100}, "the bill", 12, "No Upfront", D("0.5"))
        for sku in draw(st.sets(st.sampled_from(SKUS)))
    ]
    hours = tuple(Hours(START + timedelta(days=day), 24, week[day % 7], {}, unused[day % 7]) for day in range(DAYS))
    return Pool("aws", "AWS", "1", "USD", hours, commitments, (*plans, *single))


def on_demand(pool: Pool) -> Decimal:
    return sum((one.count * cost for one in pool.hours for cost in one.uncovered.values()), D(0))


def taken(found: Plan) -> list[Decimal]:
    """In each hour what unused commitments and new ones cover, at prices on demand."""
    return [
        sum((one.recoverable[number] for one in found.unused), D(0))
        + sum((one.chosen.open[number].slot.covered(one.chosen.committed) for one in found.programmes), D(0))
        for number in range(DAYS)
    ]


@settings(deadline=None, max_examples=60)
@given(pools())
def test_no_hour_is_covered_twice(pool: Pool) -> None:
    with localcontext(prec=60):
        for covered, hour in zip(taken(plan(pool, SETTINGS)), pool.hours, strict=True):
            assert covered <= sum(hour.uncovered.values(), D(0)) + D("1e-20")


@settings(deadline=None, max_examples=60)
@given(pools(), st.integers(0, 100))
def test_all_that_counts_saves_no_more_than_is_paid(pool: Pool, removed: int) -> None:
    """Right-sizing takes a share of all use first, commitments are for the rest: the total is at most what use on demand costs."""
    share = D(removed) / 100
    paid = WINDOW.monthly(on_demand(pool), DAYS)
    resize: Recommendation = saving(
        "size", acts_on=(("i-1", paid),), estimate=Estimate(paid, paid * share, paid * share, paid * share, ())
    )

    def commitments(chosen: object) -> tuple[Recommendation, ...]:
        left = [
            replace(one, uncovered={sku: cost * (1 - share) for sku, cost in one.uncovered.items()})
            for one in pool.hours
        ]
        return advice(plan(replace(pool, hours=tuple(left)), SETTINGS), WINDOW, SETTINGS)

    result = portfolio([resize], commitments)
    counted = [one for one in result.recommendations if one.counted_saving is not None]
    assert all(one.effective_from is None for one in counted)
    assert sum(result.totals.values(), D(0)) <= paid + D("1e-6")
    for one in counted:
        assert one.counted_saving <= one.estimate.cost  # type: ignore[operator]
