"""Settings of the sources: where bills and usage come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from orchestration.lib.config_base import Settings, Text, shaped
from orchestration.lib.config_places import Endpoint

Name = Annotated[str, shaped(r"[a-z][a-z0-9_]{0,30}", "a lower-case letter followed by up to 30 of a-z, 0-9 and _")]
Location = Annotated[str, shaped(r"(?!\w+://).+|s3://[^/\s]+(/.*)?", "the path of a folder or s3://bucket/prefix")]


class Source(Settings):
    """Where a provider puts its deliveries, and what they look like.

    `constants`: column of the format -> the value of every row, for columns that the provider leaves out.
    """

    name: Name
    format: Literal["focus", "cur"]
    location: Location
    endpoint_url: Endpoint | None = None
    region: Text | None = None
    constants: dict[Text, str | None] = Field(default_factory=dict)

    @property
    def is_s3(self) -> bool:
        """Whether the location is a bucket and no folder."""
        return self.location.startswith("s3://")

    @model_validator(mode="after")
    def _endpoint_of_bucket(self) -> Source:
        if not self.is_s3 and (self.endpoint_url or self.region):
            raise ValueError("endpoint_url and region belong to a location that starts with s3://")
        return self
