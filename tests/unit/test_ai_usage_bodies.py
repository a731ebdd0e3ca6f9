"""Usage bodies of models' responses: what is counted where, what is kept by name, and what cannot be."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from orchestration.lib.ai.usage_bodies import read_usage
from orchestration.lib.errors import FinopsError

ANTHROPIC = {
    "input_tokens": 10,
    "cache_read_input_tokens": 1000,
    "cache_creation_input_tokens": 300,
    "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200},
    "output_tokens": 50,
    "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
}


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        (
            ANTHROPIC,
            {
                "uncached_input_tokens": 10,
                "cache_read_tokens": 1000,
                "cache_write_5m_tokens": 100,
                "cache_write_1h_tokens": 200,
                "output_tokens": 50,
                "web_search_count": 2,
            },
        ),
        (
            {
                "inputTokens": 5,
                "cacheReadInputTokens": 7,
                "cacheReadInputTokenCount": 7,
                "outputTokens": 1,
                "totalTokens": 13,
            },
            {"uncached_input_tokens": 5, "cache_read_tokens": 7, "output_tokens": 1},
        ),
        (
            {
                "prompt_tokens": 100,
                "prompt_tokens_details": {"cached_tokens": 40, "audio_tokens": 20},
                "completion_tokens": 30,
                "completion_tokens_details": {"reasoning_tokens": 10, "audio_tokens": 5},
                "total_tokens": 130,
            },
            {
                "uncached_input_tokens": 40,
                "cache_read_tokens": 40,
                "input_audio_tokens": 20,
                "output_tokens": 25,
                "output_audio_tokens": 5,
                "reasoning_tokens": 10,
            },
        ),
        (
            {
                "input_tokens": 60,
                "input_token_details": {
                    "audio_tokens": 40,
                    "cached_tokens": 30,
                    "cached_tokens_details": {"audio_tokens": 25, "text_tokens": 5},
                },
                "output_tokens": 8,
                "output_token_details": {"audio_tokens": 8},
            },
            {
                "uncached_input_tokens": 15,
                "cache_read_tokens": 5,
                "input_audio_tokens": 15,
                "cache_read_audio_tokens": 25,
                "output_audio_tokens": 8,
            },
        ),
        (
            {
                "input_tokens": 50,
                "input_tokens_details": {"image_tokens": 40, "text_tokens": 10},
                "output_tokens": 4160,
            },
            {"uncached_input_tokens": 10, "input_image_tokens": 40, "output_tokens": 4160},
        ),
        (
            {
                "prompt_tokens": 5,
                "completion_tokens": 3,
                "completion_tokens_details": {"reasoning_tokens": 4},
                "total_tokens": 12,
            },
            {"uncached_input_tokens": 5, "output_tokens": 7, "reasoning_tokens": 4},
        ),
        (
            {
                "prompt_tokens": 50,
                "completion_tokens": 3,
                "prompt_cache_hit_tokens": 40,
                "prompt_cache_miss_tokens": 10,
            },
            {"uncached_input_tokens": 10, "cache_read_tokens": 40, "output_tokens": 3},
        ),
        (
            {"input_tokens": 1, "cache_creation": {"ephemeral_1h_input_tokens": 9}, "output_tokens": 2},
            {"uncached_input_tokens": 1, "cache_write_1h_tokens": 9, "output_tokens": 2},
        ),
        ({"type": "duration", "seconds": 12.5}, {"audio_seconds": Decimal("12.5")}),
    ],
    ids=[
        "anthropic",
        "bedrock",
        "openai chat",
        "openai realtime",
        "openai images",
        "xai",
        "deepseek",
        "writes alone",
        "transcription",
    ],
)
def test_counts_are_disjoint(usage: dict[str, Any], counts: dict[str, Any]) -> None:
    assert read_usage({"model": "m", "usage": usage}).counts == counts


def test_gemini_counts_thoughts_and_tools_beside_the_rest() -> None:
    usage = {
        "promptTokenCount": 100,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 60}, {"modality": "AUDIO", "tokenCount": 40}],
        "cachedContentTokenCount": 30,
        "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 10}, {"modality": "TEXT", "tokenCount": 20}],
        "toolUsePromptTokenCount": 5,
        "candidatesTokenCount": 7,
        "thoughtsTokenCount": 11,
        "totalTokenCount": 123,
    }
    assert read_usage({"usageMetadata": usage}).counts == {
        "uncached_input_tokens": 45,
        "cache_read_tokens": 20,
        "input_audio_tokens": 30,
        "cache_read_audio_tokens": 10,
        "output_tokens": 18,
        "reasoning_tokens": 11,
    }


def test_what_is_not_known_is_kept_by_name() -> None:
    assert read_usage({"usage": ANTHROPIC}).unknown == {"server_tool_use.web_fetch_requests": 1}
    assert read_usage({"usage": {"input_tokens": 1, "holograms": 3}}).unknown == {"holograms": 3}
    iterations = [{"type": "compaction", "input_tokens": 900}, {"type": "message", "input_tokens": 10}]
    assert read_usage({"usage": ANTHROPIC | {"iterations": iterations}}).unknown == {
        "server_tool_use.web_fetch_requests": 1,
        "iterations.compaction.input_tokens": 900,
    }


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({}, "reports no usage"),
        ({"usage": {"prompt_tokens": -1}}, "prompt_tokens = -1, which is no count"),
        ({"usage": {"prompt_tokens": 5, "prompt_tokens_details": {"cached_tokens": 6}}}, "uncached_input_tokens -1"),
        ({"usage": {"total_tokens": 5}}, "is of no known form"),
        ({"usage": {"input_tokens": "many"}}, "has no counts of the form responses"),
    ],
)
def test_what_cannot_be_is_refused(body: dict[str, Any], said: str) -> None:
    with pytest.raises(FinopsError, match="usage") as caught:
        read_usage(body)
    assert said in str(caught.value)
