"""Rules of cost allocation that cannot be meant, and what is said about them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.lib.config import load_config
from orchestration.lib.errors import FinopsError

HEAD = """
organization: {name: Example, first_billing_period: 2026-01}
sources: [{name: aws, format: cur, location: bills}]
teams: [{name: A, cost_center: 1}, {name: B, cost_center: 2}, {name: Platform, cost_center: 3}]
cost_allocation:
"""
TAX = "match: {charge_categories: [Tax]}"


def load(folder: Path, *rules: str, drivers: str = "[]"):  # type: ignore[no-untyped-def]
    path = folder / "finops-config.yaml"
    listed = "\n".join(f"    - {{{rule}}}" for rule in rules)
    path.write_text(f"{HEAD}  drivers: {drivers}\n  rules:\n{listed}\n")
    return load_config(path).cost_allocation


def test_every_method_is_taken(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        f"name: a, {TAX}, method: even, over: {{teams: [A]}}",
        f"name: b, {TAX}, method: fixed, shares: {{A: 0.25, B: 0.70}}",
        f"name: c, {TAX}, method: proportional, measure: billed_cost, over: {{service_names: [S3]}}, basis: day",
        f"name: d, {TAX}, method: proportional, measure: consumed_quantity, consumed_unit: GB",
        f"name: e, {TAX}, method: metric, driver: seats, fallback: even, step: 3",
        f"name: f, {TAX}, method: commitment_users, measure: effective_cost",
        f"name: g, {TAX}, method: split",
        "name: h, match: {teams: [Platform]}, method: even, over: {teams: [A, B]}",
        f"name: i, {TAX}, method: even, valid_to: 2026-05-01",
        f"name: i, {TAX}, method: split, valid_from: 2026-05-01",
        drivers="[{name: seats, location: seats.csv}, {name: hits, table: dev.hits}]",
    )
    assert found.rules[1].shares == {"A": Decimal("0.25"), "B": Decimal("0.70")}
    assert (found.rules[0].step, found.rules[4].step) == (1, 3)


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (
            f"name: r, {TAX}, method: fixed, shares: {{A: 0.5, B: 0.6}}",
            "the shares add up to 1.1. They may not exceed 1.",
        ),
        (
            f"name: r, {TAX}, method: fixed, shares: {{A: 1.5}}",
            "shares.A: found '1.5', must be less than or equal to 1.",
        ),
        (f"name: r, {TAX}, method: fixed, shares: {{A: -0.5}}", "shares.A: found '-0.5', must be greater than 0."),
        (f"name: r, {TAX}, method: fixed, shares: {{Plattform: 1}}", "none of the teams. Did you mean 'Platform'?"),
        (f"name: r, {TAX}, method: fixed", "the method fixed needs shares."),
        (f"name: r, {TAX}, method: proportional", "the method proportional needs measure."),
        (f"name: r, {TAX}, method: even, measure: list_cost", "the method even has no use for measure."),
        (f"name: r, {TAX}, method: even, over: {{service_names: [x]}}", "over of the method even can name teams only."),
        (f"name: r, {TAX}, method: even, over: {{teams: [X]}}", "rules[0].over.teams[0]: 'X' is none of the teams."),
        (f"name: r, {TAX}, method: proportional, measure: consumed_quantity", "consumed_unit belong together"),
        (
            f"name: r, {TAX}, method: metric, driver: sets",
            "'sets' is none of cost_allocation.drivers. Did you mean 'seats'",
        ),
        (f"name: r, {TAX}, method: even, step: 0", "rules[0].step: found '0', must be greater than or equal to 1."),
        (
            f"name: r, {TAX}, method: evn",
            "allowed: even, fixed, proportional, metric, commitment_users, split, ai_usage.",
        ),
    ],
)
def test_a_rule_that_cannot_be_is_refused(tmp_path: Path, rule: str, expected: str) -> None:
    with pytest.raises(FinopsError) as caught:
        load(tmp_path, rule, drivers="[{name: seats, location: seats.csv}]")
    assert expected in str(caught.value)


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (
            f"name: r, {TAX}, method: even, valid_to: 2026-05-02",
            f"name: r, {TAX}, method: even, valid_from: 2026-05-01",
            "rules[1].name: 'r' is also cost_allocation.rules[0], on some of the same days.",
        ),
        (
            f"name: r, {TAX}, method: even, valid_to: 2026-05-01",
            f"name: R, {TAX}, method: even, valid_from: 2026-05-01",
            "rules[1].name: 'R' is also cost_allocation.rules[0]: case makes no difference.",
        ),
        (
            f"name: tax, {TAX}, method: fixed, shares: {{Platform: 1}}, step: 2",
            "name: platform, match: {teams: [Platform]}, method: even, step: 2",
            "the rule 'tax' of step 2 gives to 'Platform', whose costs the rule 'platform' (cost_allocation.rules[1]) "
            "divides in step 2: they would go round in a circle. Leave the team out, or give 'platform' a later step than 2.",
        ),
        (
            "name: one, match: {teams: [A]}, method: fixed, shares: {B: 1}",
            "name: two, match: {teams: [B]}, method: fixed, shares: {A: 1}, step: 2",
            "the rule 'two' of step 2 gives to 'A', whose costs the rule 'one' (cost_allocation.rules[0]) divides in step 1",
        ),
        (
            f"name: r, {TAX}, method: even",
            "name: own, match: {teams: [A]}, method: even, over: {teams: [A, B]}",
            "the rule 'own' gives to 'A', whose costs it divides. Leave the team out.",
        ),
    ],
)
def test_rules_that_do_not_fit_together_are_refused(tmp_path: Path, first: str, second: str, expected: str) -> None:
    with pytest.raises(FinopsError) as caught:
        load(tmp_path, first, second)
    assert expected in str(caught.value)


def test_a_later_step_may_take_what_an_earlier_one_gives(tmp_path: Path) -> None:
    load(
        tmp_path,
        f"name: tax, {TAX}, method: fixed, shares: {{Platform: 1}}",
        "name: platform, match: {teams: [Platform]}, method: even, step: 2",
    )


def test_a_driver_is_a_file_or_a_table(tmp_path: Path) -> None:
    with pytest.raises(FinopsError, match=r"needs one of location \(a file\) and table"):
        load(tmp_path, f"name: r, {TAX}, method: even", drivers="[{name: seats}]")
    two = "[{name: seats, location: a}, {name: Seats, table: dev.b}]"
    with pytest.raises(FinopsError, match=r"drivers\[1\].name: 'Seats' is also cost_allocation.drivers\[0\]"):
        load(tmp_path, f"name: r, {TAX}, method: even", drivers=two)
