"""Which processes belong to an embedded server.

They are known by their command lines: root in a container may not look at the working directory of another user's
process, but everybody may read its command line. A zombie has none, so it never counts.
"""

import hashlib
from contextlib import suppress
from pathlib import Path

import psutil


def cluster_name(data: Path) -> str:
    """Name of the server on the existing directory `data`, which PostgreSQL shows in the title of its processes."""
    identity = f"{data} {data.stat().st_ino}"
    return f"finops-{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def is_postmaster(pid: int, data: Path) -> bool:
    """Whether the process `pid` lives and is the server on `data`, and not another that got its number."""
    with suppress(psutil.Error):
        return _works_on(psutil.Process(pid), "postgres", data)
    return False


def starters(data: Path) -> list[psutil.Process]:
    """Every pg_ctl at work on `data`: a process killed while it started the server leaves one."""
    return [process for process in psutil.process_iter() if _works_on(process, "pg_ctl", data)]


def orphans(data: Path) -> list[psutil.Process]:
    """Processes of the server on `data` that go on without their postmaster: a long query notices its loss late."""
    if not data.exists():
        return []
    title = f"postgres: {cluster_name(data)}: "
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            command = process.cmdline()
            if command and command[0].startswith(title) and not is_postmaster(process.ppid(), data):
                found.append(process)
    return found


def _works_on(process: psutil.Process, program: str, data: Path) -> bool:
    with suppress(psutil.Error, OSError, ValueError):
        command = process.cmdline()
        if command and Path(command[0]).name == program:
            return Path(command[command.index("-D") + 1]).samefile(data)
    return False
