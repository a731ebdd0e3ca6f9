"""Tell whoever watches a run what it is doing. Nobody watches in a daemon; `finops run` shows it on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Watcher(Protocol):
    """What a run tells. Methods may be called from several threads."""

    def step(self, name: str) -> None:
        """A step of the run has begun."""
        ...

    def lines(self, source_name: str, count: int) -> None:
        """`count` more lines of a source are in the database."""
        ...

    def note(self, text: str) -> None:
        """A part of the current step is done."""
        ...


class _Nobody:
    def step(self, name: str) -> None: ...

    def lines(self, source_name: str, count: int) -> None: ...

    def note(self, text: str) -> None: ...


_watcher: Watcher = _Nobody()


def watcher() -> Watcher:
    return _watcher


@contextmanager
def watched_by(new: Watcher) -> Iterator[None]:
    """Send what runs of this process tell to `new`."""
    global _watcher
    former, _watcher = _watcher, new
    try:
        yield
    finally:
        _watcher = former
