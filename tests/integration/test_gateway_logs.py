"""Logs of LiteLLM and OpenTelemetry are usage: disjoint token classes, each request once, no names, the spend as it was told."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration.lib.ai.pseudonyms import KEY_VARIABLE
from tests.support.feed import Feed
from tests.support.lines import csv_bytes, gzip_bytes, parquet_of
from tests.support.usage_logs import KEY, Record, json_lines, map_of, notes, usage

SPEND: Record = {
    "request_id": "r1",
    "call_type": "acompletion",
    "api_key": "88dc28",
    "spend": "5.4999999999999995e-05",
    "prompt_tokens": 110,
    "completion_tokens": 20,
    "total_tokens": 130,
    "startTime": "2025-03-04T05:27:12.563246",
    "endTime": "2025-03-04T05:27:13",
    "model": "openai/gpt-4o",
    "custom_llm_provider": "openai",
    "cache_hit": "None",
    "user": "jane@example.com",
    "end_user": "",
    "team_id": "team-1",
    "request_tags": '["app:shop", "nightly"]',
    "metadata": json.dumps(
        {
            "user_api_key_team_alias": "search",
            "user_api_key_alias": "shop key",
            "user_api_key_user_email": "jane@example.com",
            "requester_ip_address": "10.0.0.1",
            "requester_metadata": {"feature": "answers", "owner": "joe@example.com"},
            "usage_object": {
                "prompt_tokens": 110,
                "prompt_tokens_details": {"cached_tokens": 40, "cache_creation_tokens": 30, "audio_tokens": 5},
                "completion_tokens_details": {"reasoning_tokens": 7},
                "tool_tokens": 3,
            },
        }
    ),
}
COUNTS = (
    "l.request_count", "l.failed_request_count", "l.uncached_input_tokens", "l.cache_read_tokens", "l.cache_write_5m_tokens",
    "l.input_audio_tokens", "l.output_tokens", "l.reasoning_tokens",
)  # fmt: skip


@pytest.fixture
def gateway(module_database: str, source_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Feed:
    """A source of LiteLLM logs of this test alone."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    return Feed(module_database, tmp_path / "litellm", "litellm", name=source_name)


@pytest.fixture
def spans(module_database: str, source_name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Feed:
    """A source of OpenTelemetry logs of this test alone."""
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    return Feed(module_database, tmp_path / "otel", "otel_genai", name=source_name)


def in_file(kind: str, *records: Record) -> bytes:
    """Records as a file of a kind."""
    if kind == "csv":
        return csv_bytes(*records)
    if kind == "csv.gz":
        return gzip_bytes(*records)
    if kind == "json":
        return json.dumps(records).encode()
    return parquet_of(pa.Table.from_pylist(list(records))) if kind == "parquet" else json_lines(*records)


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "json", "jsonl", "parquet"])
def test_a_spend_log_becomes_usage(gateway: Feed, kind: str) -> None:
    gateway.deliver(f"2025-03/spend.{kind}", in_file(kind, SPEND))
    gateway.load_one()
    assert usage(gateway, *COUNTS, "l.reported_cost::text") == [(1, 0, 35, 40, 30, 5, 20, 7, "0.000054999999999999995")]
    assert usage(
        gateway, "a.provider", "a.model", "a.delivered_model", "a.operation", "a.project_id", "a.project_name", "a.api_key_id",
        "l.usage_start::text", "a.billing_period_start::text",
    ) == [
        ("openai", "gpt-4o", "openai/gpt-4o", "completions", "team-1", "search", "88dc28", "2025-03-04 05:00:00+00",
         "2025-03-01 00:00:00+00")
    ]  # fmt: skip
    ((tags, unknown, user),) = usage(gateway, map_of("tags"), map_of("unknown_usage"), "a.user_id")
    assert tags == {
        "team": "search", "app": "shop", "request_tags": "nightly", "feature": "answers", "user_api_key_alias": "shop key",
        "user_api_key_team_alias": "search", "project_id": "team-1", "api_key_id": "88dc28", "user_id": user,
        "user_api_key_user_email": user, "owner": tags["owner"], "requester_ip_address": tags["requester_ip_address"],
    }  # fmt: skip
    assert unknown == {"tool_tokens": "3"}
    assert not any(name in str(gateway.content()) + str(tags) for name in ("jane", "joe", "10.0.0.1"))
    assert notes(gateway) == [
        "tool_tokens is not known: kept in unknown_usage, without a price: 1, first in 2025-03/spend."
        f"{kind}: line {2 if 'csv' in kind else 1}"
    ]


