"""Tags are written to a server that answers as AWS does: missing ones only, and each can be taken off again."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
from click.testing import CliRunner

from orchestration.cli import main
from orchestration.defs.cloud.assets import cloud_tags
from orchestration.defs.resources import Warehouse
from orchestration.lib import audit
from orchestration.lib.config import load_config
from orchestration.lib.config_money import TagWriteBack
from orchestration.lib.errors import FinopsError
from orchestration.lib.tag_writeback import Proposal, Step, read_proposals, undo, write_tags
from orchestration.lib.tagging_api import TaggingApi, aws
from tests.support.moto_server import moto_server, set_credentials

ACCOUNT, REGION = "123456789012", "eu-west-1"
CONFIG = """
organization: {name: Example, first_billing_period: 2026-01}
sources: [{name: aws, format: cur, location: bills}]
tag_write_back: {approved_rules: [by-name]}
"""
SETTINGS = TagWriteBack(approved_rules=("by-name",))


@dataclass
class Cloud:
    """Topics of one account and region. `calls`: every change that the tagging API was asked for."""

    sns: Any
    arns: list[str]
    calls: list[tuple[str, list[str]]]

    def topic(self, name: str, **tags: str) -> str:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.arns.append(str(self.sns.create_topic(Name=name, Tags=listed)["TopicArn"]))
        return self.arns[-1]

    def tags(self, arn: str) -> dict[str, str]:
        return {tag["Key"]: tag["Value"] for tag in self.sns.list_tags_for_resource(ResourceArn=arn)["Tags"]}

    def connect(self, account: str, region: str) -> TaggingApi:
        assert (account, region) == (ACCOUNT, REGION)
        return TaggingApi(_Recorder(aws(SETTINGS)(account, region)._client, self.calls), "here", lambda _: None)


class _Recorder:
    def __init__(self, client: Any, calls: list[tuple[str, list[str]]]) -> None:
        self._client, self._calls = client, calls

    def __getattr__(self, name: str) -> Any:
        def call(**arguments: Any) -> Any:
            self._calls.append((name, arguments["ResourceARNList"]))
            return getattr(self._client, name)(**arguments)

        return call if name in ("tag_resources", "untag_resources") else getattr(self._client, name)


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def cloud(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cloud]:
    import boto3

    set_credentials(monkeypatch)
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    sns = boto3.client("sns", region_name=REGION)
    found = Cloud(sns, [], [])
    yield found
    for arn in found.arns:
        sns.delete_topic(TopicArn=arn)


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as connection:
        audit.ensure_audit(connection)
        yield connection


def proposal(arn: str, key: str = "team", value: str = "Search") -> Proposal:
    return Proposal(f"{arn}{key}", "aws", ACCOUNT, arn, key, value, "by-name", Decimal(1), Decimal(1))


def events(connection: psycopg.Connection[Any]) -> list[tuple[Any, ...]]:
    return connection.execute("select id, action, subject, details from audit.events order by id").fetchall()


def outcomes(steps: list[Step]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for step in steps:
        found.setdefault(step.outcome, []).append(step.resource_id)
    return {outcome: sorted(arns) for outcome, arns in found.items()}


def test_a_dry_run_writes_nothing(cloud: Cloud, connection: psycopg.Connection[Any]) -> None:
    bare, tagged = cloud.topic("bare"), cloud.topic("tagged", owner="me")
    steps = write_tags(connection, [proposal(bare), proposal(tagged)], SETTINGS, cloud.connect, apply=False)
    assert outcomes(steps) == {"proposed": sorted([bare, tagged])}
    assert (cloud.tags(bare), cloud.tags(tagged)) == ({}, {"owner": "me"})
    assert (cloud.calls, events(connection)) == ([], [])


def test_no_tag_that_is_there_is_written_over(cloud: Cloud, connection: psycopg.Connection[Any]) -> None:
    same, shouted, spelled = (
        cloud.topic("a", team="Old"),
        cloud.topic("b", TEAM="Old"),
        cloud.topic("c", Cost_Center="1"),
    )
    bare = cloud.topic("d", other="x")
    proposals = [proposal(same), proposal(shouted), proposal(spelled, "cost-center", "2"), proposal(bare)]
    steps = write_tags(connection, proposals, SETTINGS, cloud.connect, apply=True)
    assert outcomes(steps) == {"written": [bare], "skipped": sorted([same, shouted, spelled])}
    assert {step.reason for step in steps if step.outcome == "skipped"} == {
        "it has the tag team=Old",
        "it has the tag TEAM=Old",
        "it has the tag Cost_Center=1",
    }
    assert [cloud.tags(arn) for arn in (same, shouted, spelled, bare)] == [
        {"team": "Old"},
        {"TEAM": "Old"},
        {"Cost_Center": "1"},
        {"other": "x", "team": "Search"},
    ]
    # Once written it is there: nothing is left to do.
    again = write_tags(connection, proposals, SETTINGS, cloud.connect, apply=True)
    assert set(outcomes(again)) == {"skipped"}
    assert len(events(connection)) == 2


def test_batches_are_of_twenty_and_the_log_names_each_change(cloud: Cloud, connection: psycopg.Connection[Any]) -> None:
    arns = [cloud.topic(f"q{number:03}") for number in range(43)]
    proposals = [proposal(arn) for arn in arns] + [proposal(arn, "project", "x") for arn in arns[:2]]
    steps = write_tags(connection, proposals, SETTINGS, cloud.connect, apply=True)
    assert {step.outcome for step in steps} == {"written"}
    assert sorted(len(batch) for _, batch in cloud.calls) == [1, 2, 20, 20]
    (write_id, write, subject, meant), (_, done, _, outcome) = events(connection)
    assert (write, done, subject) == ("tags.write", "tags.write.done", f"aws {ACCOUNT} {REGION}")
    wanted = {(one.resource_id, one.tag_key, one.tag_value) for one in proposals}
    for listed in (meant["tags"], outcome["written"]):
        assert {(tag["resource_id"], tag["tag_key"], tag["tag_value"]) for tag in listed} == wanted
    assert (outcome["of"], outcome["failed"]) == (write_id, [])
    assert {step.audit_id for step in steps} == {write_id}
    assert audit.verify(connection).problems == ()


def test_undo_takes_off_what_was_written_and_leaves_what_was_changed_since(
    cloud: Cloud, connection: psycopg.Connection[Any]
) -> None:
    one, changed, removed = cloud.topic("a", kept="yes"), cloud.topic("b"), cloud.topic("c")
    proposals = [proposal(arn) for arn in (one, changed, removed)]
    steps = write_tags(connection, proposals, SETTINGS, cloud.connect, apply=True)
    (audit_id,) = {step.audit_id for step in steps}
    assert audit_id is not None
    cloud.sns.tag_resource(ResourceArn=changed, Tags=[{"Key": "team", "Value": "Mobile"}])
    cloud.sns.untag_resource(ResourceArn=removed, TagKeys=["team"])
    undone = undo(connection, audit_id, cloud.connect)
    assert outcomes(undone) == {"removed": [one], "skipped": sorted([changed, removed])}
    assert [cloud.tags(arn) for arn in (one, changed, removed)] == [{"kept": "yes"}, {"team": "Mobile"}, {}]
    assert [action for _, action, _, _ in events(connection)] == [
        "tags.write", "tags.write.done", "tags.undo", "tags.undo.done",
    ]  # fmt: skip
    assert set(outcomes(undo(connection, audit_id, cloud.connect))) == {"skipped"}
    with pytest.raises(FinopsError, match="audit event 3 is no write of tags"):
        undo(connection, 3, cloud.connect)


def test_a_write_that_was_broken_off_can_be_undone(cloud: Cloud, connection: psycopg.Connection[Any]) -> None:
    arns = [cloud.topic(f"q{number}") for number in range(2)]

    class Broken(TaggingApi):
        def put(self, resource_ids: Any, tags: Any) -> dict[str, str]:
            super().put(resource_ids, tags)
            raise KeyboardInterrupt

    def connect(account: str, region: str) -> TaggingApi:
        return Broken(cloud.connect(account, region)._client, "here", lambda _: None)

    with pytest.raises(KeyboardInterrupt):
        write_tags(connection, [proposal(arn) for arn in arns], SETTINGS, connect, apply=True)
    ((audit_id, action, _, _),) = events(connection)
    assert action == "tags.write"
    assert outcomes(undo(connection, audit_id, cloud.connect)) == {"removed": sorted(arns)}
    assert [cloud.tags(arn) for arn in arns] == [{}, {}]


def test_a_tag_that_comes_between_reading_and_writing_stays(cloud: Cloud, connection: psycopg.Connection[Any]) -> None:
    arns = [cloud.topic("a"), cloud.topic("b")]

    class Overtaken(TaggingApi):
        def tags_of(self, resource_ids: Any) -> dict[str, dict[str, str]]:
            found = super().tags_of(resource_ids)
            cloud.sns.tag_resource(ResourceArn=arns[0], Tags=[{"Key": "Team", "Value": "Mobile"}])
            return found

    def connect(account: str, region: str) -> TaggingApi:
        return Overtaken(cloud.connect(account, region)._client, "here", lambda _: None)

    steps = write_tags(connection, [proposal(arn) for arn in arns], SETTINGS, connect, apply=True)
    assert outcomes(steps) == {"written": [arns[1]], "failed": [arns[0]]}
    assert cloud.tags(arns[0]) == {"Team": "Mobile"}


def test_resources_that_fail_are_named_and_the_others_written(
    cloud: Cloud, connection: psycopg.Connection[Any]
) -> None:
    good, unsupported = cloud.topic("a"), f"arn:aws:nosuch:{REGION}:{ACCOUNT}:thing/1"
    steps = write_tags(connection, [proposal(good), proposal(unsupported)], SETTINGS, cloud.connect, apply=True)
    assert outcomes(steps) == {"written": [good], "failed": [unsupported]}
    assert "InternalServiceException" in next(step.reason for step in steps if step.outcome == "failed")
    ((*_, details),) = [event for event in events(connection) if event[1] == "tags.write.done"]
    assert [tag["resource_id"] for tag in details["failed"]] == [unsupported]
    assert [tag["resource_id"] for tag in details["written"]] == [good]


def test_an_account_that_cannot_be_asked_fails_and_others_go_on(
    cloud: Cloud, connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = cloud.topic("a")
    elsewhere = replace(proposal(f"arn:aws:sqs:{REGION}:210987654321:x"), sub_account_id="210987654321")
    secret = "AKIAverysecret"

    def connect(account: str, region: str) -> TaggingApi:
        if account == ACCOUNT:
            return cloud.connect(account, region)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
        return aws(SETTINGS)(account, region)

    steps = write_tags(connection, [proposal(arn), elsewhere], SETTINGS, connect, apply=True)
    assert outcomes(steps) == {"written": [arn], "failed": [elsewhere.resource_id]}
    (reason,) = [step.reason for step in steps if step.outcome == "failed"]
    assert reason.startswith(f"account 210987654321, region {REGION}: tags cannot be read:")
    assert secret not in reason


def test_another_account_is_written_to_in_its_role(cloud: Cloud, connection: psycopg.Connection[Any]) -> None:
    import boto3

    other = "210987654321"
    settings = TagWriteBack(
        approved_rules=("by-name",), region=REGION, role_arns={other: f"arn:aws:iam::{other}:role/finops-tags"}
    )
    given = boto3.client("sts", region_name=REGION).assume_role(
        RoleArn=settings.role_arns[other], RoleSessionName="test"
    )["Credentials"]
    sns = boto3.client(
        "sns",
        region_name=REGION,
        aws_access_key_id=given["AccessKeyId"],
        aws_secret_access_key=given["SecretAccessKey"],
        aws_session_token=given["SessionToken"],
    )
    arn = sns.create_topic(Name="theirs")["TopicArn"]
    assert arn.split(":")[4] == other
    theirs = replace(proposal(arn), sub_account_id=other)
    # Without the role, the account of the credentials does not know the resource.
    assert set(outcomes(write_tags(connection, [theirs], SETTINGS, aws(SETTINGS), apply=True))) == {"failed"}
    assert outcomes(write_tags(connection, [theirs], settings, aws(settings), apply=True)) == {"written": [arn]}
    assert sns.list_tags_for_resource(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "Search"}]
    assert given["SecretAccessKey"] not in str(events(connection))


def test_the_asset_writes_only_when_its_run_says_so(
    cloud: Cloud, finops_home: Path, database: str, tmp_path: Path
) -> None:
    arn = cloud.topic("a")
    make_mart(database, [proposal(arn)])
    (tmp_path / "finops-config.yaml").write_text(CONFIG)
    asset = cloud_tags(load_config(tmp_path / "finops-config.yaml"))

    def materialize(**run_config: Any) -> Any:
        return dg.materialize(
            [asset],
            resources={"warehouse": Warehouse()},
            run_config=run_config,
            instance=dg.DagsterInstance.ephemeral(),
        ).asset_materializations_for_node("cloud__tags")[0]

    assert materialize().metadata["proposed"].value == 1
    assert cloud.tags(arn) == {}
    applied = materialize(ops={"cloud__tags": {"config": {"apply": True}}})
    assert applied.metadata["written"].value == 1
    assert cloud.tags(arn) == {"team": "Search"}


def test_the_commands(cloud: Cloud, finops_home: Path, database: str, tmp_path: Path) -> None:
    arn = cloud.topic("a")
    config = tmp_path / "finops-config.yaml"
    config.write_text(CONFIG)

    def run(*arguments: str) -> Any:
        return CliRunner().invoke(main, ["tags", *arguments[:1], "--config", str(config), *arguments[1:]])

    nothing = run("propose")
    assert (nothing.exit_code, "no mart finops.tag_proposals yet" in nothing.stderr) == (1, True)
    make_mart(database, [proposal(arn), replace(proposal(arn, "project", "x"), virtual_tag_rule="guess")])
    with psycopg.connect(database) as connection:
        assert len(read_proposals(connection)) == 2
    assert "1 proposed, 1 skipped" in run("propose").output
    dry = run("write")
    assert "Nothing was written." in dry.output
    assert cloud.tags(arn) == {}
    assert "1 skipped, 1 written" in run("write", "--apply").output
    assert cloud.tags(arn) == {"team": "Search"}
    assert "1 removed" in run("undo", "1").output
    assert cloud.tags(arn) == {}
    assert os.environ["AWS_SECRET_ACCESS_KEY"] not in dry.output


def make_mart(database: str, proposals: list[Proposal]) -> None:
    with psycopg.connect(database) as connection:
        connection.execute(
            "create schema if not exists finops; create table finops.tag_proposals (proposal_id text, source_name text,"
            " sub_account_id text, resource_id text, tag_key text, tag_value text, virtual_tag_rule text,"
            " confidence numeric, effective_cost numeric)"
        )
        for one in proposals:
            connection.execute(
                "insert into finops.tag_proposals values (%s, %s, %s, %s, %s, %s, %s, %s, %s)", list(vars(one).values())
            )
