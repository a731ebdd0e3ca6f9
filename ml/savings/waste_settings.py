"""The settings of savings on waste, with the defaults of the configuration."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class WasteSettings:
    """`config/finops-config.yaml.example` says what each means."""

    idle_days: int = 14
    stopped_days: int = 30
    snapshot_days: int = 180
    cpu_percent: Decimal = Decimal(5)
    network_bytes_per_second: Decimal = Decimal(1000)
    schedule_environments: tuple[str, ...] = ("development", "dev", "test", "staging", "sandbox", "qa")
    schedule_cpu_percent: Decimal = Decimal(3)
    ia_transition_days: int = 30
    glacier_transition_days: int = 90
    deep_archive_transition_days: int = 180
    payback_months: int = 12
    incomplete_upload_days: int = 7
    noncurrent_version_days: int = 30
    network_monthly_cost: Decimal = Decimal(500)
