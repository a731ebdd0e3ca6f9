"""Settings of savings on AI models: what is looked at, the users' own rules, and logs of prompts."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, field_validator

from orchestration.lib.config_base import Settings, Text, shaped

LogFile = Annotated[str, shaped(r"(?!\w+://).+", "the path of a file on this machine")]


class SavingsRule(Settings):
    """A rule of your own: on days on which the condition holds for a key, so many per cent of its cost could be saved."""

    name: Text
    condition: Text
    potential_savings_percentage: Annotated[Decimal, Field(gt=0, le=100, max_digits=9, decimal_places=6)]
    recommendation: Text | None = None

    @field_validator("condition")
    @classmethod
    def _one_that_can_be_run(cls, text: str) -> str:
        from ml.savings.conditions import parse_condition

        parse_condition(text)
        return text


class PromptLogFile(Settings):
    """A log of prompts: JSON lines with timestamp (milliseconds), input_length (tokens) and hash_ids, one for each block of tokens."""

    location: LogFile
    provider: Text
    model: Text
    api_key_id: Text | None = None
    block_tokens: Annotated[int, Field(ge=1, le=65536)] = 512


class AiSavings(Settings):
    """What AI savings are worked out from."""

    lookback_days: Annotated[int, Field(ge=1, le=366)] = 28
    minimum_monthly_saving: Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=2)] = Decimal(1)
    idle_days: Annotated[int, Field(ge=1, le=366)] = 30
    night_hours: tuple[Annotated[int, Field(ge=0, le=23)], ...] = (0, 1, 2, 3, 4, 5)
    assumed_prompt_reuse: Annotated[Decimal, Field(ge=0, le=1, decimal_places=6)] = Decimal("0.3")
    rules: tuple[SavingsRule, ...] = ()
    prompt_logs: tuple[PromptLogFile, ...] = ()

    @field_validator("rules")
    @classmethod
    def _each_name_once(cls, rules: tuple[SavingsRule, ...]) -> tuple[SavingsRule, ...]:
        names = [rule.name for rule in rules]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"has the name {repeated[0]!r} twice. Each may occur once")
        return rules
