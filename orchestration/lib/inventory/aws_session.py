"""Calls to AWS for one account: in a role, patiently, and with the permission that is missing where one is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from orchestration.lib.config_inventory import InventorySource
from orchestration.lib.errors import FinopsError

_TIMEOUT_SECONDS = 30
_TRIES = 6


class AwsSession:
    """Clients with the credentials of the environment, or of the role that is taken on.

    Throttled calls are tried again, slower each time.
    """

    def __init__(self, source: InventorySource) -> None:
        self._source = source
        self._clients: dict[tuple[str, str | None], Any] = {}
        self._keys: dict[str, str] | None = None
        if source.role_arn:
            region = source.regions[0] if source.regions else None
            given = self.call(region, "sts", "assume_role", RoleArn=source.role_arn, RoleSessionName="finops")
            keys = given["Credentials"]
            self._keys = {
                "aws_access_key_id": keys["AccessKeyId"],
                "aws_secret_access_key": keys["SecretAccessKey"],
                "aws_session_token": keys["SessionToken"],
            }
            self._clients.clear()

    def client(self, service: str, region: str | None) -> Any:
        import boto3
        from botocore.config import Config

        if (service, region) not in self._clients:
            config = Config(
                connect_timeout=_TIMEOUT_SECONDS,
                read_timeout=_TIMEOUT_SECONDS,
                retries={"mode": "adaptive", "max_attempts": _TRIES},
            )
            self._clients[service, region] = boto3.client(
                service,
                region_name=region,
                endpoint_url=self._source.endpoint_url,
                config=config,
                **(self._keys or {}),
            )
        return self._clients[service, region]

    def call(self, region: str | None, service: str, operation: str, **given: Any) -> dict[str, Any]:
        """One answer."""
        with _explained(self._source.name, region, service, operation):
            answer: dict[str, Any] = getattr(self.client(service, region), operation)(**given)
        return answer

    def pages(self, region: str | None, service: str, operation: str, key: str, **given: Any) -> Iterator[Any]:
        """Every entry under a key of all pages."""
        with _explained(self._source.name, region, service, operation):
            for page in self.client(service, region).get_paginator(operation).paginate(**given):
                yield from page.get(key, [])


class _explained:  # noqa: N801 - reads as a verb
    """Turns what AWS refuses into an error that names the permission."""

    def __init__(self, name: str, region: str | None, service: str, operation: str) -> None:
        self._where = f"{name}: {service} in {region}" if region else f"{name}: {service}"
        self._permission = f"{_PREFIXES.get(service, service)}:{_PERMISSIONS.get(operation) or _camel(operation)}"

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        from botocore.exceptions import BotoCoreError, ClientError

        if isinstance(error, BotoCoreError | ClientError):
            raise FinopsError(f"{self._where} cannot be asked: {error}. The role needs {self._permission}.") from error


_PREFIXES = {"elbv2": "elasticloadbalancing"}
_PERMISSIONS = {
    "list_buckets": "ListAllMyBuckets",
    "get_bucket_lifecycle_configuration": "GetLifecycleConfiguration",
    "describe_db_instances": "DescribeDBInstances",
}


def _camel(operation: str) -> str:
    return "".join(word.title() for word in operation.split("_"))
