"""Savings on AI models: each kind against numbers worked out by hand, and what holds for all of them."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal

import pytest

from ml.savings.ai import recommend
from ml.savings.inputs import Candidate, KeyUse, window_of
from ml.savings.prices import canonical
from ml.savings.prompt_reuse import PromptLog, Reuse
from ml.savings.recommendation import Owner, Window, estimate
from ml.savings.settings import Rule, SavingsSettings
from tests.support.ai_traffic import FIRST, WINDOW, every_day, found, inputs, monthly, price, usage
from tests.support.savings import ranked

D = Decimal
LARGE = price("gpt-large", uncached_input_tokens="2", cache_read_tokens="0.2", output_tokens="10")
SMALL = price("gpt-small", uncached_input_tokens="0.5", cache_read_tokens="0.05", output_tokens="2")
CANDIDATES = {("openai", "gpt-large"): (Candidate("openai", "gpt-small"),)}
# A million read and 100,000 written: 2 + 1 dollars, and 0.5 + 0.2 on the small model.
DAY = {"request_count": 1000, "uncached_input_tokens": 1_000_000, "output_tokens": 100_000}


def test_an_average_month_has_a_twelfth_of_the_year() -> None:
    assert monthly("84") == D("91.25")  # 84 in 28 days, 3 a day, 365 / 12 days


def test_substitution_prices_the_same_tokens() -> None:
    (one,) = found(inputs(every_day("3", **DAY), prices=LARGE + SMALL, candidates=CANDIDATES), "model_substitution")
    assert one.proposed == "gpt-small at openai"
    assert one.estimate.cost == monthly("84") == D("91.25")
    assert one.estimate.saving == monthly(str(28 * D("2.3"))) == D("69.9583333333")
    assert (one.estimate.low, one.estimate.high) == (one.estimate.saving, one.estimate.saving)
    assert one.one_off_cost == D("0.7")
    assert (one.owner.team, one.group_rank, one.counts) == ("Search", 1, True)
    assert len(one.estimate.series) == 4
    assert one.estimate.series[0] == (FIRST, D(21), D("16.1"))


def test_a_discount_makes_the_saving_smaller_as_it_does_the_cost() -> None:
    """What is paid is what the mart says, not what the list says: here half of it, and of that 90 % after a credit."""
    of = inputs(every_day("1.5", **DAY), prices=LARGE + SMALL, candidates=CANDIDATES, paid={"openai": D("0.9")})
    (one,) = found(of, "model_substitution")
    assert one.estimate.cost == monthly(str(28 * D("1.35")))
    assert one.estimate.saving == monthly(str(28 * (D("1.35") - D("1.35") * D("0.7") / 3)))


def test_a_candidate_without_a_price_of_something_used_is_not_proposed() -> None:
    lacking = price("gpt-small", uncached_input_tokens="0.5")
    assert not found(inputs(every_day("3", **DAY), prices=LARGE + lacking, candidates=CANDIDATES), "model_substitution")


def test_a_candidate_that_does_not_cache_reads_everything_anew() -> None:
    cached = {"request_count": 10, "cache_read_tokens": 1_000_000}
    plain = price("gpt-small", uncached_input_tokens="0.5")
    assert not found(
        inputs(every_day("0.2", **cached), prices=LARGE + plain, candidates=CANDIDATES), "model_substitution"
    )


def test_another_vendor_may_count_a_fifth_more_tokens() -> None:
    claude = price("claude-x", provider="anthropic", uncached_input_tokens="0.5", output_tokens="2")
    of = inputs(
        every_day("3", **DAY),
        prices=LARGE + claude,
        candidates={("openai", "gpt-large"): (Candidate("anthropic", "claude-x"),)},
    )
    (one,) = found(of, "model_substitution")
    # 3 less 0.7 is saved; of it 3 less 0.84 at least.
    assert one.estimate.saving == D("69.9583333333")
    assert abs(one.estimate.low - monthly(str(28 * D("2.16")))) < D("0.000001")
    assert (one.confidence, one.risk) == ("low", "high")


def test_the_same_model_elsewhere_is_a_comparison_of_providers() -> None:
    name = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert canonical(name) == canonical("claude-sonnet-4-5") == canonical("claude-sonnet-4-5-20250929")
    of = inputs(
        every_day("3", provider="anthropic", model="claude-sonnet-4-5", **DAY),
        prices=price("claude-sonnet-4-5", provider="anthropic", uncached_input_tokens="2", output_tokens="10")
        + price(name, provider="aws", uncached_input_tokens="1", output_tokens="10"),
        candidates={("anthropic", "claude-sonnet-4-5"): (Candidate("aws", name),)},
    )
    (one,) = found(of, "provider_comparison")
    assert one.estimate.saving == monthly("28")
    assert one.confidence == "high"


def test_a_smaller_class_is_proposed_for_answers_of_a_word_only() -> None:
    smaller = {("openai", "gpt-large"): (Candidate("openai", "gpt-small", is_smaller=True),)}
    long = inputs(every_day("3", **DAY), prices=LARGE + SMALL, candidates=smaller)
    short = inputs(every_day("3", **(DAY | {"request_count": 10_000})), prices=LARGE + SMALL, candidates=smaller)
    assert not found(long, "model_substitution")
    assert [one.confidence for one in found(short, "model_substitution")] == ["low"]


def hours_of(day_hours: dict[int, dict[str, int]], cost: str) -> list[dict[str, object]]:
    return [row for hour, counts in day_hours.items() for row in every_day(cost, hour=hour, **counts)]


def test_caching_counts_reads_and_the_surcharge_of_writes() -> None:
    """This key's better hours have 60 % from the cache; 1,200 requests an hour keep it alive."""
    rich = {"request_count": 1200, "uncached_input_tokens": 1_600_000, "cache_read_tokens": 2_400_000}
    poor = {"request_count": 1200, "uncached_input_tokens": 4_000_000}
    prices = [*LARGE, *price("gpt-large", cache_write_5m_tokens="2.5")]
    day = {"request_count": 2400, "uncached_input_tokens": 5_600_000, "cache_read_tokens": 2_400_000}
    (one,) = found(inputs(every_day("11.68", **day), hours_of({8: rich, 9: poor}, "0"), prices), "prompt_caching")
    # In the poor hour 60 % of 4 million are read for 0.2 instead of 2 dollars a million: 2.4 x 1.8 = 4.32 a day; exp(-100) is written.
    assert abs(one.estimate.saving - monthly(str(28 * D("4.32")))) < D("0.000001")
    assert one.confidence == "high"
    assert one.evidence["reusable_share"] == "0.6"


