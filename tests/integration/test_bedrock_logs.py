"""Bedrock's invocation logs are usage to the last token: each request once, whoever called and however it is named."""

import gzip
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.lib.ai.pseudonyms import KEY_VARIABLE
from tests.support.feed import Feed
from tests.support.moto_server import moto_server, set_credentials
from tests.support.usage_logs import FOLDER, KEY, bedrock, json_lines, log_object, map_of, notes, tokens, usage

SONNET = "anthropic.claude-sonnet-4-20250514-v1:0"


@pytest.fixture
def logs(module_database: str, source_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Feed:
    """A source of logs of this test alone."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    return Feed(module_database, tmp_path / "logs", "bedrock_logs", name=source_name)


def test_a_record_becomes_usage_of_its_hour(logs: Feed) -> None:
    logs.deliver(f"{FOLDER}/04/05/part.json.gz", log_object(bedrock()))
    logs.load_one()
    assert usage(
        logs, "l.usage_start::text", "l.usage_end::text", "l.request_count", "l.failed_request_count",
        "l.uncached_input_tokens", "l.cache_read_tokens", "l.cache_write_5m_tokens", "l.output_tokens",
        "a.provider", "a.operation", "a.model", "a.delivered_model", "a.region", "a.inference_geo", "a.project_id",
        "a.principal", "a.status", "a.context_window", "s.billing_period::text",
    ) == [
        ("2025-03-04 05:00:00+00", "2025-03-04 06:00:00+00", 1, 0, 4, 3, 2, 38, "aws", "completions", "amazon.nova-lite-v1:0",
         "amazon.nova-lite-v1:0", "us-east-1", "us-west-2", "123456789012",
         "arn:aws:sts::123456789012:assumed-role/team-a", None, "0-200k", "2025-03-01"),
    ]  # fmt: skip
    ((user, tags),) = usage(logs, "a.user_id", map_of("tags"))
    assert user.startswith("u_")
    assert tags == {
        "team": "search", "project_id": "123456789012", "user_id": user,
        "principal": "arn:aws:sts::123456789012:assumed-role/team-a",
    }  # fmt: skip
    assert notes(logs) == []


def test_no_name_is_stored(logs: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"team": "search", "user": "jane", "contact": "jane@example.com"}
    logs.deliver(f"{FOLDER}/04/05/part.json.gz", log_object(bedrock(requestMetadata=told)))
    logs.load_one()
    assert "jane" not in str(logs.content())
    ((tags, user),) = usage(logs, map_of("tags"), "a.user_id")
    assert "jane" not in str(tags)
    assert tags["contact"] == user
    monkeypatch.delenv(KEY_VARIABLE)
    assert logs.load_one().changed, "with another key, or none, the same files say something else"
    assert usage(logs, "a.user_id") == [(None,)]
    assert "jane" not in str(logs.content())


def test_requests_of_an_hour_are_one_row_for_each_set_of_attributes(logs: Feed) -> None:
    records = [
        bedrock(f"r{number}", timestamp=f"2025-03-04T05:{number:02}:00Z", tokens=(number, 1, 0, 2))
        for number in range(60)
    ]
    logs.deliver(f"{FOLDER}/04/05/a.json.gz", log_object(*records[:30]))
    logs.deliver(f"{FOLDER}/04/05/b.json.gz", log_object(*records[30:], bedrock("x", requestMetadata={"team": "pay"})))
    assert logs.load_one().line_count == 2
    assert usage(logs, "l.request_count", "l.uncached_input_tokens") == [(1, 4), (60, sum(range(60)))]


@pytest.mark.parametrize(
    ("model_id", "model"),
    [
        (f"us.{SONNET}", SONNET),
        (f"apac.{SONNET}", SONNET),
        (f"global.{SONNET}", f"global.{SONNET}"),
        (f"arn:aws:bedrock:us-east-1:123456789012:inference-profile/eu.{SONNET}", SONNET),
        (f"arn:aws:bedrock:us-east-1::foundation-model/{SONNET}", SONNET),
        ("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc", SONNET),
        (
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/zzz",
            "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/zzz",
        ),
        ("meta.llama3-1-8b-instruct-v1:0", "meta.llama3-1-8b-instruct-v1:0"),
    ],
)
def test_profiles_are_resolved_to_models(logs: Feed, model_id: str, model: str) -> None:
    profiles = {"abc": f"us.{SONNET}"}
    named = Feed(logs.url, logs.root, "bedrock_logs", name=logs.source.name, inference_profiles=profiles)
    named.deliver(f"{FOLDER}/04/05/part.json.gz", log_object(bedrock(modelId=model_id)))
    named.load_one()
    assert usage(named, "a.model", "a.delivered_model") == [(model, model_id)]


def test_the_same_object_under_two_keys_counts_once_and_is_said(logs: Feed) -> None:
    same = log_object(bedrock("r1"), bedrock("r2"))
    logs.deliver(f"{FOLDER}/04/05/part.json.gz", same)
    logs.deliver(f"{FOLDER}/04/06/copy.json.gz", same)
    logs.load_one()
    assert tokens(logs) == (2, 0, 8, 6, 4, 76)
    assert notes(logs) == [
        f"requests that were delivered before are counted once: 2, first in {FOLDER}/04/06/copy.json.gz: line 1"
    ]


def test_a_request_in_two_objects_counts_once(logs: Feed) -> None:
    logs.deliver(f"{FOLDER}/04/05/a.json.gz", log_object(bedrock("r1"), bedrock("r1"), bedrock("r2")))
    logs.deliver(f"{FOLDER}/20/05/b.json.gz", log_object(bedrock("r3"), bedrock("r2")))
    logs.load_one()
    assert tokens(logs)[0] == 3
    assert notes(logs) == [
        f"requests that were delivered before are counted once: 2, first in {FOLDER}/04/05/a.json.gz: line 2"
    ]


def test_an_error_is_a_failed_request(logs: Feed) -> None:
    failed = bedrock("r2", errorCode="ThrottlingException")
    del failed["output"], failed["input"]
    logs.deliver(f"{FOLDER}/04/05/a.json.gz", log_object(bedrock("r1", status="success"), failed))
    logs.load_one()
    assert tokens(logs) == (2, 1, 4, 3, 2, 38)
    assert usage(logs, "a.status", "l.request_count") == [("ThrottlingException", 1), (None, 1)]


def test_a_clock_that_is_off_by_hours_is_followed(logs: Feed) -> None:
    logs.deliver(f"{FOLDER}/31/23/a.json.gz", log_object(bedrock(timestamp="2025-04-01T00:00:03Z")))
    logs.load_one()
    assert usage(logs, "l.charge_date::text", "a.billing_period_start::text", "s.billing_period::text") == [
        ("2025-04-01", "2025-04-01 00:00:00+00", "2025-03-01")
    ]
    assert notes(logs) == [
        "records of another month than their folder are shown in the month of their timestamp: 1, "
        f"first in {FOLDER}/31/23/a.json.gz: line 1"
    ]


def test_times_with_another_zone_are_of_their_utc_hour(logs: Feed) -> None:
    logs.deliver(f"{FOLDER}/04/05/a.json.gz", log_object(bedrock(timestamp="2025-03-04T05:59:59.999+05:30")))
    logs.load_one()
    assert usage(logs, "l.usage_start::text") == [("2025-03-04 00:00:00+00",)]


def test_unknown_counts_are_kept_and_said(logs: Feed) -> None:
    records = [bedrock(f"r{number}") for number in range(2)]
    for number, record in enumerate(records):
        record["input"] |= {"videoTokenCount": 10 + number}
    # Between a body and the counts that are known, and behind them.
    body = '"inputTokenCount":4'
    line = json_lines(bedrock("r3")).decode().replace(body, f'"imageTokenCount":5,{body}')
    logs.deliver(f"{FOLDER}/04/05/a.json.gz", gzip.compress(json_lines(*records) + line.encode()))
    logs.load_one()
    assert tokens(logs) == (3, 0, 12, 9, 6, 114)
    assert usage(logs, map_of("unknown_usage")) == [({"input.imageTokenCount": "5", "input.videoTokenCount": "21"},)]
    assert len(notes(logs)) == 2
    assert "input.videoTokenCount is not known: kept in unknown_usage, without a price: 2, first in" in notes(logs)[1]


TRICKY = [
    {"nested": {"inputTokenCount": 99, "outputTokenCount": 98}},
    {"a": [{"inputBodyJson": {"x": 1}, "inputTokenCount": 97}]},
    {"inputTextTokenCount": 96, "results": [{"tokenCount": 95}]},
    'text with " and \\ and },"inputTokenCount":94',
    [],
    None,
]


@pytest.mark.parametrize("body", TRICKY, ids=range(len(TRICKY)))
def test_what_is_in_a_body_is_no_count(logs: Feed, body: object) -> None:
    record = bedrock()
    record["input"]["inputBodyJson"] = body
    record["output"]["outputBodyJson"] = body
    moved = bedrock("r2")
    moved["input"] = {name: moved["input"][name] for name in reversed(moved["input"])} | {"inputBodyJson": body}
    moved["output"] = {name: moved["output"][name] for name in reversed(moved["output"])}
    backwards = {name: record[name] for name in reversed(record)} | {"requestId": "r3"}
    logs.deliver(f"{FOLDER}/04/05/a.json.gz", log_object(record, moved, backwards))
    logs.load_one()
    assert tokens(logs) == (3, 0, 12, 9, 6, 114)
    assert notes(logs) == []


def _refused(logs: Feed, content: bytes) -> str:
    """Deliver a good month, then this: it is refused, and the good one stays."""
    path = logs.deliver(f"{FOLDER}/04/05/part.json.gz", log_object(bedrock(), bedrock("r2")))
    logs.load_one()
    before = logs.content(), logs.days()
    path.write_bytes(content)
    error = logs.refuse_one()
    assert (logs.content(), logs.days()) == before
    assert logs.leftovers() == []
    assert logs.ledger()[-1] == ("rejected", error)
    return error


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"tokens": (4, -3, 0, 1)}, "line 2, cacheReadInputTokenCount: '-3' is negative"),
        ({"tokens": (4, 3, 0, -1)}, "line 2, outputTokenCount: '-1' is negative"),
        ({"tokens": (4, 3, 0, 1.5)}, "line 2, outputTokenCount: '1.5' is not a count"),
        ({"tokens": (4, "many", 0, 1)}, "line 2, cacheReadInputTokenCount: 'many' is not a number"),
        ({"tokens": (True, 0, 0, 1)}, "line 2, inputTokenCount: 'True' is not a number"),
        ({"timestamp": "yesterday"}, "line 2, timestamp: 'yesterday' is not a date and time"),
        ({"timestamp": None}, "line 2, timestamp: 'None' is not a date and time"),
        (
            {"timestamp": "2025-04-02T01:00:00Z"},
            "line 2, timestamp: '2025-04-02T01:00:00Z' is more than a day outside 2025-03",
        ),
        ({"modelId": None}, "line 2, modelId: 'None' is no model"),
        ({"input": 7}, "line 2: not a record of a model invocation log"),
        ({"identity": "jane"}, "line 2: not a record of a model invocation log"),
        ({"requestMetadata": ["a"]}, "line 2, requestMetadata: '[\"a\"]' is not a JSON object"),
        ({"requestMetadata": {"a": "b\0"}}, "holds a NUL byte"),
    ],
)
def test_a_bad_record_is_named(logs: Feed, changes: dict[str, object], error: str) -> None:
    told = _refused(logs, log_object(bedrock("r1"), bedrock("r2", **changes), bedrock("r3")))
    assert f"{FOLDER}/04/05/part.json.gz: {error}" in told or ("NUL" in error and error in told)


def test_a_negative_count_that_is_not_known_is_refused(logs: Feed) -> None:
    record = bedrock()
    record["output"]["audioTokenCount"] = -1
    assert "line 1, output.audioTokenCount: '-1' is negative" in _refused(logs, log_object(record))


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (log_object(*(bedrock(f"r{n}") for n in range(500)))[:-20], "the gzip stream is cut off or damaged"),
        (gzip.compress(json_lines(bedrock()) + json_lines(bedrock("r2"))[:-400], mtime=0), "line 2 is not whole JSON"),
        (gzip.compress(b"[1]\n", mtime=0), "line 1 is a list, not a JSON object"),
        (b"", "the file is empty"),
        (gzip.compress(b"\n\n", mtime=0), "the delivery has no rows"),
    ],
)
def test_a_broken_file_is_named_and_the_former_delivery_stays(logs: Feed, content: bytes, error: str) -> None:
    told = _refused(logs, content)
    assert told.startswith(f"{FOLDER}/04/05/part.json.gz: {error}")


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Address of an S3 server on this machine."""
    with moto_server() as address:
        yield address


def test_a_bucket_holds_what_a_folder_holds(logs: Feed, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import boto3

    set_credentials(monkeypatch)
    s3 = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    s3.create_bucket(Bucket="halden-logs")
    same = log_object(bedrock("r1"), bedrock("r2", tokens=(5, 0, 0, 7)))
    for key in (f"{FOLDER}/04/05/a.json.gz", f"{FOLDER}/04/05/copy.json.gz", f"{FOLDER}/04/05/data/r1_input.json.gz"):
        logs.deliver(key, same)
        s3.put_object(Bucket="halden-logs", Key=f"logs/{key}", Body=same)
    logs.load_one()
    bucket = Feed(
        logs.url, logs.root, "bedrock_logs", name=f"{logs.source.name}_s", location="s3://halden-logs/logs",
        endpoint_url=endpoint, region="us-east-1",
    )  # fmt: skip
    bucket.load_one()
    assert tokens(bucket) == (2, 0, 9, 3, 2, 45)
    assert bucket.content() == logs.content()
    assert bucket.days() == logs.days()
    assert notes(bucket) == notes(logs) != []
    assert not bucket.load_one().changed


def test_long_bodies_beside_the_log_are_not_read(logs: Feed) -> None:
    logs.deliver(f"{FOLDER}/04/05/part.json.gz", log_object(bedrock()))
    logs.deliver(f"{FOLDER}/04/05/data/r1_input.json.gz", gzip.compress(b'{"messages": []}'))
    logs.deliver("AWSLogs/123456789012/BedrockModelInvocationLogs/amazon-bedrock-logs-permission-check", b"")
    assert logs.load_one().line_count == 1


def test_metadata_that_differs_with_each_request_can_be_left_out(logs: Feed) -> None:
    some = Feed(logs.url, logs.root, "bedrock_logs", name=logs.source.name, left_out_tags=["traceId"])
    records = [bedrock(f"r{number}", requestMetadata={"team": "a", "traceId": str(number)}) for number in range(9)]
    some.deliver(f"{FOLDER}/04/05/part.json.gz", log_object(*records))
    assert some.load_one().line_count == 1
    assert some.value("select sum(l.request_count) from raw.ai_usage_records l join raw.scopes s using (scope_id)"
                      " where source_name = %s", some.source.name) == Decimal(9)  # fmt: skip


def test_the_sample_record_of_the_api(logs: Feed, real_data: Path) -> None:
    sample = real_data / "ai_usage" / "api_shapes" / "bedrock_model_invocation_log.json"
    if not sample.exists():
        pytest.skip("needs the folder of real data")
    import json

    logs.deliver(f"{FOLDER}/11/00/part.json", json_lines(json.loads(sample.read_text())))
    logs.load_one()
    assert tokens(logs) == (1, 0, 4, 0, 0, 38)
    assert usage(logs, "a.model", "l.usage_start::text") == [("amazon.nova-lite-v1:0", "2025-03-11 00:00:00+00")]
