"""Closing a month, with everything that is checked before, against reading its chargeback once."""

from __future__ import annotations

from statistics import median

import psycopg

from benchmarks.load import PERIOD
from benchmarks.measure import Measurement, timed
from orchestration.lib import postgres
from orchestration.lib.built_state import current_state, record_state
from orchestration.lib.close import close_month, reopen_month
from orchestration.lib.config_models import Config

RUNS = 3


def measure(config: Config) -> list[Measurement]:
    """Close the organisation's month and open it again, three times."""
    url = postgres.ensure_running()
    read = median(_read_seconds(url) for _ in range(RUNS))
    seconds, rows = zip(*(_close_seconds(url, config) for _ in range(RUNS)), strict=True)
    taken = median(seconds)
    return [
        Measurement(
            f"closing a month of {rows[0]:,} rows of chargeback, gates included",
            f"{taken:.1f} s",
            f"reading them once {read:.2f} s",
            f"{taken / read:.0f}",
            "seconds",
        )
    ]


def _read_seconds(url: str) -> float:
    with psycopg.connect(url) as connection, timed() as clock:
        connection.execute("select * from finops.chargeback_reports where billing_period = %s", [PERIOD]).fetchall()
    return clock.seconds


def _close_seconds(url: str, config: Config) -> tuple[float, int]:
    with timed() as clock:
        closed = close_month(url, config, PERIOD)
    reopen_month(url, PERIOD, "measured")
    # A reopened month waits for a build, which would find nothing to do.
    with psycopg.connect(url) as connection:
        record_state(connection, current_state(connection))
    return clock.seconds, closed.row_count
