"""A cache of prompt prefixes, by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ml.savings.prompt_reuse import PromptRequest, prompt_reuse

MINUTES = 60_000
LIFE = timedelta(minutes=5)


def request(minute: float, *blocks: int, tokens: int | None = None) -> PromptRequest:
    return PromptRequest(int(minute * MINUTES), 100 * len(blocks) if tokens is None else tokens, blocks)


def test_a_prefix_is_reused_and_not_any_block() -> None:
    found = prompt_reuse([request(0, 1, 2, 3), request(1, 1, 9, 3), request(2, 2, 3)], LIFE, block_tokens=100)
    assert (found.blocks, found.reused_blocks) == (8, 1)
    assert (found.input_tokens, found.reused_tokens, found.written_tokens) == (800, 100, 700)
    assert found.useful_written_tokens == 100


def test_a_read_renews_what_it_reads_alone() -> None:
    asked = [request(0, 1, 2), request(4, 1), request(8, 1, 2)]
    found = prompt_reuse(asked, LIFE, block_tokens=100)
    assert found.reused_blocks == 2  # block 1 at four and eight minutes; block 2 is eight minutes old by then
    assert prompt_reuse(asked, timedelta(hours=1), block_tokens=100).reused_blocks == 3
    assert prompt_reuse([request(0, 1), request(5, 1)], LIFE, block_tokens=100).reused_blocks == 1
    assert prompt_reuse([request(0, 1), request(5.01, 1)], LIFE, block_tokens=100).reused_blocks == 0


def test_the_last_block_may_be_shorter() -> None:
    found = prompt_reuse([request(0, 1, 2, tokens=130), request(1, 1, 2, tokens=130)], LIFE, block_tokens=100)
    assert (found.reused_tokens, found.written_tokens) == (130, 130)
    assert (found.identical_requests, found.identical_tokens) == (1, 130)


def test_what_is_too_short_is_neither_written_nor_read() -> None:
    asked = [request(0, 1, 2), request(1, 1, 2), request(2, 1, 2, 3), request(3, 1, 2, 4), request(4, 1, 2, 3, 5)]
    found = prompt_reuse(asked, LIFE, block_tokens=100, minimum_tokens=300)
    # The first two are shorter than 300; of the fourth only 200 repeat, of the fifth 300.
    assert (found.reused_tokens, found.reused_blocks) == (300, 3)
    assert found.written_tokens == 300 + 300 + 100


def test_identical_requests_are_those_of_the_same_prompt_in_time() -> None:
    asked = [request(0, 1, 2), request(1, 1, 2), request(2, 1), request(9, 1, 2)]
    assert prompt_reuse(asked, LIFE, block_tokens=100).identical_requests == 1
    assert prompt_reuse(asked, None, block_tokens=100).identical_requests == 2


def test_time_does_not_go_back() -> None:
    with pytest.raises(ValueError, match="request 2 is of an earlier time"):
        prompt_reuse([request(1, 1), request(0, 1)], LIFE, block_tokens=100)


def test_memory_is_bounded_by_what_is_alive() -> None:
    """A million blocks go by; what is older than the cache lives is forgotten, so that nothing is full."""
    asked = (request(minute, *range(100 * minute, 100 * minute + 100)) for minute in range(2_000))
    found = prompt_reuse(asked, LIFE, block_tokens=100, most_blocks=601)
    assert (found.blocks, found.reused_blocks, found.is_lower_bound) == (200_000, 0, False)
