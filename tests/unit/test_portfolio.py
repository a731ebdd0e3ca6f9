"""The portfolio: no euro twice, none that is not paid, groups and resources respected, and the best set where it is small."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from itertools import combinations
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ml.savings.independent_set import best_set
from ml.savings.portfolio import Portfolio, State, portfolio, pots
from ml.savings.recommendation import Estimate, Recommendation
from tests.support.savings import saving

D = Decimal


def advice(name: str, saved: str, resources: dict[str, str], **fields: Any) -> Recommendation:
    """Advice on resources with their monthly costs, in a group of its own unless it is given."""
    cost = sum((D(cost) for cost in resources.values()), D(0))
    amount = D(saved)
    values: dict[str, Any] = {
        "kind": "right_sizing",
        "proposed": name,
        "estimate": Estimate(cost, amount, amount, amount, ()),
        "acts_on": tuple((resource, D(cost)) for resource, cost in resources.items()),
        **fields,
    }
    return saving(values.pop("exclusive_group", name), **values)


def of(*found: Recommendation, bought: Sequence[Recommendation] = (), **states: State) -> Portfolio:
    by_name = {one.proposed: one.recommendation_id for one in (*found, *bought)}
    return portfolio(found, lambda _: bought, {by_name[name]: state for name, state in states.items()})


def counting(result: Portfolio) -> list[str]:
    return [one.proposed for one in result.recommendations if one.counts]


DELETE = advice("delete", "100", {"i-1": "100"}, kind="idle_resource")
RESIZE = advice("resize", "50", {"i-1": "100"})
SCHEDULE = advice("schedule", "130", {"i-1": "100", "i-2": "100"}, kind="schedule")
RESIZE_OTHER = advice("resize other", "60", {"i-2": "100"})


def test_what_acts_on_the_same_resource_excludes_each_other() -> None:
    result = of(RESIZE, SCHEDULE, DELETE, RESIZE_OTHER)
    assert counting(result) == ["delete", "resize other"]
    assert result.totals == result.bounds == {"USD": D(160)}
    assert counting(of(RESIZE, SCHEDULE, RESIZE_OTHER)) == ["schedule"]  # 130 is more than 110


def test_a_guess_takes_no_place_of_what_is_known() -> None:
    guess = advice("guess", "90", {"i-1": "100"}, confidence="low")
    assert counting(of(guess, RESIZE)) == ["resize"]
    assert counting(of(guess, RESIZE_OTHER)) == ["resize other", "guess"]


def test_what_saves_later_is_said_and_takes_no_place_today() -> None:
    covered = advice("covered", "90", {"i-1": "100"}, effective_from=date(2027, 3, 1))
    result = of(covered, RESIZE)
    assert counting(result) == ["resize"]
    assert [one.proposed for one in result.recommendations] == ["resize", "covered"]


def test_what_people_decided_comes_first() -> None:
    assert counting(of(DELETE, RESIZE, resize="accepted")) == ["resize"]
    assert counting(of(DELETE, RESIZE, delete="dismissed")) == ["resize"]
    # It still rests on days before the change: what else could be saved there is not known yet.
    assert counting(of(DELETE, RESIZE, RESIZE_OTHER, resize="done")) == ["resize other"]


def test_commitments_are_for_what_is_left_and_never_save_it_again() -> None:
    asked: list[list[str]] = []

    def commitments(chosen: Sequence[Recommendation]) -> list[Recommendation]:
        asked.append([one.proposed for one in chosen])
        return [
            advice("one year", "30", {"i-1": "50", "i-2": "100"}, kind="commitment", exclusive_group="plan"),
            advice("three years", "40", {"i-1": "50", "i-2": "100"}, kind="commitment", exclusive_group="plan"),
        ]

    result = portfolio([RESIZE], commitments)
    assert asked == [["resize"]]
    assert counting(result) == ["resize", "three years"]
    assert result.totals == {"USD": D(90)}
    # One that was worked out for the whole cost of an instance that is deleted counts for what is left only.
    careless = advice("careless", "30", {"i-1": "100"}, kind="commitment")
    result = of(DELETE, bought=[careless])
    assert result.totals == {"USD": D(100)}


def test_currencies_are_not_added() -> None:
    euros = advice("euros", "7", {"vm-1": "9"}, currency="EUR")
    assert of(RESIZE, euros).totals == {"USD": D(50), "EUR": D(7)}


def test_in_a_group_what_counts_is_first_and_what_is_found_twice_is_once() -> None:
    one, other = (
        advice(name, saved, {"i-1": "100"}, exclusive_group="i-1") for name, saved in (("a", "5"), ("b", "9"))
    )
    result = of(one, other, one)
    assert [(found.proposed, found.group_rank, found.overall_rank) for found in result.recommendations] == [
        ("b", 1, 1),
        ("a", 2, 2),
    ]


@st.composite
def candidates(draw: st.DrawFn) -> list[Recommendation]:
    """Advice with one to three of a few resources, each of which costs the same to all."""
    costs = {f"r{number}": draw(st.integers(0, 20)) for number in range(draw(st.integers(1, 6)))}
    found = []
    for number in range(draw(st.integers(0, 9))):
        on = draw(st.sets(st.sampled_from(sorted(costs)), max_size=3))
        cost = sum(costs[resource] for resource in on) if on else 20
        found.append(
            advice(
                f"a{number}",
                str(draw(st.integers(0, cost))),
                {resource: str(costs[resource]) for resource in sorted(on)},
                exclusive_group=f"g{draw(st.integers(0, 6))}",
                kind=draw(st.sampled_from(["right_sizing", "right_sizing", "commitment"])),
                confidence=draw(st.sampled_from(["low", "high", "high"])),
            )
        )
        if not on:
            found[-1] = advice(f"a{number}", "5", {}, estimate=Estimate(D(20), D(5), D(5), D(5), ()))
    return found


@given(candidates(), st.randoms(use_true_random=False))
def test_no_euro_is_saved_twice_and_none_that_is_not_paid(found: list[Recommendation], random: Random) -> None:
    """Whatever is found, and in whatever order: together they save no more than what their resources cost."""
    result = _split(found)
    counted = [one for one in result.recommendations if one.counts]
    assert len(result.recommendations) == len(found)
    for kind in (True, False):  # commitments are worked out for what others leave
        taken = [pots(one) for one in counted if one.is_commitment == kind]
        assert sum(map(len, taken)) == len(frozenset[Any]().union(*taken))
    for one in counted:
        assert one.counted_saving is not None
        assert 0 <= one.counted_saving <= one.estimate.saving <= one.estimate.cost
        assert one.is_commitment or one.counted_saving == one.estimate.saving
    costs = {resource: cost for one in counted for resource, cost in one.acts_on}
    unnamed = sum((one.estimate.cost for one in counted if not one.acts_on), D(0))
    assert sum(result.totals.values()) <= sum(costs.values()) + unnamed
    assert sum(result.totals.values()) <= sum(result.bounds.values())
    random.shuffle(found)
    assert _split(found) == result


def _split(found: list[Recommendation]) -> Portfolio:
    return portfolio(
        [one for one in found if not one.is_commitment], lambda _: [one for one in found if one.is_commitment]
    )


sets = st.dictionaries(
    st.text("abcdefghijklm", min_size=1, max_size=1),
    st.tuples(st.integers(0, 9), st.sets(st.integers(0, 7), max_size=3)),
)


@given(sets)
def test_a_small_set_is_the_best_of_all(items: dict[str, tuple[int, set[int]]]) -> None:
    weights = {item: weight for item, (weight, _) in items.items()}
    cliques = {item: own for item, (_, own) in items.items()}
    best = best_set(weights, cliques)
    sums = [
        sum(weights[item] for item in chosen)
        for size in range(len(items) + 1)
        for chosen in combinations(items, size)
        if not any(cliques[one] & cliques[other] for one, other in combinations(chosen, 2))
    ]
    assert best.weight == best.bound == max(sums) == sum(weights[item] for item in best.chosen)
    assert not any(cliques[one] & cliques[other] for one, other in combinations(best.chosen, 2))


@given(sets)
def test_a_search_that_has_to_stop_says_how_much_more_there_could_be(items: dict[str, tuple[int, set[int]]]) -> None:
    weights = {item: weight for item, (weight, _) in items.items()}
    cliques = {item: own for item, (_, own) in items.items()}
    best, stopped = best_set(weights, cliques), best_set(weights, cliques, steps=1)
    assert stopped.weight <= best.weight <= stopped.bound
    assert not any(cliques[one] & cliques[other] for one, other in combinations(stopped.chosen, 2))


def test_thousands_of_resources_in_one_part_are_searched_to_a_bound() -> None:
    """A schedule over all of them, and chains of advice on neighbours: within a few per cent of the bound, if not the best."""
    random = Random(7)
    weights: dict[str, int] = {"all": 90_000}
    cliques: dict[str, set[int]] = defaultdict(set, all=set(range(3000)))
    for number in range(3000):
        weights[f"one {number}"], cliques[f"one {number}"] = random.randint(1, 100), {number}
        weights[f"two {number}"], cliques[f"two {number}"] = random.randint(1, 200), {number, number + 1}
    best = best_set(weights, cliques)
    assert best.bound * 95 // 100 <= best.weight <= best.bound
    assert best.weight > weights["all"]
