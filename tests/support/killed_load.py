"""A load that kills its own process: `python -m tests.support.killed_load URL FOLDER SOURCE MOMENT`.

MOMENT is `copying` (after the first batch), `swapping` (all is copied and checked) or `swapped`.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from orchestration.lib import ledger, readers
from tests.support.feed import Feed


def die(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def main(url: str, folder: str, source: str, moment: str) -> None:
    swap = ledger.swap

    def killed_swap(*arguments: Any) -> None:
        if moment == "swapped":
            swap(*arguments)
        die()

    readers.PARQUET_BATCH_ROWS = 100
    ledger.swap = killed_swap  # type: ignore[assignment]
    feed = Feed(url, Path(folder), name=source)
    if moment == "copying":
        feed.load(die)
    else:
        feed.load()


if __name__ == "__main__":
    main(*sys.argv[1:])
