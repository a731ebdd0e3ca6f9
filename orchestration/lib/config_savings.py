"""Settings of savings on cloud resources: one model a kind, each in a file of its own where its owner wrote it."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field

from orchestration.lib.config_base import Settings
from orchestration.lib.config_places import FilePlace
from orchestration.lib.config_savings_commitments import Commitments
from orchestration.lib.config_savings_waste import Hints, Idle, Schedule, StorageLifecycle

Days = Annotated[int, Field(ge=1, le=366)]
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=9, decimal_places=6)]


class RightSizing(Settings):
    """When a size is too large: below `utilization_threshold` per cent of use, and what a smaller one has to hold."""

    utilization_threshold: Percent = Decimal(20)
    lookback_days: Days = 30
    percentile: Annotated[Decimal, Field(ge=50, le=100, max_digits=9, decimal_places=6)] = Decimal("99.5")
    headroom: Percent = Decimal(20)
    minimum_history_days: Days = 14


class Savings(Settings):
    """What savings on cloud resources are worked out from. Savings on AI models have a section of their own."""

    lookback_days: Days = 30
    minimum_monthly_saving: Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=2)] = Decimal(1)
    rightsizing: RightSizing = RightSizing()
    idle: Idle = Idle()
    schedule: Schedule = Schedule()
    storage: StorageLifecycle = StorageLifecycle()
    hints: Hints = Hints()
    commitments: Commitments = Commitments()
    provider_exports: tuple[FilePlace, ...] = ()
