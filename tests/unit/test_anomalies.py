"""Incidents in daily series that were made for it: what is told, when, for how much, and what is not."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from ml.anomalies.detection import Event, detect
from ml.anomalies.drivers import BEFORE_DAYS, LEVELS, Part, drivers, is_growth
from ml.anomalies.feedback import Feedback, bars, unexpected
from ml.anomalies.incident import incident_of
from ml.anomalies.incidents import one_each
from ml.anomalies.panel import Day, Panel, panel_of
from ml.anomalies.settings import METHODS, Method, Settings
from ml.series import Key

FIRST, DAYS = date(2026, 1, 5), 150
TOTAL = Key("total", "all", "USD")
LEAF = Key("account_service", "1 / EC2", "USD")


def usual(seed: int, level: float = 1000.0, days: int = DAYS) -> np.ndarray:
    """Costs with weekends at six tenths and four per cent of noise."""
    noise = np.random.default_rng(seed).normal(1.0, 0.04, days)
    weekend = np.where(np.arange(days) % 7 >= 5, 0.6, 1.0)
    return level * noise * weekend


def rows(values: np.ndarray) -> list[Day]:
    return [
        (FIRST + timedelta(days=number), Decimal(repr(round(float(value), 6))), True)
        for number, value in enumerate(values)
        if not np.isnan(value)
    ]


def panel(**series: np.ndarray) -> Panel:
    return panel_of({Key("service", name, "USD"): rows(values) for name, values in series.items()})


def events(values: np.ndarray, method: Method = "combined") -> list[Event]:
    """Of one series, beside others that are as usual."""
    others = {f"other {seed}": usual(seed) for seed in range(4)}
    found = detect(panel(**others, x=values), Settings(method=method))
    return [event for event in found if event.row == len(others)]


@pytest.mark.parametrize("method", METHODS)
def test_a_spike_is_told_on_its_day_and_for_its_amount(method: Method) -> None:
    values = usual(11)
    values[100] += 1500.0
    (found,) = events(values, method)
    assert (found.start, found.noticed, found.end) == (100, 100, 100)
    assert values[100] - found.expected[0] == pytest.approx(1500.0, abs=150.0)


@pytest.mark.parametrize("method", METHODS)
def test_series_without_incidents_are_quiet(method: Method) -> None:
    quiet = {f"s{seed}": usual(100 + seed, level) for seed, level in enumerate([50, 500, 5000] * 10)}
    found = detect(panel(**quiet), Settings(method=method))
    # 30 series over 5 months. By itself, `ml` sees less of what is usual for one series.
    assert len(found) <= (8 if method == "ml" else 2)


def test_a_new_level_is_one_incident_and_then_usual() -> None:
    values = usual(12)
    values[90:] *= 1.6
    (found,) = events(values)
    assert (found.start, found.is_new_level) == (90, True)
    assert found.last >= found.start + Settings().new_level_days - 3


def test_a_leak_is_told_before_it_has_grown_by_half() -> None:
    values = usual(13)
    values[70:] *= 1.0 + 0.006 * np.arange(DAYS - 70)
    found = events(values)
    assert len(found) >= 1
    assert found[0].noticed <= 70 + 0.5 / 0.006


def test_a_leak_is_told_once_and_a_spike_beside_it_by_itself() -> None:
    values = usual(13, days=210)
    values[140:] += 8.0 * np.arange(70)
    values[195] += 1500.0
    whole = panel(**{f"other {seed}": usual(seed, days=210) for seed in range(4)}, x=values)
    found = [event for event in one_each(whole, detect(whole, Settings()), {}) if event.noticed >= 140]
    assert [event.is_slow for event in found].count(True) == 1
    (slow,) = [event for event in found if event.is_slow]
    assert slow.noticed <= 140 + 50
    assert 195 in [event.start for event in found if not event.is_slow]
    # What the spike cost is not counted as the leak's too.
    assert slow.expected[195 - slow.start] > 1200.0


def test_growth_of_a_business_is_none() -> None:
    assert events(usual(14) * np.linspace(1.0, 1.35, DAYS)) == []


def test_a_fee_of_the_first_of_each_month_is_none() -> None:
    values = usual(15)
    for number in range(DAYS):
        if (FIRST + timedelta(days=number)).day == 1:
            values[number] += 3000.0
    assert events(values) == []


def test_a_fall_and_a_day_after_it_are_none() -> None:
    values = usual(16)
    values[100] = 0.0
    values[110] = -4000.0
    assert events(values) == []


def test_a_repeated_weekly_rise_is_told_once() -> None:
    values = usual(17)
    values[100::7] += 900.0
    assert [event.start for event in events(values) if event.start >= 100] == [100]


@pytest.mark.parametrize(
    "values",
    [
        np.zeros(DAYS),
        np.full(1, 5.0),
        -usual(18),
        np.where(np.arange(DAYS) % 9 == 0, np.nan, usual(19)),
        np.full(DAYS, 1e-9),
    ],
    ids=["zeros", "a single point", "negative", "gaps", "next to nothing"],
)
def test_odd_series_are_no_incident_and_stop_no_other(values: np.ndarray) -> None:
    spiked = usual(20)
    spiked[100] += 2000.0
    found = detect(panel(a=values, b=spiked), Settings(method="statistical"))
    assert [(event.row, event.start) for event in found] == [(1, 100)]


def test_one_absurd_value_is_one_incident_and_spoils_nothing_after_it() -> None:
    values = usual(21)
    values[80] = 1e12
    values[120] += 1500.0
    assert [(event.start, event.last) for event in events(values)] == [(80, 80), (120, 120)]


def test_duplicates_and_no_amounts_are_refused_by_name_and_stop_no_other() -> None:
    twice = [*rows(usual(1)), (FIRST, Decimal(1), True)]
    no_amount = [(FIRST, Decimal("nan"), True)]
    made = panel_of(
        {Key("team", "a", "USD"): twice, Key("team", "b", "USD"): no_amount, Key("team", "c", "USD"): rows(usual(2))}
    )
    assert made.keys == (Key("team", "c", "USD"),)
    assert "2026-01-05 is there twice" in made.refused[Key("team", "a", "USD")]
    assert "is not an amount" in made.refused[Key("team", "b", "USD")]


def test_a_change_of_currency_is_a_new_series_that_ends_the_old() -> None:
    before, after = usual(22), usual(22)
    before[100:], after[:100] = np.nan, np.nan
    made = panel_of({Key("team", "a", "USD"): rows(before), Key("team", "a", "EUR"): rows(after)})
    assert detect(made, Settings(method="statistical")) == []


def test_an_incomplete_day_is_not_judged() -> None:
    values = usual(23)
    days = rows(values)
    day, _, _ = days[-1]
    days[-1] = (day, Decimal(9_000_000), False)
    made = panel_of({TOTAL: days, LEAF: days})
    assert np.isnan(made.values[:, -1]).all()
    assert detect(made, Settings(method="statistical")) == []


def test_what_is_new_is_an_incident_from_its_first_day_where_it_matters() -> None:
    new = np.full(DAYS, np.nan)
    new[100:] = 300.0
    made = panel_of({TOTAL: rows(usual(24, 9000.0) + np.nan_to_num(new)), LEAF: rows(new)})
    small = panel_of({TOTAL: rows(usual(24, 900_000.0) + np.nan_to_num(new)), LEAF: rows(new)})
    found = detect(made, Settings(method="statistical"))
    assert [(event.row, event.start) for event in found] == [(made.keys.index(LEAF), 100)]
    assert detect(small, Settings(method="statistical")) == []


def test_an_event_on_several_levels_is_told_once_at_the_finest() -> None:
    leaf, other = usual(25), usual(26)
    leaf[100:103] += 2500.0
    keys = {TOTAL: leaf + other, LEAF: leaf, Key("account", "1", "USD"): leaf, Key("account", "2", "USD"): other}
    made = panel_of({key: rows(values) for key, values in keys.items()})
    cells = {TOTAL: {0, 1}, LEAF: {0}, Key("account", "1", "USD"): {0}, Key("account", "2", "USD"): {1}}
    seen = detect(made, Settings(method="statistical"))
    assert len(seen) == 3
    (told,) = one_each(made, seen, cells)
    assert made.keys[told.row] == LEAF


def test_an_event_in_many_parts_is_told_where_they_come_together() -> None:
    parts = {Key("account_service", f"1 / S{number}", "USD"): usual(30 + number) for number in range(4)}
    for values in parts.values():
        values[100:102] += 800.0
    account = Key("account", "1", "USD")
    made = panel_of(
        {**{key: rows(values) for key, values in parts.items()}, account: rows(np.sum(list(parts.values()), axis=0))}
    )
    cells = {key: {number} for number, key in enumerate(parts)} | {account: {0, 1, 2, 3}}
    (told,) = one_each(made, detect(made, Settings(method="statistical")), cells)
    assert made.keys[told.row] == account


def test_amounts_of_an_incident_are_exact() -> None:
    values = usual(27)
    values[100:103] += 2500.0
    days = rows(values)
    made = panel_of({LEAF: days})
    (event,) = detect(made, Settings(method="statistical"))
    found = incident_of(made, event, {day: cost for day, cost, _ in days})
    assert sum(found.actual) == sum(cost for _, cost, _ in days[100:103])
    assert found.impact == sum(found.actual) - sum(found.expected)
    assert (found.started_on, found.ended_on) == (days[100][0], days[102][0])


def part(resource: str, actual: str, before: str, *, is_new: bool = False) -> Part:
    return Part("EC2", "1", resource, "BoxUsage", "team=a", "a", Decimal(actual), Decimal(before), is_new)


def test_drivers_add_up_to_the_impact_exactly_on_every_level() -> None:
    impact = Decimal("1234.5678901234")
    parts = [part("i-1", "1000.333", "7.1", is_new=True), part("i-2", "33.1", "28"), part("", "0.77", "100.3")]
    main, levels = drivers(parts, 3, impact)
    assert (main[0].level, main[0].value) == ("resource", "i-1")
    assert set(levels) == set(LEVELS)
    for found in (main, *levels.values()):
        assert sum(driver.change for driver in found) == impact


def test_a_new_resource_like_the_others_is_growth_and_a_dear_one_is_not() -> None:
    usual_one, like_it = part("i-1", "300", str(100 * BEFORE_DAYS)), part("i-2", "450", "0", is_new=True)
    assert is_growth([usual_one, like_it], 3, Decimal(60))
    assert not is_growth([usual_one, part("i-2", "900", "0", is_new=True)], 3, Decimal(60))
    assert not is_growth([part("i-1", "900", str(100 * BEFORE_DAYS))], 3, Decimal(60))
    # What else rose, by 50 a day and by 80, is told where that alone would be.
    assert is_growth([part("i-1", "450", str(100 * BEFORE_DAYS)), like_it], 3, Decimal(60))
    assert not is_growth([part("i-1", "540", str(100 * BEFORE_DAYS)), like_it], 3, Decimal(60))


def test_a_slow_rise_of_many_resources_is_growth_and_of_one_is_not() -> None:
    before = str(100 * BEFORE_DAYS)
    many = [part(f"i-{number}", "420", before) for number in range(4)]
    assert is_growth(many, 3, Decimal(60), is_slow=True)
    assert not is_growth([*many[:1], part("i-9", "600", before)], 3, Decimal(60), is_slow=True)


def feedback(verdict: str, first: int, last: int, key: Key | None = None, anomaly_id: str | None = None) -> Feedback:
    days = (FIRST + timedelta(days=first), FIRST + timedelta(days=last))
    return Feedback(verdict, anomaly_id, key and key.dimension, key and key.value, *days)  # type: ignore[arg-type]


def test_days_that_are_expected_are_not_told_also_in_what_they_are_part_of() -> None:
    values = usual(28)
    values[100:102] += 2500.0
    made = panel_of({TOTAL: rows(values), LEAF: rows(values)})
    cells = {TOTAL: {0}, LEAF: {0}}
    told = one_each(made, detect(made, Settings(method="statistical")), cells)
    assert len(told) == 1
    for key in (None, LEAF, TOTAL):
        assert unexpected(made, told, [feedback("expected", 99, 103, key)], cells) == []
    assert unexpected(made, told, [feedback("expected", 90, 95, LEAF)], cells) == told


def test_a_false_alarm_raises_the_bar_of_its_series_from_then_on() -> None:
    values = usual(29)
    values[100] += 1500.0
    values[130] += 500.0
    made = panel_of({LEAF: rows(values)})
    settings = Settings(method="statistical")
    assert [event.start for event in detect(made, settings)] == [100, 130]
    said = [feedback("false", 100, 100, LEAF, "x")] * 3
    assert [event.start for event in detect(made, settings, bars(made, said))] == [100]
