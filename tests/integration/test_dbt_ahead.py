"""dbt in a process that imported it ahead: the same output and status as dbt itself, and nothing left behind."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from orchestration.lib import dbt
from orchestration.lib.dbt_ahead import dbt_ahead


def call(*arguments: str, folder: Path | None = None) -> tuple[int, str]:
    """Status and output of `finops-dbt`."""
    done = subprocess.run(
        [str(dbt.executable_ahead()), *arguments], capture_output=True, text=True, check=False, cwd=folder
    )
    return done.returncode, done.stdout + done.stderr


def address() -> Path:
    """Where the process of this test waits, once it does."""
    path = Path(os.environ["FINOPS_DBT_AHEAD"])
    _until(path.exists)
    return path


def test_one_command_is_run_by_the_process_that_waits() -> None:
    with dbt_ahead():
        path = address()
        status, output = call("--version")
        assert (status, "installed: 1.11" in output) == (0, True)
        assert not path.exists()  # it was taken by that command
        # The next one finds nobody, and runs dbt itself.
        assert call("--version") == (status, output)
    assert not path.parent.exists()


def test_a_failure_keeps_its_status_and_words(tmp_path: Path) -> None:
    with dbt_ahead():
        address()
        ahead = call("parse", "--profiles-dir", str(tmp_path), folder=tmp_path)
    alone = call("parse", "--profiles-dir", str(tmp_path), folder=tmp_path)
    assert ahead[0] == alone[0] == 2
    assert "No dbt_project.yml found" in ahead[1]
    assert "No dbt_project.yml found" in alone[1]


def test_what_was_not_used_ends_with_the_run() -> None:
    with dbt_ahead():
        path = address()
    assert not path.parent.exists()


@pytest.mark.parametrize("is_building", [False, True])
def test_a_killed_run_leaves_no_process_and_no_folder(is_building: bool, database: str, tmp_path: Path) -> None:
    # A query of ten minutes: what is not ended with its run is still there when this test gives up.
    query = ["show", "--inline", "select pg_sleep(600)", "--project-dir", str(dbt.project_dir())]
    code = [
        "import os, subprocess, time",
        "from orchestration.lib.dbt_ahead import dbt_ahead",
        "with dbt_ahead():",
        "    print(os.environ['FINOPS_DBT_AHEAD'], flush=True)",
        "    while not os.path.exists(os.environ['FINOPS_DBT_AHEAD']): time.sleep(0.05)",
        f"    subprocess.Popen({[str(dbt.executable_ahead()), *query]}, stdout=subprocess.PIPE)" if is_building else "",
        "    time.sleep(600)",
    ]
    environment = {**os.environ, **dbt.environment(database), "DBT_TARGET_PATH": str(tmp_path)}
    run = subprocess.Popen([sys.executable, "-c", "\n".join(code)], stdout=subprocess.PIPE, text=True, env=environment)
    assert run.stdout is not None
    path = Path(run.stdout.readline().strip())
    _until(path.exists)
    if is_building:
        _until(lambda: not path.exists())
    assert _processes_of(path)
    run.kill()
    run.wait()
    _until(lambda: not path.parent.exists() and not _processes_of(path))


def _processes_of(address: Path) -> list[int]:
    """The processes that import dbt, or run it, at this address."""
    return [one.pid for one in psutil.process_iter(["cmdline"]) if str(address) in (one.info["cmdline"] or [])]


def _until(condition: Callable[[], bool]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("waited for a minute")
