"""Dagster's daemon, as `finops ui` starts it: what the timetable asks for is run without anybody looking."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    InstigatorType,
    ScheduleInstigatorData,
)
from dagster._core.storage.tags import (
    ASSET_PARTITION_RANGE_END_TAG,
    ASSET_PARTITION_RANGE_START_TAG,
    RUN_KEY_TAG,
    SCHEDULE_NAME_TAG,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from orchestration.defs.automation.timetable import AUTOMATIONS
from orchestration.lib import paths
from orchestration.lib.dagster_home import dagster_instance

# The schedules as they are, of a job that does nothing: what the job does is tested where it is run by hand.
_CODE = """
from pathlib import Path
import dagster as dg
from orchestration.defs.automation.schedules import timed_schedules
from orchestration.defs.partitions import billing_months
from orchestration.lib.config import load_config

CONFIG = load_config(Path(__file__).with_name("finops-config.yaml"))

@dg.asset(partitions_def=billing_months(CONFIG), backfill_policy=dg.BackfillPolicy.single_run())
def closed() -> dg.MaterializeResult:
    return dg.MaterializeResult()

refresh = dg.define_asset_job("refresh", selection=[closed], executor_def=dg.in_process_executor)
defs = dg.Definitions(assets=[closed], jobs=[refresh], schedules=timed_schedules(CONFIG, [refresh]))
"""
_WORKSPACE = "load_from: [{python_file: {relative_path: timetable.py, location_name: timetable}}]\n"
_CONFIG = """
organization: {name: Halden, first_billing_period: 2018-01, time_zone: UTC}
sources: [{name: aws, format: focus, location: bills}]
"""


@pytest.fixture
def workspace(finops_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    home = paths.dagster_dir()
    shutil.copyfile(paths.project_root() / "dagster.yaml", home / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    (tmp_path / "timetable.py").write_text(_CODE)
    (tmp_path / "finops-config.yaml").write_text(_CONFIG)
    file = tmp_path / "workspace.yaml"
    file.write_text(_WORKSPACE)
    return file


def _running_since(name: str, cron: str, start: datetime) -> InstigatorState:
    """A schedule that was turned on at a time: what it has missed since then is due at once."""
    target = LoadableTargetOrigin(executable_path=sys.executable, python_file="timetable.py")
    location = ManagedGrpcPythonEnvCodeLocationOrigin(target, location_name="timetable")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), name)
    data = ScheduleInstigatorData(cron, start_timestamp=start.timestamp())
    return InstigatorState(origin, InstigatorType.SCHEDULE, InstigatorStatus.RUNNING, data)


def test_the_daemon_runs_what_is_due(workspace: Path) -> None:
    close = AUTOMATIONS[0]
    # Since then it was morning, whatever the clock shows now.
    since = datetime.now(UTC) - timedelta(days=1)
    with dagster_instance() as instance:
        instance.add_instigator_state(_running_since(close.name, close.cron, since))
        daemon = subprocess.Popen(
            [sys.executable, "-m", "dagster._daemon", "run", "--workspace", str(workspace)],
            cwd=workspace.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            run = _ended(instance, close.name)
        finally:
            daemon.send_signal(signal.SIGINT)
            try:
                daemon.wait(20)
            finally:
                if daemon.poll() is None:
                    os.killpg(daemon.pid, signal.SIGKILL)
    assert (run.job_name, run.status) == ("refresh", dg.DagsterRunStatus.SUCCESS)
    name, day = run.tags[RUN_KEY_TAG].split(":")
    months = tuple(f"{month:%Y-%m}" for month in close.months(date.fromisoformat(day)))
    assert name == close.name
    assert (run.tags[ASSET_PARTITION_RANGE_START_TAG], run.tags[ASSET_PARTITION_RANGE_END_TAG]) == months


def _ended(instance: dg.DagsterInstance, schedule: str) -> dg.DagsterRun:
    """The newest run of a schedule, once it has ended."""
    until = time.monotonic() + 120
    while True:
        for run in instance.get_runs(dg.RunsFilter(tags={SCHEDULE_NAME_TAG: schedule}), limit=1):
            if run.is_finished:
                return run
        assert time.monotonic() < until, "the daemon has run nothing"
        time.sleep(0.2)
