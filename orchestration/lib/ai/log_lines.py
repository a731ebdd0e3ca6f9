"""Lines of a log file, gzipped or not, some megabytes at a time, unpacked while the lines before are worked on."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa

from orchestration.lib.errors import FinopsError

_BLOCK_BYTES = 16 << 20
_LONGEST_LINE = 256 << 20


def blocks_of_lines(path: Path, file: str) -> Iterator[tuple[int, bytes]]:
    """(number of the first line, whole lines) of one block after the other; each line ends in a line feed.

    Raises FinopsError for a file that is empty, cut off or damaged.
    """
    with path.open("rb") as stream:
        magic = stream.read(2)
    if not magic:
        raise FinopsError(f"{file}: the file is empty. Deliver it again, or remove it.")
    number, kept = 1, []
    for block in _blocks(path, file, gzipped=magic == b"\x1f\x8b"):
        end = block.rfind(b"\n") + 1
        if not end:
            kept.append(block)
            if sum(map(len, kept)) > _LONGEST_LINE:
                raise FinopsError(f"{file}: line {number} is longer than 256 MB. Lines of JSON are needed.")
            continue
        lines = b"".join([*kept, block[:end]])
        yield number, lines
        number, kept = number + lines.count(b"\n"), [block[end:]]
    if last := b"".join(kept):
        yield number, last + b"\n"


def _blocks(path: Path, file: str, *, gzipped: bool) -> Iterator[bytes]:
    try:
        with (
            pa.input_stream(str(path), compression="gzip" if gzipped else None) as stream,
            ThreadPoolExecutor(1) as ahead,
        ):
            coming = ahead.submit(stream.read, _BLOCK_BYTES)
            while block := coming.result():
                coming = ahead.submit(stream.read, _BLOCK_BYTES)
                yield block
    except OSError as error:
        raise FinopsError(f"{file}: the gzip stream is cut off or damaged. Deliver the file again.") from error
