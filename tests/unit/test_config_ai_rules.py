"""Settings of AI savings: users' rules are judged when the configuration is read."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.lib.ai.savings import settings_of
from orchestration.lib.config import Config, load_config
from orchestration.lib.errors import FinopsError

MINIMUM = """
organization: {name: Example, first_billing_period: 2026-01}
sources: [{name: aws, format: cur, location: bills}]
"""
RULE = 'name: dear, condition: "requests_per_day > 1000 and cost_per_token > 0.01", potential_savings_percentage: 40'


def load(folder: Path, text: str) -> Config:
    path = folder / "finops-config.yaml"
    path.write_text(MINIMUM + text)
    return load_config(path)


def rules(*entries: str) -> str:
    return "ai_api_optimization: {rules: [" + ", ".join(f"{{{entry}}}" for entry in entries) + "]}\n"


def test_a_rule_and_the_defaults(tmp_path: Path) -> None:
    settings = settings_of(load(tmp_path, rules(RULE)))
    assert (settings.lookback_days, settings.idle_days, settings.minimum_monthly_saving) == (28, 30, Decimal(1))
    (rule,) = settings.custom_rules
    assert (rule.name, rule.potential_savings_percentage, rule.recommendation) == ("dear", Decimal(40), "")


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (RULE.replace("cost_per_token", "cost_per_tokn"), "Did you mean cost_per_token"),
        (RULE.replace("> 1000", "> 1000; drop table x"), "has the character ';'"),
        (RULE.replace("1000", "(select 1)"), "a number is needed"),
        (RULE.replace("40", "101"), "potential_savings_percentage"),
        (RULE.replace("40", "0"), "potential_savings_percentage"),
        (RULE + ", sql: x", "is no key here"),
    ],
)
def test_a_wrong_rule_is_named_with_its_place(tmp_path: Path, entry: str, said: str) -> None:
    with pytest.raises(FinopsError) as caught:
        load(tmp_path, rules(entry))
    assert "ai_api_optimization.rules[0]" in str(caught.value)
    assert said in str(caught.value)


def test_a_name_occurs_once(tmp_path: Path) -> None:
    with pytest.raises(FinopsError, match="the name 'dear' twice"):
        load(tmp_path, rules(RULE, RULE))
