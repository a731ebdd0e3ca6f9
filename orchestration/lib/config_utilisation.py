"""Settings of utilisation: where measurements of resources come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from orchestration.lib.config_base import Settings, Text
from orchestration.lib.config_places import Endpoint
from orchestration.lib.config_sources import Location, Name

Namespace = Literal["AWS/EC2", "CWAgent", "AWS/RDS", "AWS/NATGateway", "AWS/ApplicationELB", "AWS/ECS", "AWS/EBS"]


class UtilisationSource(Settings):
    """Files with a measurement a row in a folder or bucket; without a location CloudWatch is asked for `namespaces` in `region`."""

    name: Name
    location: Location | None = None
    endpoint_url: Endpoint | None = None
    region: Text | None = None
    namespaces: Annotated[tuple[Namespace, ...], Field(min_length=1)] | None = None
    lookback_days: Annotated[int, Field(ge=1, le=63)] = 30

    @model_validator(mode="after")
    def _settings_of_origin(self) -> UtilisationSource:
        if self.location is None and self.region is None:
            raise ValueError("needs a location (files of measurements), or a region (of CloudWatch)")
        if self.location is not None and (self.namespaces or "lookback_days" in self.model_fields_set):
            raise ValueError("namespaces and lookback_days are of CloudWatch: leave them or the location out")
        if self.location is not None and not self.location.startswith("s3://") and (self.endpoint_url or self.region):
            raise ValueError("endpoint_url and region belong to CloudWatch, or to a location that starts with s3://")
        return self
