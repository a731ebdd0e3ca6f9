"""Settings of the sources: where bills and usage come from."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import Field, model_validator

from orchestration.lib.config_base import Settings, Text, shaped
from orchestration.lib.config_money import Currency
from orchestration.lib.config_places import Endpoint

Name = Annotated[str, shaped(r"[a-z][a-z0-9_]{0,30}", "a lower-case letter followed by up to 30 of a-z, 0-9 and _")]
Location = Annotated[str, shaped(r"(?!\w+://).+|s3://[^/\s]+(/.*)?", "the path of a folder or s3://bucket/prefix")]
API_KEYS = {"openai": "OPENAI_ADMIN_KEY", "anthropic": "ANTHROPIC_ADMIN_KEY"}
"""Format that is fetched over HTTP where no location is given -> the environment variable of its key."""
FETCHED_FORMATS = (*API_KEYS, "bedrock_metrics")
"""Formats that are fetched where no location is given."""
_SETTINGS_OF_API = ("api_key_env", "billing_account_id", "refetch_days", "currencies")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]{0,60}")
# A key that crosses a network in clear is a key that others have.
_SAFE_ENDPOINT = re.compile(r"https://.*|http://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?(/.*)?")


LOG_FORMATS = ("bedrock_logs", "bedrock_metrics", "litellm", "otel_genai")
"""Formats of usage logs, read by a reader of their own."""


class Source(Settings):
    """Where a provider puts its deliveries, and what they look like.

    `constants`: column of the format -> the value of every row, for columns that the provider leaves out.
    Of APIs: `api_key_env` is the environment variable with the key, `refetch_days` for how long a day may still change,
    `currencies` those that cost lines may be in.
    Of logs: `inference_profiles` maps an id or ARN that Bedrock's logs name to its model, `left_out_tags` are keys of a log's
    metadata that are no tags.
    """

    name: Name
    format: Literal["focus", "cur", "openai", "anthropic", "bedrock_logs", "bedrock_metrics", "litellm", "otel_genai"]
    location: Location | None = None
    endpoint_url: Endpoint | None = None
    region: Text | None = None
    constants: dict[Text, str | None] = Field(default_factory=dict)
    api_key_env: Text | None = None
    billing_account_id: Text | None = None
    refetch_days: Annotated[int, Field(ge=1, le=60)] | None = None
    currencies: Annotated[tuple[Currency, ...], Field(min_length=1)] | None = None
    inference_profiles: dict[Text, Text] | None = None
    left_out_tags: tuple[Text, ...] | None = None

    @property
    def is_api(self) -> bool:
        """Whether its deliveries are pages of an API, fetched by us or by others."""
        return self.format in API_KEYS

    @property
    def is_fetched(self) -> bool:
        """Whether its deliveries are fetched over HTTP before they are read."""
        return self.location is None

    @property
    def is_s3(self) -> bool:
        """Whether the location is a bucket and no folder."""
        return self.location is not None and self.location.startswith("s3://")

    @property
    def shown_location(self) -> str:
        """Where its deliveries come from, in words."""
        return self.location or self.endpoint_url or f"the API of {self.format}"

    @model_validator(mode="after")
    def _settings_of_logs(self) -> Source:
        is_log = self.format in LOG_FORMATS
        if not is_log and (self.inference_profiles or self.left_out_tags):
            raise ValueError(f"inference_profiles and left_out_tags: only for the formats {', '.join(LOG_FORMATS)}")
        if is_log and self.constants:
            raise ValueError(f"constants: logs of the format {self.format} have no columns that could be left out")
        return self

    @model_validator(mode="after")
    def _settings_of_format(self) -> Source:
        # Not an error of the field, which would show what was found: it may be the key.
        if self.api_key_env and not _VARIABLE.fullmatch(self.api_key_env):
            raise ValueError(
                "api_key_env must be the name of an environment variable such as MY_KEY, and not the key itself"
            )
        if self.location is None and self.format not in FETCHED_FORMATS:
            raise ValueError(f"a source of the format {self.format} needs a location: a folder or s3://bucket/prefix")
        if not self.is_api:
            asked = ("refetch_days",) if self.format in FETCHED_FORMATS else ()
            given = [name for name in _SETTINGS_OF_API if getattr(self, name) is not None and name not in asked]
            if given:
                raise ValueError(
                    f"{', '.join(given)}: only for the formats {', '.join(API_KEYS)}, not for {self.format}"
                )
        if self.is_api and self.constants:
            raise ValueError(f"constants: the pages of {self.format} leave no column out")
        if self.is_fetched and self.is_api and self.region:
            raise ValueError("region belongs to a location that starts with s3://")
        if self.is_fetched and self.is_api and self.endpoint_url and not _SAFE_ENDPOINT.fullmatch(self.endpoint_url):
            raise ValueError(
                "endpoint_url must be https://, except on this machine: the key would cross the network in clear"
            )
        if not self.is_fetched and not self.is_s3 and (self.endpoint_url or self.region):
            raise ValueError("endpoint_url and region belong to a location that starts with s3://")
        if not self.is_fetched and (self.api_key_env or self.refetch_days):
            raise ValueError("api_key_env and refetch_days are of fetching over HTTP: leave them or the location out")
        return self