def test_spends_of_an_hour_add_up_exactly(gateway: Feed) -> None:
    costs = ["0.1", "1e-17", "3.3333333333333333"]
    gateway.deliver("2025-03/a.jsonl", json_lines(*(SPEND | {"request_id": cost, "spend": cost} for cost in costs)))
    gateway.load_one()
    assert usage(gateway, "l.request_count", "l.reported_cost") == [(3, Decimal("3.43333333333333331"))]


def test_a_number_of_json_is_the_digits_that_it_has(gateway: Feed) -> None:
    text = json.dumps(SPEND).replace('"5.4999999999999995e-05"', "0.12345678901234567890123")
    gateway.deliver("2025-03/a.jsonl", text.encode())
    gateway.load_one()
    assert usage(gateway, "l.reported_cost::text") == [("0.12345678901234567890123",)]


def test_cached_answers_failures_and_repeats(gateway: Feed) -> None:
    gateway.deliver(
        "2025-03/a.jsonl",
        json_lines(
            SPEND,
            SPEND | {"request_id": "r2", "cache_hit": "True", "spend": 0},
            SPEND | {"request_id": "r3", "status": "failure", "prompt_tokens": 0, "completion_tokens": 0, "spend": 0,
                     "metadata": '{"error_information": {"error_class": "RateLimitError"}}'},
        ),
    )  # fmt: skip
    gateway.deliver("2025-03/b.jsonl", json_lines(SPEND))
    gateway.load_one()
    assert usage(gateway, "sum(l.request_count)", "sum(l.output_tokens)", "sum(l.failed_request_count)") == [(3, 20, 1)]
    assert usage(gateway, "a.status", "l.request_count") == [("RateLimitError", 1), (None, 2)]
    assert [note.split(":")[0] for note in notes(gateway)] == [
        "requests that the gateway answered from its own cache used no tokens",
        "requests that were delivered before are counted once",
        "tool_tokens is not known",
    ]


def test_a_key_in_clear_is_kept_as_its_hash(gateway: Feed) -> None:
    gateway.deliver("2025-03/a.jsonl", json_lines(SPEND | {"api_key": "sk-secret"}))
    gateway.load_one()
    assert "sk-secret" not in str(gateway.content())
    assert usage(gateway, "length(a.api_key_id)") == [(64,)]


def test_a_file_without_a_month_in_its_path_goes_by_its_rows(gateway: Feed) -> None:
    gateway.deliver("spend.csv", in_file("csv", SPEND))
    gateway.load_one()
    assert usage(gateway, "s.billing_period::text") == [("2025-03-01",)]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"prompt_tokens": -5}, "line 2, prompt_tokens: '-5' is negative"),
        ({"completion_tokens": "many"}, "line 2, completion_tokens: 'many' is not a number"),
        ({"spend": "NaN"}, "line 2, spend: 'NaN' is not a number"),
        ({"startTime": None}, "line 2, startTime: 'None' is not a date and time"),
        ({"model": ""}, "line 2, model: 'None' is no model"),
        ({"metadata": "{"}, "line 2, metadata: '{' is not JSON"),
        (
            {"startTime": "2025-06-01T00:00:00Z"},
            "line 2, startTime: '2025-06-01T00:00:00Z' is more than a day outside 2025-03",
        ),
    ],
)
def test_a_bad_row_is_named_and_the_former_delivery_stays(gateway: Feed, changes: Record, error: str) -> None:
    gateway.deliver("2025-03/a.jsonl", json_lines(SPEND))
    gateway.load_one()
    before = gateway.content()
    gateway.deliver("2025-03/a.jsonl", json_lines(SPEND, SPEND | {"request_id": "r2"} | changes))
    assert gateway.refuse_one().startswith(f"2025-03/a.jsonl: {error}")
    assert gateway.content() == before


def test_the_published_sample(gateway: Feed, real_data: Path) -> None:
    sample = real_data / "ai_usage" / "litellm_spend_log_sample.json"
    if not sample.exists():
        pytest.skip("needs the folder of real data")
    gateway.deliver("2024-08/spend.json", sample.read_bytes())
    gateway.load_one()
    assert usage(gateway, *COUNTS, "l.reported_cost::text", "a.provider", "a.model") == [
        (1, 0, 10, 0, 0, 0, 20, None, "0.000054999999999999995", "openai", "gpt-3.5-turbo")
    ]


