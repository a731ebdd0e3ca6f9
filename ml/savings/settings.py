"""What an organisation says about its AI traffic, as far as savings need it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Rule:
    """A rule of the users: on days on which the condition holds for a key, so much of what the key costs could be saved."""

    name: str
    condition: str
    potential_savings_percentage: Decimal
    recommendation: str = ""


@dataclass(frozen=True)
class SavingsSettings:
    """Settings with their defaults; `config/finops-config.yaml.example` says what each means."""

    lookback_days: int = 28
    minimum_monthly_saving: Decimal = Decimal(1)
    idle_days: int = 30
    night_hours: tuple[int, ...] = (0, 1, 2, 3, 4, 5)
    assumed_prompt_reuse: Decimal = Decimal("0.3")
    custom_rules: tuple[Rule, ...] = ()
