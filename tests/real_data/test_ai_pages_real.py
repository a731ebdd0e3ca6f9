"""The published answers of the usage and cost APIs, loaded as they are."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration.lib.ai import fetch
from orchestration.lib.ai.openai_pages import GROUPS
from orchestration.lib.checks import check_batch
from orchestration.lib.config_sources import Source
from orchestration.lib.formats.registry import READINGS
from orchestration.lib.readers import Batch


def read(tmp_path: Path, format_name: Any, kind: str, page: dict[str, Any], part: str = "") -> Batch:
    """The batch of one page, by the reader that its source has for it."""
    start = page["data"][0].get("starting_at") or datetime.fromtimestamp(page["data"][0]["start_time"], UTC).isoformat()
    key = f"{kind}/{start[:7]}/{start[:10]}.jsonl.gz"
    path = tmp_path / "page"
    path.write_bytes(gzip.compress(json.dumps(page).encode() + b"\n"))
    (reading,) = [one for one in READINGS[format_name] if one.part == part]
    assert reading.read
    (batch,) = reading.read(Source(name="ai", format=format_name), path, key)
    check_batch(batch, reading.format)
    assert batch.ignored == ()
    return batch


def numbers(batch: Batch) -> dict[str, list[Decimal | None]]:
    return {
        name: [None if text is None else Decimal(text) for text in array.to_pylist()]
        for name, array in batch.columns.items()
        if array.type == pa.string()
    }


def test_every_published_answer_of_openai_is_read(real_data: Path, tmp_path: Path) -> None:
    examples = json.loads((real_data / "ai_usage" / "openai_usage_costs_api_examples.json").read_text())
    assert {path.rpartition("/")[2] for path in examples} == {*GROUPS, "costs"}
    found = {
        kind: numbers(
            read(tmp_path, "openai", kind, examples[path]["response_example"], "" if kind == "costs" else "/usage")
        )
        for path in examples
        if (kind := path.rpartition("/")[2])
    }
    assert found["costs"]["billed_cost"] == found["costs"]["effective_cost"] == [Decimal("0.06")]
    assert found["completions"] == {
        "uncached_input_tokens": [400],
        "cache_read_tokens": [300],
        "cache_write_5m_tokens": [100],
        "input_audio_tokens": [50],
        "cache_read_audio_tokens": [50],
        "output_tokens": [400],
        "output_audio_tokens": [50],
        "input_image_tokens": [50],
        "cache_read_image_tokens": [50],
        "output_image_tokens": [50],
        "request_count": [5],
    }
    # The published bucket of stored bytes is of a whole day.
    assert found["vector_stores"] == {"storage_byte_hours": [1024 * 24]}
    assert found["images"] == {"image_count": [2], "request_count": [2]}


@pytest.mark.parametrize("name", ["usage_report_messages_2025", "usage_report_messages_2026"])
def test_published_messages_of_anthropic(real_data: Path, tmp_path: Path, name: str) -> None:
    samples = json.loads((real_data / "ai_usage" / "anthropic_usage_cost_report_samples.json").read_text())
    assert numbers(read(tmp_path, "anthropic", "messages", samples[name], "/usage")) == {
        "uncached_input_tokens": [1500],
        "cache_read_tokens": [200],
        "cache_write_5m_tokens": [500],
        "cache_write_1h_tokens": [1000],
        "output_tokens": [500],
        "web_search_count": [10],
    }


def test_the_published_cost_report_is_in_cents(real_data: Path, tmp_path: Path) -> None:
    page = json.loads((real_data / "ai_usage" / "api_shapes" / "anthropic_cost_report.response.json").read_text())
    batch = read(tmp_path, "anthropic", "cost_report", page)
    assert numbers(batch)["billed_cost"] == [Decimal("1.2378912"), Decimal("0.5")]
    assert batch.columns["sku_meter"].to_pylist() == ["uncached_input_tokens", "web_search_count"]


def test_requests_keep_to_the_published_parameters(real_data: Path) -> None:
    published = json.loads((real_data / "ai_usage" / "api_shapes" / "openai_usage_cost.parameters.json").read_text())
    _, endpoints = fetch.APIS["openai"]
    assert {endpoint.path.removeprefix("/v1") for endpoint in endpoints} == set(published)
    for endpoint in endpoints:
        known = {one["name"]: one["schema"] for one in published[endpoint.path.removeprefix("/v1")]}
        for name, value in endpoint.parameters(datetime(2025, 10, 2, tzinfo=UTC).date()):
            allowed = known[name].get("items", known[name])
            assert value.isdigit() if allowed["type"] == "integer" else value in allowed["enum"], (endpoint.kind, name)
        asked = [
            value for name, value in endpoint.parameters(datetime(2025, 10, 2, tzinfo=UTC).date()) if name == "group_by"
        ]
        assert asked == known["group_by"]["items"]["enum"]
