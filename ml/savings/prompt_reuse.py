"""How much of the prompts in a log repeats what came before, in time for a cache that forgets. Streamed.

What a provider can reuse is a prefix: the blocks from the beginning of a prompt up to the first that is not in the cache. Each read
renews the life of what was read.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

_MOST_BLOCKS = 4_000_000
"""How many blocks are remembered, in some hundred megabytes. A cache that holds more than that reuses at least what is found."""


@dataclass(frozen=True)
class PromptRequest:
    """A request of a log: its time in milliseconds, the tokens of its prompt, and a hash of each block of them."""

    at: int
    input_tokens: int
    blocks: tuple[Any, ...]


@dataclass
class Reuse:
    """What was found. `written_tokens`: what a cache takes in anew; `useful_written_tokens`: what of it was read again in time.

    `identical_*`: requests whose whole prompt came before in time. `is_lower_bound`: more blocks were alive than are remembered.
    """

    requests: int = 0
    blocks: int = 0
    reused_blocks: int = 0
    input_tokens: int = 0
    reused_tokens: int = 0
    written_tokens: int = 0
    useful_written_tokens: int = 0
    identical_requests: int = 0
    identical_tokens: int = 0
    is_lower_bound: bool = False

    @property
    def block_share(self) -> Decimal:
        return _share(self.reused_blocks, self.blocks)

    @property
    def reused_share(self) -> Decimal:
        return _share(self.reused_tokens, self.input_tokens)

    @property
    def written_share(self) -> Decimal:
        return _share(self.written_tokens, self.input_tokens)

    @property
    def identical_share(self) -> Decimal:
        return _share(self.identical_requests, self.requests)


@dataclass(frozen=True)
class PromptLog:
    """What was found in the log of a key (None: of all keys of the model), for each life of a cache."""

    name: str
    provider: str
    model: str
    api_key_id: str | None
    by_life: tuple[tuple[str, Reuse], ...]
    """Price class of the write -> reuse in that life."""


def _share(part: int, whole: int) -> Decimal:
    return Decimal(part) / Decimal(whole) if whole else Decimal(0)


def prompt_reuse(
    requests: Iterable[PromptRequest],
    cache_life: timedelta | None,
    *,
    block_tokens: int,
    minimum_tokens: int = 0,
    most_blocks: int = _MOST_BLOCKS,
) -> Reuse:
    """What a prefix cache of this life (None: it never forgets) would have reused of requests in the order of their time.

    Prompts and prefixes shorter than `minimum_tokens` are not cached. Raises ValueError where time goes back.
    """
    found, cache, whole = Reuse(), _Cache(cache_life, most_blocks), _Cache(cache_life, most_blocks)
    before = None
    for request in requests:
        if before is not None and request.at < before:
            raise ValueError(f"request {found.requests + 1} is of an earlier time than the one before it")
        before = request.at
        found.requests += 1
        found.blocks += len(request.blocks)
        found.input_tokens += request.input_tokens
        keys, parent = [], 0
        for block in request.blocks:
            parent = hash((parent, block))
            keys.append(parent)
        prompt = hash((parent, request.input_tokens))
        if whole.alive(prompt, request.at):
            found.identical_requests += 1
            found.identical_tokens += request.input_tokens
        whole.touch([(prompt, request.input_tokens)], request.at)
        if request.input_tokens < minimum_tokens:
            continue
        sizes = [min(block_tokens, max(request.input_tokens - block_tokens * n, 0)) for n in range(len(keys))]
        reused = next((n for n, key in enumerate(keys) if not cache.alive(key, request.at)), len(keys))
        if sum(sizes[:reused]) < minimum_tokens:
            reused = 0
        found.reused_blocks += reused
        found.reused_tokens += sum(sizes[:reused])
        found.written_tokens += sum(sizes[reused:])
        found.useful_written_tokens += cache.read(keys[:reused])
        cache.touch(list(zip(keys, sizes, strict=True)), request.at)
    found.is_lower_bound = cache.is_full or whole.is_full
    return found


class _Cache:
    """Blocks by the time of their last use, the oldest first: block -> [time, tokens that were written and not read yet]."""

    def __init__(self, life: timedelta | None, most: int) -> None:
        self._life = None if life is None else life // timedelta(milliseconds=1)
        self._most = most
        self._blocks: OrderedDict[int, list[int]] = OrderedDict()
        self.is_full = False

    def alive(self, key: int, now: int) -> bool:
        held = self._blocks.get(key)
        return held is not None and (self._life is None or now - held[0] <= self._life)

    def read(self, keys: Iterable[int]) -> int:
        """The tokens of blocks that are read for the first time since they were written."""
        fresh = 0
        for key in keys:
            fresh += self._blocks[key][1]
            self._blocks[key][1] = 0
        return fresh

    def touch(self, blocks: list[tuple[int, int]], now: int) -> None:
        """Write what is not there, renew what is, and forget what is too old. The first block is the last to be forgotten."""
        while self._life is not None and self._blocks:
            key, (at, _) = next(iter(self._blocks.items()))
            if now - at <= self._life:
                break
            del self._blocks[key]
        for key, tokens in reversed(blocks):
            held = self._blocks.get(key)
            if held is None:
                self._blocks[key] = [now, tokens]
            else:
                held[0] = now
                self._blocks.move_to_end(key)
        while len(self._blocks) > self._most:
            self.is_full = True
            self._blocks.popitem(last=False)
