"""Which proposed tags may be written, and how the tagging API's failures are taken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.lib.config_money import TagWriteBack
from orchestration.lib.tag_writeback import PROPOSED, SKIPPED, Proposal, folded, judged
from orchestration.lib.tagging_api import TaggingApi

QUEUE = "arn:aws:sqs:eu-west-1:012345678901:jobs"
PROPOSAL = Proposal("p", "aws", "012345678901", QUEUE, "team", "Search", "by-name", Decimal("0.95"), Decimal(3))
SETTINGS = TagWriteBack(approved_rules=("by-name", "by-account"), minimum_confidence=Decimal("0.9"))


def test_an_approved_proposal_may_be_written() -> None:
    assert [(step.outcome, step.reason) for step in judged([PROPOSAL], SETTINGS)] == [(PROPOSED, "")]
    unknown = replace(PROPOSAL, confidence=None)
    assert (
        judged([unknown], TagWriteBack(approved_rules=("by-name",), minimum_confidence=Decimal(0)))[0].outcome
        == PROPOSED
    )
    bucket = replace(PROPOSAL, resource_id="arn:aws:s3:::bills")
    assert judged([bucket], SETTINGS)[0].outcome == PROPOSED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"virtual_tag_rule": "guess"}, "the rule guess is not approved"),
        ({"confidence": Decimal("0.8999")}, "its confidence is 0.900"),
        ({"confidence": None}, "its confidence is not known"),
        ({"resource_id": "i-0a1"}, "the resource has no ARN"),
        ({"resource_id": "/subscriptions/7/vm"}, "the resource has no ARN"),
        ({"sub_account_id": "999999999999"}, "its ARN is of the account 012345678901 and not of 999999999999"),
        ({"resource_id": "arn:aws:s3:::b", "sub_account_id": None}, "its account is not known"),
        ({"tag_key": "AWS:team"}, "AWS takes no such tag"),
        ({"tag_value": "x" * 257}, "AWS takes no such tag"),
    ],
)
def test_what_may_not_be_written_is_skipped_with_its_reason(changes: dict[str, Any], reason: str) -> None:
    (step,) = judged([replace(PROPOSAL, **changes)], SETTINGS)
    assert (step.outcome, step.reason) == (SKIPPED, reason)


def test_rules_that_disagree_write_nothing_and_those_that_agree_write_once() -> None:
    other = replace(PROPOSAL, virtual_tag_rule="by-account")
    assert [step.outcome for step in judged([PROPOSAL, other], SETTINGS)] == [PROPOSED]
    torn = judged([PROPOSAL, replace(other, tag_key="TEAM", tag_value="Mobile")], SETTINGS)
    assert [step.reason for step in torn] == ["approved rules disagree about its value"] * 2
    # A rule that is not approved has no say.
    assert [
        step.outcome for step in judged([replace(other, virtual_tag_rule="x", tag_value="y"), PROPOSAL], SETTINGS)
    ] == [
        SKIPPED,
        PROPOSED,
    ]


@given(st.text(alphabet="Cost-center_ ", max_size=12))
def test_spellings_of_a_key_are_one(key: str) -> None:
    assert folded(key) == folded(key.upper()) == folded(key.replace("-", "_")) == folded(f" {key}")


class Client:
    """Answers changes of tags with what it was given, one after the other."""

    def __init__(self, answers: Sequence[dict[str, str]]) -> None:
        self.answers: Iterator[dict[str, str]] = iter(answers)
        self.asked: list[list[str]] = []

    def tag_resources(self, *, ResourceARNList: list[str], Tags: dict[str, str]) -> dict[str, Any]:  # noqa: N803
        self.asked.append(ResourceARNList)
        refused = next(self.answers)
        return {"FailedResourcesMap": {one: {"ErrorCode": code, "ErrorMessage": "no"} for one, code in refused.items()}}


def test_passing_failures_are_tried_again_and_others_are_not() -> None:
    client = Client([{"b": "ThrottlingException", "c": "InvalidParameterException"}, {}])
    waits: list[float] = []
    assert TaggingApi(client, "here", waits.append).put(["a", "b", "c"], {"k": "v"}) == {
        "c": "InvalidParameterException: no"
    }
    assert client.asked == [["a", "b", "c"], ["b"]]
    assert waits == sorted(waits)
    assert len(waits) == 2


def test_a_failure_that_does_not_pass_away_ends() -> None:
    client = Client([{"a": "InternalServiceException"}] * 9)
    assert TaggingApi(client, "here", lambda _: None).put(["a", "b"], {"k": "v"}) == {
        "a": "InternalServiceException: no"
    }
    assert client.asked[1:] == [["a"]] * 3
