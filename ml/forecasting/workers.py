"""Many series at once, in a bounded number of processes, with results that do not depend on how many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from datetime import date
from multiprocessing import get_context
from typing import NamedTuple

from ml.forecasting.settings import ForecastSettings
from ml.forecasting.single import Single, forecast_single, last_resort
from ml.series import Key, Series

Progress = Callable[[int, int], None]
"""Told how many series are done, of how many."""
_FEWEST_A_WORKER = 10
"""A process takes seconds to start, as long as this many series take."""


class Done(NamedTuple):
    """The forecast of a series, and whether another run would have it too: what a killed process left is not worth keeping."""

    key: Key
    single: Single
    lasting: bool = True


def forecast_all(
    series: Mapping[Key, Series], settings: ForecastSettings, horizon_end: date, workers: int, progress: Progress | None
) -> Iterator[Done]:
    """The forecast of each series, as it is done."""
    wanted = min(workers, max(len(series) // _FEWEST_A_WORKER, 1))
    found = _alone(series, settings, horizon_end) if wanted == 1 else _together(series, settings, horizon_end, wanted)
    for number, done in enumerate(found, 1):
        yield done
        if progress is not None:
            progress(number, len(series))


def _alone(series: Mapping[Key, Series], settings: ForecastSettings, horizon_end: date) -> Iterator[Done]:
    for key, one in series.items():
        yield Done(key, _forecast(one, settings, horizon_end))


def _together(
    series: Mapping[Key, Series], settings: ForecastSettings, horizon_end: date, workers: int
) -> Iterator[Done]:
    """In a pool; what is left of it if one of its processes is killed (by the system, out of memory), one at a time.

    A pool does not tell at which series a process died. So each that is left has a process to itself: one that dies at it again says
    which series it is, and never is it this process.
    """
    left = dict(series)
    with _pool(workers) as pool:
        try:
            waiting = {pool.submit(_forecast, one, settings, horizon_end): key for key, one in series.items()}
            for future in as_completed(waiting):
                done = Done(waiting[future], future.result())
                del left[done.key]
                yield done
        except BrokenProcessPool:
            pass
    while left:
        with _pool(1) as pool:
            for key in list(left):
                one = left.pop(key)
                try:
                    yield Done(key, pool.submit(_forecast, one, settings, horizon_end).result())
                except BrokenProcessPool as error:
                    yield Done(key, last_resort(one, horizon_end, error), lasting=False)
                    break


def _pool(workers: int) -> ProcessPoolExecutor:
    # Never a plain fork: the models' libraries have threads, whose locks a forked child may wait for without end.
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


def _forecast(series: Series, settings: ForecastSettings, horizon_end: date) -> Single:
    from threadpoolctl import threadpool_limits

    # Sums in another number of threads would differ in their last bits.
    with threadpool_limits(limits=1):
        try:
            return forecast_single(series, settings, horizon_end)
        except Exception as error:  # noqa: BLE001 -- nothing that ails one series may stop the others
            return last_resort(series, horizon_end, error)
