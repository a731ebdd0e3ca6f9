"""How anomalies are looked for, as users set it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from orchestration.lib.config_base import Settings

if TYPE_CHECKING:
    from ml.anomalies.settings import Settings as Detector

Share = Annotated[Decimal, Field(ge=0, le=1)]


class AnomalyDetection(Settings):
    """The section `anomaly_detection`. Floors: what costs less more than expected is no incident."""

    method: Literal["statistical", "forecast", "ml", "combined"] = "combined"
    window_size: Annotated[int, Field(ge=3, le=28)] = 7
    threshold_std_dev: Annotated[Decimal, Field(gt=0, le=10)] = Decimal(2)
    minimum_relative_change: Share = Decimal("0.1")
    minimum_cost: Annotated[Decimal, Field(ge=0)] = Decimal(10)
    minimum_share_of_total: Share = Decimal("0.005")
    minimum_history_days: Annotated[int, Field(ge=14, le=365)] = 21
    new_level_days: Annotated[int, Field(ge=7, le=90)] = 28

    def detector(self) -> Detector:
        """The same, as the detector takes it."""
        from ml.anomalies.settings import Settings as Detector

        return Detector(
            method=self.method,
            window_size=self.window_size,
            threshold_std_dev=float(self.threshold_std_dev),
            minimum_relative_change=float(self.minimum_relative_change),
            minimum_cost=float(self.minimum_cost),
            minimum_share_of_total=float(self.minimum_share_of_total),
            minimum_history_days=self.minimum_history_days,
            new_level_days=self.new_level_days,
        )
