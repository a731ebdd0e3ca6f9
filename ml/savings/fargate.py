"""The sizes of tasks that Fargate offers: so many CPU units, each with the memory that goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

# CPU units (1024 are a vCPU) -> least and most memory in MiB, and its steps.
_MEMORY = {
    512: (1024, 4096, 1024),
    1024: (2048, 8192, 1024),
    2048: (4096, 16384, 1024),
    4096: (8192, 30720, 1024),
    8192: (16384, 61440, 4096),
    16384: (32768, 122880, 8192),
}


@dataclass(frozen=True, order=True)
class Size:
    """CPU units and MiB of memory of a task."""

    cpu: int
    memory: int

    def __str__(self) -> str:
        return f"{self.cpu / 1024:g} vCPU and {self.memory / 1024:g} GB"


def sizes() -> Iterator[Size]:
    """Every size of tasks on Linux, the smallest first."""
    yield from (Size(256, memory) for memory in (512, 1024, 2048))
    for cpu, (least, most, step) in _MEMORY.items():
        yield from (Size(cpu, memory) for memory in range(least, most + 1, step))
