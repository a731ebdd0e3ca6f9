"""Many series at once, in a bounded number of processes, with results that do not depend on how many."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from datetime import date
from multiprocessing import get_context

from ml.forecasting.settings import ForecastSettings
from ml.forecasting.single import Single, forecast_single, last_resort
from ml.series import Key, Series

Progress = Callable[[int, int], None]
"""Told how many series are done, of how many."""
_FEWEST_A_WORKER = 10
"""A process takes seconds to start, as long as this many series take."""


def forecast_all(
    series: Mapping[Key, Series], settings: ForecastSettings, horizon_end: date, workers: int, progress: Progress | None
) -> Iterator[tuple[Key, Single]]:
    """The forecast of each series, as it is done."""
    wanted = min(workers, max(len(series) // _FEWEST_A_WORKER, 1))
    if wanted == 1:
        for done, (key, one) in enumerate(series.items(), 1):
            yield key, _forecast(one, settings, horizon_end)
            if progress is not None:
                progress(done, len(series))
        return
    # Never a plain fork: the models' libraries have threads, whose locks a forked child may wait for without end.
    with ProcessPoolExecutor(wanted, mp_context=get_context("spawn")) as pool:
        waiting = {pool.submit(_forecast, one, settings, horizon_end): key for key, one in series.items()}
        for done, future in enumerate(as_completed(waiting), 1):
            yield waiting[future], future.result()
            if progress is not None:
                progress(done, len(series))


def _forecast(series: Series, settings: ForecastSettings, horizon_end: date) -> Single:
    from threadpoolctl import threadpool_limits

    # Sums in another number of threads would differ in their last bits.
    with threadpool_limits(limits=1):
        try:
            return forecast_single(series, settings, horizon_end)
        except Exception as error:  # noqa: BLE001 -- nothing that ails one series may stop the others
            return last_resort(series, horizon_end, error)
