"""Where a single file lies that the configuration names: on this machine or in a bucket."""

from __future__ import annotations

from typing import Annotated

from pydantic import model_validator

from orchestration.lib.config_base import Settings, Text, shaped

Endpoint = Annotated[str, shaped(r"https?://[^\s/@]+(/[^\s@]*)?", "an http(s) address without user name and password")]
FileLocation = Annotated[
    str, shaped(r"(?!\w+://).+|s3://[^/\s]+/.*[^/]", "the path of a file or s3://bucket/path/of/file")
]


class FilePlace(Settings):
    """A file of this machine, relative to the configuration, or of an S3 bucket, which may be at an address of its own."""

    location: FileLocation
    endpoint_url: Endpoint | None = None
    region: Text | None = None

    @model_validator(mode="after")
    def _endpoint_of_bucket(self) -> FilePlace:
        if (self.endpoint_url or self.region) and not (self.location or "").startswith("s3://"):
            raise ValueError("endpoint_url and region belong to a location that starts with s3://")
        return self
