"""Which requests were read before, for as many as there are: eight bytes each, beyond some millions on disk."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence

import numpy as np

# Requests of a run: 32 MB. Smaller runs are merged, runs of this size are kept on disk.
RUN_SIZE = 1 << 22


class Seen:
    """The ids of requests as sorted runs of 64-bit hashes.

    Two different ids have the same hash in one of about 400,000 months of ten million requests.
    """

    def __init__(self, run_size: int = RUN_SIZE) -> None:
        self._run_size = run_size
        self._runs: list[np.ndarray] = []

    def repeated(self, ids: Sequence[str]) -> list[int]:
        """The positions of those ids that were seen before, here or in an earlier call, in order."""
        hashes = np.fromiter(map(hash, ids), np.int64, len(ids))
        distinct, first = np.unique(hashes, return_index=True)
        old = np.zeros(len(distinct), bool)
        for run in self._runs:
            places = np.minimum(np.searchsorted(run, distinct), len(run) - 1)
            old |= run[places] == distinct
        if not old.all():
            self._add(distinct[~old])
        if len(distinct) == len(hashes) and not old.any():
            return []
        fresh = np.zeros(len(hashes), bool)
        fresh[first[~old]] = True
        return np.flatnonzero(~fresh).tolist()

    def _add(self, run: np.ndarray) -> None:
        while self._runs and len(self._runs[-1]) <= len(run) and len(self._runs[-1]) < self._run_size:
            run = np.sort(np.concatenate([self._runs.pop(), run]))
        if len(run) >= self._run_size:
            with tempfile.TemporaryFile() as file:
                run.tofile(file)
                file.flush()
                run = np.memmap(file, np.int64, "r")
            # Before the smaller ones, which go on growing.
            self._runs.insert(0, run)
        else:
            self._runs.append(run)