def test_caching_saves_nothing_where_the_cache_runs_out_before_the_next_request() -> None:
    """One request an hour: nearly all would be written at a surcharge, and not read in time."""
    rare = {"request_count": 1, "uncached_input_tokens": 40_000}
    prices = [*LARGE, *price("gpt-large", cache_write_5m_tokens="2.5")]
    assert not found(inputs(every_day("0.08", **rare), hours_of({8: rare}, "0.08"), prices), "prompt_caching")


def test_prompts_too_short_to_be_cached_get_no_cache() -> None:
    short = {"request_count": 4000, "uncached_input_tokens": 4_000_000}  # 1,000 tokens, of which 30 % repeat
    long = {"request_count": 1000, "uncached_input_tokens": 4_000_000}
    assert not found(inputs(every_day("8", **short), hours_of({8: short}, "8"), LARGE), "prompt_caching")
    (one,) = found(inputs(every_day("8", **long), hours_of({8: long}, "8"), LARGE), "prompt_caching")
    assert (one.confidence, one.estimate.low) == ("low", D(0))
    # 30 %, the setting, of 4 million for 0.2 instead of 2.
    assert abs(one.estimate.saving - monthly(str(28 * D("2.16")))) < D("0.000001")


def test_what_is_written_again_and_again_could_be_read() -> None:
    day = {"uncached_input_tokens": 50_000, "cache_write_5m_tokens": 950_000}
    prices = [*LARGE, *price("gpt-large", cache_write_5m_tokens="2.5")]
    (one,) = found(inputs(every_day("2.475", **day), hours_of({8: day}, "2.475"), prices), "prompt_caching")
    # Requests are not counted: nine tenths of the 95 % are read, a tenth is written: 0.855 x 0.2 + 0.095 x 2.5 + 0.05 x 2.
    assert one.estimate.saving == monthly(str(28 * (D("2.475") - D("0.171") - D("0.2375") - D("0.1"))))
    assert (one.confidence, one.estimate.low) == ("medium", one.estimate.saving / 2 // D("1e-10") * D("1e-10"))


def test_a_log_of_prompts_gives_the_shares_and_the_usage_the_money() -> None:
    reuse = Reuse(
        requests=100, blocks=10, input_tokens=1000, reused_tokens=600, written_tokens=400, identical_requests=20
    )
    log = PromptLog("log.jsonl", "openai", "gpt-large", None, (("cache_write_5m_tokens", reuse),))
    prices = [*LARGE, *price("gpt-large", cache_write_5m_tokens="2.5")]
    of = inputs(every_day("3", **DAY), prices=prices, prompt_logs=(log,))
    (one,) = found(of, "prompt_caching")
    # 600,000 for 0.2 instead of 2, 400,000 for 2.5 instead of 2: 1.08 less 0.2.
    assert one.estimate.saving == monthly(str(28 * D("0.88")))
    (other,) = found(of, "request_caching")
    assert other.estimate.saving == monthly(str(28 * D("0.6")))
    assert one.exclusive_group == other.exclusive_group
    assert [one.counts for one in ranked(recommend(of))].count(True) == 1


def test_batch_takes_the_hours_of_a_job() -> None:
    night = {"request_count": 100, "uncached_input_tokens": 1_000_000}
    prices = LARGE + price("gpt-large", "batch", uncached_input_tokens="1")
    of = inputs(
        every_day("4", request_count=200, uncached_input_tokens=2_000_000), hours_of({2: night, 3: night}, "2"), prices
    )
    (one,) = found(of, "batch")
    assert (one.estimate.cost, one.estimate.saving) == (monthly("112"), monthly("56"))
    assert one.confidence == "medium"


def test_batch_leaves_people_alone() -> None:
    """Traffic over the whole day, of which the night is a small part, waits for answers."""
    hour = {"request_count": 100, "uncached_input_tokens": 1_000_000}
    prices = LARGE + price("gpt-large", "batch", uncached_input_tokens="1")
    of = inputs(every_day("48"), hours_of(dict.fromkeys(range(24), hour), "2"), prices)
    assert not found(of, "batch")


def test_a_burst_is_a_job_too() -> None:
    quiet = {"request_count": 1, "uncached_input_tokens": 10_000}
    burst = {"request_count": 500, "uncached_input_tokens": 5_000_000}
    prices = LARGE + price("gpt-large", "batch", uncached_input_tokens="1")
    of = inputs(
        every_day("10.06"), [*hours_of({9: quiet, 10: quiet, 11: quiet}, "0.02"), *hours_of({14: burst}, "10")], prices
    )
    (one,) = found(of, "batch")
    assert (one.estimate.cost, one.estimate.saving) == (monthly("280"), monthly("140"))


def test_a_dearer_context_window_is_priced_as_the_cheaper_one() -> None:
    model = {
        "provider": "anthropic",
        "model": "claude",
        "context_window": "200k-1M",
        "uncached_input_tokens": 1_000_000,
    }
    prices = price("claude", provider="anthropic", window="0-200k", uncached_input_tokens="3") + price(
        "claude", provider="anthropic", window="200k-1M", uncached_input_tokens="6"
    )
    (one,) = found(inputs(every_day("6", **model), prices=prices), "context_window")
    assert one.estimate.saving == monthly("84")
    assert one.estimate.low == D("42") * 365 / 12 / 28 // D("1e-10") * D("1e-10")


def test_context_beyond_twice_the_usual_is_oversized() -> None:
    usual = {"request_count": 10, "uncached_input_tokens": 10_000}
    large = {"request_count": 10, "uncached_input_tokens": 100_000}
    of = inputs(every_day("0.24"), hours_of({8: usual, 9: usual, 10: large}, "0.2"), LARGE)
    (one,) = found(of, "oversized_context")
    # 10,000 tokens a request where 1,000 are usual: 80 % of 0.2 dollars are above 2,000.
    assert one.estimate.saving == monthly(str(28 * D("0.16")))


def test_failed_requests_cost_what_they_are_told_to_cost() -> None:
    told = every_day("3", **DAY, failed_request_count=10, failed_cost=D("0.5"))
    (one,) = found(inputs(told), "failed_requests")
    assert (one.estimate.saving, one.confidence) == (monthly("14"), "high")
    counted = every_day("3", **DAY, failed_request_count=100)
    (one,) = found(inputs(counted), "failed_requests")
    assert (one.estimate.saving, one.estimate.low, one.confidence) == (monthly("8.4"), D(0), "low")
    assert not found(inputs(every_day("3", **DAY, failed_request_count=19)), "failed_requests")


def test_idle_keys_cost_nothing_and_are_said() -> None:
    uses = (
        KeyUse("openai", "proj_1", "key_old", Owner("Search"), WINDOW.last - timedelta(days=30)),
        KeyUse("openai", "proj_1", "key_new", Owner("Search"), WINDOW.last - timedelta(days=29)),
    )
    (one,) = found(inputs([], keys=uses, settings=SavingsSettings()), "idle_key")
    assert (one.resource_id, one.estimate.cost, one.estimate.saving, one.owner.team) == (
        "key_old",
        D(0),
        D(0),
        "Search",
    )


def test_a_rule_takes_its_share_of_the_days_on_which_it_holds() -> None:
    rule = Rule("dear", "requests_per_day > 1000", D(40), "Use less.")
    held = frozenset({(FIRST + timedelta(days=n), "openai", "proj_1", "key_1") for n in range(7)})
    other = every_day("1", api_key_id="key_2", **DAY)
    of = inputs(
        [*every_day("3", **DAY), *other], settings=SavingsSettings(custom_rules=(rule,)), rule_days={"dear": held}
    )
    (one,) = found(of, "custom_rule")
    assert (one.estimate.cost, one.estimate.saving) == (monthly("21"), monthly("8.4"))
    # It held in one week of four only.
    assert one.estimate.low == 0
    assert one.change == "Use less."


def test_no_dollar_is_saved_twice_and_none_that_is_not_paid() -> None:
    """Every kind at once over the same traffic: one of each group counts, and all together save less than is paid."""
    night = {"request_count": 100, "uncached_input_tokens": 1_000_000, "output_tokens": 100_000}
    day = {
        "request_count": 200,
        "failed_request_count": 50,
        "uncached_input_tokens": 2_000_000,
        "output_tokens": 200_000,
    }
    rows = [row for number in range(5) for row in every_day("6", api_key_id=f"key_{number}", **day)]
    hours = [
        {**row, "api_key_id": f"key_{number}"} for number in range(5) for row in hours_of({2: night, 3: night}, "3")
    ]
    prices = LARGE + SMALL + price("gpt-large", "batch", uncached_input_tokens="1", output_tokens="5")
    rules = (Rule("all", "cost_per_day > 0", D(100)), Rule("half", "cost_per_day > 0", D(50)))
    days = frozenset(
        (FIRST + timedelta(days=n), "openai", "proj_1", f"key_{number}") for n in range(28) for number in range(5)
    )
    of = inputs(
        rows,
        hours,
        prices,
        SavingsSettings(custom_rules=rules),
        candidates=CANDIDATES,
        rule_days={"all": days, "half": days},
    )
    everything = ranked(recommend(of))
    assert {one.kind for one in everything} == {
        "model_substitution",
        "batch",
        "failed_requests",
        "custom_rule",
        "prompt_caching",
    }
    paid = WINDOW.monthly(sum((traffic.cost for traffic in of.traffics), D(0)), 28)
    counted = [one for one in everything if one.counts]
    assert len(counted) == len({one.exclusive_group for one in everything}) == 5
    assert sum(one.estimate.saving for one in counted) <= paid < sum(one.estimate.saving for one in everything)
    for one in everything:
        assert 0 <= one.estimate.low <= one.estimate.saving <= one.estimate.high <= one.estimate.cost
        assert one.reason
        assert one.confidence_reason
        assert one.evidence["rests_on"]
    assert [one.overall_rank for one in everything] == list(range(1, len(everything) + 1))
    assert everything == ranked(recommend(of))


def test_a_band_is_that_of_the_weakest_and_the_strongest_week() -> None:
    days = [WINDOW.first + timedelta(days=n) for n in range(28)]
    cost = dict.fromkeys(days, D(10))
    saving = {day: D(1 + number // 7) for number, day in enumerate(days)}  # 7, 14, 21, 28 by week
    one = estimate(WINDOW, cost, saving)
    assert (one.saving, one.low, one.high) == (monthly("70"), WINDOW.monthly(D(7), 7), WINDOW.monthly(D(28), 7))
    cheap = estimate(WINDOW, dict.fromkeys(days, D("2.5")), saving)
    assert cheap.high == cheap.cost == cheap.saving


def test_the_newest_day_may_still_be_filling() -> None:
    assert window_of(date(2026, 10, 31), date(2026, 1, 1), 28) == Window(date(2026, 10, 3), date(2026, 10, 30))
    assert window_of(date(2026, 10, 2), date(2026, 10, 1), 28) == Window(date(2026, 10, 1), date(2026, 10, 1))
    assert window_of(date(2026, 10, 1), date(2026, 10, 1), 28).days == 1


def test_little_history_is_less_sure() -> None:
    window = Window(FIRST, FIRST + timedelta(days=6))
    of = inputs(every_day("3", **DAY), prices=LARGE + SMALL, candidates=CANDIDATES, window=window)
    assert [one.confidence for one in found(of, "model_substitution")] == ["low"]


def test_what_has_no_price_is_left_out_and_floats_are_refused() -> None:
    assert inputs([usage(None, **DAY)]).traffics == ()
    with pytest.raises(TypeError, match=r"the float 0\.5"):
        inputs([usage("1", uncached_input_tokens=0.5)])


def test_the_least_saving_worth_saying_is_a_setting() -> None:
    of = inputs(
        every_day("3", **DAY),
        prices=LARGE + SMALL,
        candidates=CANDIDATES,
        settings=SavingsSettings(minimum_monthly_saving=D(70)),
    )
    assert not recommend(of)


def test_frames_may_come_in_any_order() -> None:
    rows = every_day("3", **DAY) + every_day("1", api_key_id="key_2", **DAY)
    of = inputs(rows, prices=LARGE + SMALL, candidates=CANDIDATES)
    turned = inputs(rows[::-1], prices=(LARGE + SMALL)[::-1], candidates=CANDIDATES)
    assert recommend(of) == recommend(turned)
