"""What all kinds of AI savings are worked out from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

from ml.savings.prices import PriceBook
from ml.savings.prompt_reuse import PromptLog
from ml.savings.recommendation import Owner, Window
from ml.savings.settings import SavingsSettings
from ml.savings.traffic import Traffic


@dataclass(frozen=True, order=True)
class Candidate:
    """A model that may do the work of another. `is_smaller`: of a class below it, for answers of a few tokens only."""

    provider: str
    model: str
    is_smaller: bool = False


@dataclass(frozen=True)
class KeyUse:
    """A key, its owner, and the last day on which it was used, however long ago."""

    provider: str
    project_id: str | None
    api_key_id: str
    owner: Owner
    last_day: date


@dataclass(frozen=True)
class Inputs:
    """Traffic of the window, prices, settings, and what was found elsewhere.

    `candidates`: for each (provider, model) what may stand in for it; the same model of another provider is one of them.
    `rule_days`: of each custom rule the days and (provider, project, key) for which its condition holds.
    """

    window: Window
    traffics: tuple[Traffic, ...]
    prices: PriceBook
    settings: SavingsSettings
    candidates: Mapping[tuple[str, str], tuple[Candidate, ...]] = field(default_factory=dict)
    keys: tuple[KeyUse, ...] = ()
    rule_days: Mapping[str, frozenset[tuple[date, str, str | None, str | None]]] = field(default_factory=dict)
    prompt_logs: tuple[PromptLog, ...] = ()

    def log_of(self, traffic: Traffic) -> PromptLog | None:
        """The log of prompts that this traffic is in."""
        return next(
            (
                log
                for log in self.prompt_logs
                if (log.provider, log.model) == (traffic.provider, traffic.model)
                and log.api_key_id in (None, traffic.api_key_id)
            ),
            None,
        )


def window_of(newest: date, oldest: date, lookback_days: int) -> Window:
    """The days to look at. The newest day may still be filling and is left out, unless it is the only one."""
    last = max(newest - timedelta(days=1), oldest)
    return Window(max(oldest, last - timedelta(days=lookback_days - 1)), last)
