"""The AWS Resource Groups Tagging API of one account and region: read, put and remove tags of resources, patiently."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from orchestration.lib.config_money import TagWriteBack
from orchestration.lib.errors import FinopsError

Tags = dict[str, str]

_ARN = re.compile(r"arn:[\w-]+:[\w-]+:(?P<region>[\w-]*):(?P<account>\d{12}|):\S.*")
_RESOURCES_PER_READ = 100
# AWS allows few changes of tags a second; a pause between them keeps others in the account from being throttled.
_PAUSE_SECONDS = 0.2
_TRIES = 4
_PASSING = ("InternalServiceException", "ThrottlingException", "ThrottledException")


@dataclass(frozen=True)
class Arn:
    """Where a resource is. `region` and `account` are empty where its ARN names none."""

    region: str
    account: str


def parse_arn(resource_id: str) -> Arn | None:
    """The parts of an ARN, None where a resource is named otherwise.

    >>> parse_arn("arn:aws:sqs:eu-west-1:012345678901:jobs")
    Arn(region='eu-west-1', account='012345678901')
    """
    match = _ARN.fullmatch(resource_id)
    return Arn(match["region"], match["account"]) if match else None


class TaggingApi:
    """Reads and changes tags through a client of the service `resourcegroupstaggingapi`."""

    def __init__(self, client: Any, place: str, wait: Callable[[float], None] = time.sleep) -> None:
        self._client, self._place, self._wait = client, place, wait

    def tags_of(self, resource_ids: Sequence[str]) -> dict[str, Tags]:
        """The tags of those resources that have any. Raises FinopsError where they cannot be read."""
        from botocore.exceptions import BotoCoreError, ClientError

        found: dict[str, Tags] = {}
        try:
            for batch in batches(sorted(set(resource_ids)), _RESOURCES_PER_READ):
                for page in self._client.get_paginator("get_resources").paginate(ResourceARNList=batch):
                    for entry in page["ResourceTagMappingList"]:
                        found[entry["ResourceARN"]] = {tag["Key"]: tag["Value"] for tag in entry["Tags"]}
        except (BotoCoreError, ClientError) as error:
            raise FinopsError(f"{self._place}: tags cannot be read: {error}. tag:GetResources is needed.") from error
        return found

    def put(self, resource_ids: Sequence[str], tags: Tags) -> dict[str, str]:
        """Put tags on up to twenty resources. Returns the reason for each that failed."""
        return self._change(resource_ids, lambda ids: self._client.tag_resources(ResourceARNList=ids, Tags=tags))

    def remove(self, resource_ids: Sequence[str], tags: Tags) -> dict[str, str]:
        """Take the keys of tags off up to twenty resources. Returns the reason for each that failed."""
        return self._change(
            resource_ids, lambda ids: self._client.untag_resources(ResourceARNList=ids, TagKeys=list(tags))
        )

    def _change(self, resource_ids: Sequence[str], call: Callable[[list[str]], Any]) -> dict[str, str]:
        """Call for the resources, and again for those that failed for a reason that passes."""
        from botocore.exceptions import BotoCoreError, ClientError

        failed: dict[str, str] = {}
        left, reasons = list(resource_ids), dict[str, str]()
        for number in range(_TRIES):
            self._wait(_PAUSE_SECONDS * 2**number)
            try:
                refused = call(left).get("FailedResourcesMap", {})
            except (BotoCoreError, ClientError) as error:
                return failed | dict.fromkeys(left, str(error))
            reasons = {one: f"{why.get('ErrorCode')}: {why.get('ErrorMessage')}" for one, why in refused.items()}
            left = [one for one, why in refused.items() if why.get("ErrorCode") in _PASSING]
            failed |= {one: reason for one, reason in reasons.items() if one not in left}
            if not left:
                return failed
        return failed | {one: reasons[one] for one in left}


def batches(items: Sequence[str], size: int) -> Iterator[list[str]]:
    """Items in lists of so many."""
    for start in range(0, len(items), size):
        yield list(items[start : start + size])


def aws(settings: TagWriteBack) -> Callable[[str, str], TaggingApi]:
    """The tagging API by account and region, in the role that is configured for the account, if any.

    Credentials are those of the environment, as everywhere.
    """

    def connect(account: str, region: str) -> TaggingApi:
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError, ClientError

        place = f"account {account}, region {region}"
        credentials: dict[str, str] = {}
        role = settings.role_arns.get(account)
        # Adaptive: on a throttled call boto3 waits longer each time, and slows down the calls that follow.
        patient = Config(retries={"mode": "adaptive", "total_max_attempts": 8})
        try:
            if role:
                sts = boto3.client("sts", region_name=region, config=patient)
                given = sts.assume_role(RoleArn=role, RoleSessionName="finops-tags")["Credentials"]
                credentials = {
                    "aws_access_key_id": given["AccessKeyId"],
                    "aws_secret_access_key": given["SecretAccessKey"],
                    "aws_session_token": given["SessionToken"],
                }
            client = boto3.client("resourcegroupstaggingapi", region_name=region, config=patient, **credentials)
        except (BotoCoreError, ClientError) as error:
            raise FinopsError(f"{place}: no access{f' by the role {role}' if role else ''}: {error}.") from error
        return TaggingApi(client, place)

    return connect
