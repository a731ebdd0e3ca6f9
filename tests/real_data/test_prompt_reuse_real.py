"""How much of a published trace of prompts repeats, and how much of it in time for a cache."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ml.savings.prompt_reuse import PromptRequest, prompt_reuse

BLOCK = 512


@pytest.fixture
def trace(real_data: Path) -> Path:
    path = real_data / "ai_usage" / "mooncake_synthetic_trace.jsonl.gz"
    if not path.exists():
        pytest.skip("no trace of prompts")
    return path


def requests(path: Path) -> Iterator[PromptRequest]:
    with gzip.open(path) as lines:
        for line in lines:
            row = json.loads(line)
            yield PromptRequest(row["timestamp"], row["input_length"], tuple(row["hash_ids"]))


def test_the_share_of_the_whole_trace_is_found(trace: Path) -> None:
    found = prompt_reuse(requests(trace), None, block_tokens=BLOCK)
    assert (found.requests, found.blocks, found.reused_blocks) == (3993, 121_877, 77_953)
    assert round(found.block_share, 4) == Decimal("0.6396")
    assert found.reused_tokens + found.written_tokens == found.input_tokens
    assert not found.is_lower_bound


@pytest.mark.parametrize(("life", "share"), [(timedelta(minutes=5), "0.5844"), (timedelta(hours=1), "0.6396")])
def test_what_remains_when_a_cache_forgets(trace: Path, life: timedelta, share: str) -> None:
    """The trace lasts 17 minutes, so that an hour forgets nothing of it."""
    found = prompt_reuse(requests(trace), life, block_tokens=BLOCK)
    assert round(found.block_share, 4) == Decimal(share)
    assert found.reused_blocks == _reused(trace, life)


def test_the_trace_in_windows_finds_less_the_shorter_they_are(trace: Path) -> None:
    """Cut into windows whose caches begin empty, as a cache that is thrown away at the end of each."""
    every = list(requests(trace))
    shares = []
    for minutes in (1, 5, 60):
        windows: dict[int, list[PromptRequest]] = {}
        for request in every:
            windows.setdefault(request.at // (minutes * 60_000), []).append(request)
        found = [prompt_reuse(window, None, block_tokens=BLOCK) for window in windows.values()]
        shares.append(sum(one.reused_blocks for one in found) / sum(one.blocks for one in found))
    assert shares == sorted(shares)
    assert round(shares[-1], 4) == 0.6396


def test_a_small_memory_finds_less_and_says_so(trace: Path) -> None:
    found = prompt_reuse(requests(trace), None, block_tokens=BLOCK, most_blocks=2_000)
    assert found.is_lower_bound
    assert 0 < found.block_share < Decimal("0.6396")


def _reused(path: Path, life: timedelta) -> int:
    """Worked out the plain way: of each prompt the blocks from its beginning that were used in the time before."""
    last: dict[tuple[int, ...], int] = {}
    reused = 0
    span = life // timedelta(milliseconds=1)
    for request in requests(path):
        for number in range(len(request.blocks)):
            prefix = (number, request.blocks[number])  # in this trace a hash covers all that comes before it
            if prefix not in last or request.at - last[prefix] > span:
                break
            reused += 1
        last |= dict.fromkeys(enumerate(request.blocks), request.at)
    return reused
