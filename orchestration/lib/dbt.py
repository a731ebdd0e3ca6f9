"""Run the dbt project against the warehouse: its environment, its manifest, and what a build is told."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from orchestration.lib import paths
from orchestration.lib.errors import FinopsError

# Rules are unit-tested when the project is tested, not each time a bill is loaded.
THOROUGH = "tag:thorough"
"""Tests of views that nothing is made from in a run: reading them each day would cost more than the day. The test suite runs them."""
BUILD_ARGUMENTS = ("build", "--exclude-resource-type", "unit_test")


def project_dir() -> Path:
    return paths.project_root() / "dbt_project"


def executable() -> Path:
    """dbt of the environment that runs this."""
    return Path(sys.executable).with_name("dbt")


def executable_ahead() -> Path:
    """The same, but a dbt that was imported ahead where one waits."""
    return Path(sys.executable).with_name("finops-dbt")


def environment(database_url: str) -> dict[str, str]:
    """What dbt's profile and paths read. The password stays in the environment; it is in no file and no argument."""
    parts = conninfo_to_dict(database_url)
    return {
        "FINOPS_PG_HOST": str(parts.get("host") or "127.0.0.1"),
        "FINOPS_PG_PORT": str(parts.get("port") or 5432),
        "FINOPS_PG_USER": str(parts.get("user") or "postgres"),
        "FINOPS_PG_PASSWORD": str(parts.get("password") or ""),
        "FINOPS_PG_DATABASE": str(parts.get("dbname") or "postgres"),
        "DBT_TARGET_PATH": str(target_dir()),
        "DBT_LOG_PATH": str(paths.dbt_dir() / "logs"),
        "DBT_PROFILES_DIR": str(project_dir()),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def target_dir() -> Path:
    return paths.dbt_dir() / "target"


def prepare_manifest(database_url: str) -> Path:
    """The manifest of the project as it is on disk; parsed again only when a file of the project has changed.

    Safe against being called by several processes at once and against being killed.
    Raises FinopsError with dbt's message where the project does not parse.
    """
    manifest, stamp_file = target_dir() / "manifest.json", target_dir() / "project.sha256"
    target_dir().mkdir(parents=True, exist_ok=True)
    with (paths.dbt_dir() / "parse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        stamp = _project_hash()
        if manifest.exists() and stamp_file.exists() and stamp_file.read_text() == stamp:
            return manifest
        fresh = paths.dbt_dir() / "parse"
        shutil.rmtree(fresh, ignore_errors=True)
        done = subprocess.run(
            [str(executable()), "parse", "--no-partial-parse", "--project-dir", str(project_dir())],
            env={**os.environ, **environment(database_url), "DBT_TARGET_PATH": str(fresh)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise FinopsError(f"the dbt project does not parse:\n{done.stdout.strip() or done.stderr.strip()}")
        for name in ("partial_parse.msgpack", "manifest.json"):
            (fresh / name).replace(target_dir() / name)
        stamp_file.write_text(stamp)
    return manifest


def forget_old_builds(keep: int = 20) -> None:
    """Remove what dbt wrote in older builds; each leaves some megabytes of compiled SQL and logs."""
    builds = sorted(target_dir().glob("dbt_models-*"), key=lambda folder: folder.stat().st_mtime)
    for folder in builds[:-keep]:
        shutil.rmtree(folder, ignore_errors=True)


def _project_hash() -> str:
    digest = hashlib.sha256()
    for path in sorted(project_dir().rglob("*")):
        if path.is_file() and path.suffix in {".sql", ".yml", ".csv", ".md"}:
            digest.update(str(path.relative_to(project_dir())).encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()
