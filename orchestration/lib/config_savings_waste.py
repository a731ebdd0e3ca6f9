"""Settings of savings on what is idle, left over, or in too dear a class of storage."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from pydantic import Field, model_validator

from orchestration.lib.config_base import Settings, Text
from orchestration.lib.config_places import FilePlace

Days = Annotated[int, Field(ge=1, le=3650)]
Percent = Annotated[Decimal, Field(ge=0, le=100, max_digits=9, decimal_places=6)]


class Idle(Settings):
    """How long something has to do nothing before it is said to be idle, and how little nothing is."""

    idle_days: Days = 14
    stopped_days: Days = 30
    snapshot_days: Days = 180
    cpu_percent: Percent = Decimal(5)
    network_bytes_per_second: Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=3)] = Decimal(1000)


class Schedule(Settings):
    """Which environments need not run at night and on weekends, and below which use an hour is not needed."""

    environments: tuple[Text, ...] = ("development", "dev", "test", "staging", "sandbox", "qa")
    cpu_percent: Percent = Decimal(3)


class Hints(Settings):
    """From how much a month on traffic, support, tax and marketplaces are worth a look: what they could save is not known."""

    monthly_cost: Annotated[Decimal, Field(ge=0, max_digits=18, decimal_places=2)] = Decimal(500)


class StorageLifecycle(Settings):
    """From which age on objects may move to a colder class, and what that has to bring.

    `payback_months`: what moving costs once must be saved within. `prices`: a file with dated prices of classes of storage.
    """

    ia_transition_days: Days = 30
    glacier_transition_days: Days = 90
    deep_archive_transition_days: Days = 180
    payback_months: Annotated[int, Field(ge=1, le=120)] = 12
    incomplete_upload_days: Days = 7
    noncurrent_version_days: Days = 30
    prices: FilePlace | None = None

    @model_validator(mode="after")
    def _in_order(self) -> StorageLifecycle:
        if not self.ia_transition_days <= self.glacier_transition_days <= self.deep_archive_transition_days:
            raise ValueError(
                "ia_transition_days, glacier_transition_days and deep_archive_transition_days must not fall"
            )
        return self
