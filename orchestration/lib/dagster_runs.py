"""Runs of `finops run` that were killed: Dagster holds their place in a pool until somebody says that they are over."""

from __future__ import annotations

import os

import psutil
from dagster import DagsterInstance, DagsterRunStatus, RunsFilter

_PID, _STARTED = "finops/process", "finops/process_started"
_UNFINISHED = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]


def process_tags() -> dict[str, str]:
    """Tags that tell which process a run is in. A process id alone is used again; with the start time it is not."""
    return {_PID: str(os.getpid()), _STARTED: _started(os.getpid())}


def end_dead_runs(instance: DagsterInstance) -> list[str]:
    """Mark runs as failed whose process is gone, and free their places in the pools. Returns the ids of the runs."""
    ended = []
    for run in instance.get_runs(RunsFilter(statuses=_UNFINISHED)):
        pid, started = run.tags.get(_PID), run.tags.get(_STARTED)
        if pid is not None and _started(int(pid)) != started:
            instance.report_run_failed(
                run, "The process of this run was killed. What it had not finished is done by the next run."
            )
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
            ended.append(run.run_id)
    return ended


def _started(pid: int) -> str:
    try:
        return str(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return ""
