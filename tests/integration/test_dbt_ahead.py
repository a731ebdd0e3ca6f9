"""dbt in a process that imported it ahead: the same output and status as dbt itself, and nothing left behind."""

import os
import subprocess
import sys
import time
from pathlib import Path

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
    for _ in range(600):
        if path.exists():
            return path
        time.sleep(0.05)
    raise AssertionError("no process waits")


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


def test_a_killed_run_leaves_no_process_and_no_folder() -> None:
    code = "import time; from orchestration.lib.dbt_ahead import dbt_ahead, _ADDRESS; import os\n"
    code += "with dbt_ahead():\n  print(os.environ[_ADDRESS], flush=True); time.sleep(60)"
    run = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    path = Path(run.stdout.readline().strip())
    run.kill()
    run.wait()
    for _ in range(600):
        if not path.parent.exists():
            return
        time.sleep(0.05)
    pytest.fail("the process that waits did not end")
