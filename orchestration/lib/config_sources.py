"""Settings of the sources: where bills and usage come from."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from orchestration.lib.config_base import Settings, Text, shaped

Name = Annotated[str, shaped(r"[a-z][a-z0-9_]{0,30}", "a lower-case letter followed by up to 30 of a-z, 0-9 and _")]
Endpoint = Annotated[str, shaped(r"https?://[^\s/@]+(/[^\s@]*)?", "an http(s) address without user name and password")]
Location = Annotated[str, shaped(r"(?!\w+://).+|s3://[^/\s]+(/.*)?", "the path of a folder or s3://bucket/prefix")]


LOG_FORMATS = ("bedrock_logs", "bedrock_metrics", "litellm", "otel_genai")
"""Formats of usage logs, read by a reader of their own."""


class Source(Settings):
    """Where a provider puts its deliveries, and what they look like.

    `constants`: column of the format -> the value of every row, for columns that the provider leaves out.
    `inference_profiles`: id or ARN that Bedrock's logs name -> its model. `left_out_tags`: keys of a log's metadata that are no tags.
    """

    name: Name
    format: Literal["focus", "cur", "bedrock_logs", "bedrock_metrics", "litellm", "otel_genai"]
    location: Location
    endpoint_url: Endpoint | None = None
    region: Text | None = None
    constants: dict[Text, str | None] = Field(default_factory=dict)
    inference_profiles: dict[Text, Text] | None = None
    left_out_tags: tuple[Text, ...] | None = None

    @property
    def is_s3(self) -> bool:
        """Whether the location is a bucket and no folder."""
        return self.location.startswith("s3://")

    @model_validator(mode="after")
    def _settings_of_logs(self) -> Source:
        is_log = self.format in LOG_FORMATS
        if not is_log and (self.inference_profiles or self.left_out_tags):
            raise ValueError(f"inference_profiles and left_out_tags: only for the formats {', '.join(LOG_FORMATS)}")
        if is_log and self.constants:
            raise ValueError(f"constants: logs of the format {self.format} have no columns that could be left out")
        return self

    @model_validator(mode="after")
    def _endpoint_of_bucket(self) -> Source:
        if not self.is_s3 and (self.endpoint_url or self.region):
            raise ValueError("endpoint_url and region belong to a location that starts with s3://")
        return self