ATTRIBUTES: Record = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "anthropic",
    "gen_ai.request.model": "claude-sonnet-4-5",
    "gen_ai.response.model": "claude-sonnet-4-5-20250929",
    "gen_ai.usage.input_tokens": 110,
    "gen_ai.usage.output_tokens": 20,
    "gen_ai.usage.cache_read.input_tokens": 40,
    "gen_ai.usage.cache_creation.input_tokens": 30,
    "gen_ai.usage.reasoning.output_tokens": 7,
    "gen_ai.usage.video_tokens": 2,
    "enduser.id": "jane@example.com",
    "team": "search",
}
RESOURCE = {"service.name": "shop", "process.pid": 7}
NANOSECONDS = "1741066032563246000"  # 2025-03-04T05:27:12.563246Z


def otlp_attributes(values: Record) -> list[Record]:
    return [
        {"key": key, "value": {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}}
        for key, value in values.items()
    ]


def otlp(*spans: Record) -> Record:
    """An export of spans, each the attributes that differ and the fields of the span."""
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": otlp_attributes(RESOURCE)},
                "scopeSpans": [
                    {
                        "spans": [
                            {
                                "traceId": "t1", "spanId": f"s{number}", "startTimeUnixNano": NANOSECONDS,
                                "attributes": otlp_attributes(ATTRIBUTES | span), "status": {},
                            }
                            for number, span in enumerate(spans)
                        ]
                    }
                ],
            }
        ]
    }  # fmt: skip


def flat(**changes: Any) -> Record:
    """A span as one row."""
    return {"trace_id": "t1", "span_id": "s0", "start_time": "2025-03-04T05:27:12Z"} | RESOURCE | ATTRIBUTES | changes


@pytest.mark.parametrize("shape", ["otlp", "csv", "jsonl", "parquet", "nested", "underscores"])
def test_a_span_becomes_usage(spans: Feed, shape: str) -> None:
    if shape == "otlp":
        content = json_lines(otlp({}))
    elif shape == "nested":
        content = json_lines(
            {"trace_id": "t1", "span_id": "s0", "start_time": "2025-03-04T05:27:12Z", "attributes": ATTRIBUTES,
             "resource": {"attributes": RESOURCE}}
        )  # fmt: skip
    elif shape == "underscores":
        content = csv_bytes({name.replace("gen_ai.", "gen_ai_"): value for name, value in flat().items()})
    else:
        content = in_file(shape, flat())
    kind = {"otlp": "jsonl", "nested": "jsonl", "underscores": "csv"}.get(shape, shape)
    spans.deliver(f"2025-03/spans.{kind}", content)
    spans.load_one()
    assert usage(spans, *COUNTS) == [(1, 0, 40, 40, 30, 0, 20, 7)]
    assert usage(spans, "a.provider", "a.model", "a.operation", "a.principal", "l.usage_start::text") == [
        ("anthropic", "claude-sonnet-4-5-20250929", "completions", "shop", "2025-03-04 05:00:00+00")
    ]
    ((tags, unknown, user),) = usage(spans, map_of("tags"), map_of("unknown_usage"), "a.user_id")
    assert tags == {"team": "search", "service.name": "shop", "principal": "shop", "user_id": user}
    assert list(unknown.values()) == ["2"]
    assert "jane" not in str(spans.content())


def test_spans_around_requests_are_not_counted_again(spans: Feed) -> None:
    spans.deliver(
        "2025-03/a.jsonl",
        json_lines(
            otlp({}, {"gen_ai.operation.name": "invoke_agent"}, {"gen_ai.operation.name": "execute_tool"}), otlp({})
        ),
    )
    spans.load_one()
    assert usage(spans, "l.request_count", "l.output_tokens") == [(1, 20)]
    assert len(notes(spans)) == 4  # two kinds of spans, the repeated request, the unknown count


def test_names_of_former_conventions(spans: Feed) -> None:
    old = {
        "start_time": "2025-03-04T05:27:12Z", "gen_ai.system": "aws.bedrock", "gen_ai.request.model": "us.amazon.nova-lite-v1:0",
        "gen_ai.usage.prompt_tokens": 5, "gen_ai.usage.completion_tokens": 6, "error.type": "ThrottlingException",
    }  # fmt: skip
    spans.deliver("2025-03/a.jsonl", json_lines(old))
    spans.load_one()
    assert usage(spans, *COUNTS[:3], "l.output_tokens", "a.provider", "a.model", "a.status") == [
        (1, 1, 5, 6, "aws", "amazon.nova-lite-v1:0", "ThrottlingException")
    ]


def test_spans_that_are_none(spans: Feed) -> None:
    spans.deliver("2025-03/a.jsonl", b'{"resourceSpans": [7]}\n')
    assert spans.refuse_one().startswith("2025-03/a.jsonl: line 1: not spans as OTLP JSON has them")
