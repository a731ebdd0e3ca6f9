"""What this installation needs in order to work, checked: `finops doctor`."""

import importlib.metadata
import os
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from packaging.requirements import Requirement

from orchestration.lib import paths, postgres
from orchestration.lib.errors import FinopsError
from orchestration.lib.postgres_tuning import GB, machine_cores, machine_memory

MINIMUM_PYTHON = (3, 11)
DISK_WANTED = 5 * GB
MEMORY_WANTED = 2 * GB


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `advice` says what to do, and is empty when all is well."""

    subject: str
    found: str
    advice: str = ""

    @property
    def is_problem(self) -> bool:
        """Whether something has to be done."""
        return bool(self.advice)


def examine() -> list[Finding]:
    """Look at everything; never starts or changes anything, and never raises for what it finds."""
    return [_examined(subject, check) for subject, check in CHECKS.items()]


def _examined(subject: str, check: Callable[[str], Finding]) -> Finding:
    try:
        return check(subject)
    except FinopsError as error:
        first, _, rest = str(error).partition("\n")
        return Finding(subject, first, rest or "see the message")


def _python(subject: str) -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if sys.version_info < MINIMUM_PYTHON:
        return Finding(subject, version, "install Python 3.11 or newer, delete .venv and run `make run`")
    return Finding(subject, f"{version} in {sys.prefix}")


def _packages(subject: str) -> Finding:
    lock = (paths.project_root() / "requirements.lock").read_text()
    pins = [Requirement(line.rstrip(" \\")) for line in lock.splitlines() if re.match(r"[A-Za-z0-9]", line)]
    pins = [pin for pin in pins if pin.marker is None or pin.marker.evaluate()]
    different = []
    for pin in pins:
        installed = _installed_version(pin.name)
        if installed is None or not pin.specifier.contains(installed, prereleases=True):
            different.append(f"{pin.name} {installed or 'missing'}, locked {pin.specifier}")
    if different:
        found = f"{len(different)} not as locked: {'; '.join(different[:3])}"
        return Finding(subject, found, "delete .venv and run `make run`")
    return Finding(subject, f"{len(pins)} as locked")


def _installed_version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _dbt(subject: str) -> Finding:
    beside = Path(sys.executable).with_name("dbt")
    found = str(beside) if beside.exists() else shutil.which("dbt")
    if found is None:
        return Finding(subject, "no program dbt", "run `make run`, which installs it")
    return Finding(subject, f"{importlib.metadata.version('dbt-core')}, {found}")


def _postgres(subject: str) -> Finding:
    status = postgres.status()
    if status.external:
        return Finding(subject, f"{status.version}, external, {status.url}")
    if status.running:
        return Finding(subject, f"{status.version}, process {status.pid}, {status.url}, data in {status.directory}")
    return Finding(subject, "embedded, stopped; started when it is needed")


def _disk(subject: str) -> Finding:
    state = paths.state_dir()
    free = shutil.disk_usage(state).free
    found = f"{free / GB:,.1f} GB free at {state}"
    if free < DISK_WANTED:
        return Finding(
            subject, found, f"free {DISK_WANTED / GB:.0f} GB, or set FINOPS_HOME to a directory on another disk"
        )
    return Finding(subject, found)


def _memory(subject: str) -> Finding:
    memory = machine_memory()
    found = f"{memory / GB:,.1f} GB, {machine_cores()} cores"
    if memory < MEMORY_WANTED:
        return Finding(subject, found, f"give this machine or container {MEMORY_WANTED / GB:.0f} GB of memory")
    return Finding(subject, found)


def _configuration(subject: str) -> Finding:
    from orchestration.lib.ai.http import key_variable
    from orchestration.lib.config import load_config

    path = paths.config_file()
    if path is None:
        return Finding(subject, "none: the sample organisation")
    config = load_config(path)
    asked = [source for source in config.sources if source.is_fetched and source.is_api]
    missing = [
        f"{key_variable(source)} of {source.name}" for source in asked if not os.environ.get(key_variable(source))
    ]
    if missing:
        return Finding(
            subject,
            f"{path}: without {', '.join(missing)} in the environment",
            "set it to an admin key of the organisation",
        )
    return Finding(subject, f"{path}: {config.organization.name}, {len(config.sources)} sources")


CHECKS: dict[str, Callable[[str], Finding]] = {
    "Python": _python,
    "packages": _packages,
    "dbt": _dbt,
    "PostgreSQL": _postgres,
    "disk": _disk,
    "memory": _memory,
    "configuration": _configuration,
}
