"""What a benchmark returns, and how processes and statements are timed."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from orchestration.lib import postgres


@dataclass(frozen=True)
class Measurement:
    """A row of the table."""

    what: str
    measured: str
    compared_with: str = ""
    ratio: str = ""
    to_hold: str = ""


@dataclass
class Clock:
    """Seconds, once what is timed has ended."""

    seconds: float = 0.0


@contextmanager
def timed() -> Iterator[Clock]:
    clock, began = Clock(), time.perf_counter()
    yield clock
    clock.seconds = time.perf_counter() - began


def in_new_process(module: str, *arguments: str) -> dict[str, float]:
    """Run `python -m module arguments`, whose last line of output is a JSON object, and return that."""
    done = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"{module} failed:\n{done.stdout}{done.stderr}")
    found: dict[str, float] = json.loads(done.stdout.strip().splitlines()[-1])
    return found


def peak_resident_mb() -> float:
    """The most memory that this process has had, in MB. What getrusage says includes the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(re.findall(r"VmHWM:\s+(\d+) kB", status)[0]) / 1024


@contextmanager
def statement_seconds(url: str) -> Iterator[Clock]:
    """The time that the server spends on statements of connections opened meanwhile, summed from its log."""
    log = postgres.status().log
    assert log is not None, "statements are timed from the log of the embedded server"
    _log_statements(url, on=True)
    begin, clock = log.stat().st_size, Clock()
    try:
        yield clock
    finally:
        _log_statements(url, on=False)
        with log.open(errors="replace") as stream:
            stream.seek(begin)
            durations = re.findall(r"duration: ([0-9.]+) ms", stream.read())
        clock.seconds = sum(map(float, durations)) / 1000


def _log_statements(url: str, *, on: bool) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        name = sql.Identifier(connection.info.dbname)
        if on:
            connection.execute(sql.SQL("alter database {} set log_min_duration_statement = 0").format(name))
        else:
            connection.execute(sql.SQL("alter database {} reset log_min_duration_statement").format(name))
