"""Settings of the inventory: where lists of resources come from."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from orchestration.lib.config_base import Settings, Text
from orchestration.lib.config_money import RoleArn
from orchestration.lib.config_places import Endpoint
from orchestration.lib.config_sources import Location, Name


class InventorySource(Settings):
    """Lists of resources in a folder or bucket; without a location AWS is asked in each of `regions`, in the role `role_arn`."""

    name: Name
    location: Location | None = None
    endpoint_url: Endpoint | None = None
    region: Text | None = None
    regions: Annotated[tuple[Text, ...], Field(min_length=1)] | None = None
    role_arn: RoleArn | None = None

    @model_validator(mode="after")
    def _settings_of_origin(self) -> InventorySource:
        if (self.location is None) == (self.regions is None):
            raise ValueError("needs either a location (files) or regions (that AWS is asked in)")
        if self.location is not None and self.role_arn:
            raise ValueError("role_arn belongs to regions that AWS is asked in: leave it or the location out")
        if not (self.location or "s3://").startswith("s3://") and self.endpoint_url:
            raise ValueError("endpoint_url belongs to a location that starts with s3://, or to regions")
        if not (self.location or "").startswith("s3://") and self.region:
            raise ValueError("region belongs to a location that starts with s3://")
        return self
