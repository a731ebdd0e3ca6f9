"""`finops run` as a person types it: end to end, again, after a restatement, after a bad delivery, and after being killed."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration.sample.generator import generate
from orchestration.sample.restatement import apply_restatement
from tests.dbt.project import MARTS

COMMAND = [str(Path(sys.executable).with_name("finops")), "run"]


@pytest.fixture
def organization(finops_home: Path) -> Path:
    """A small sample organisation of three months; returns its configuration."""
    generate(finops_home / "bills", factor=0.05, months=3)
    return finops_home / "bills" / "finops-config.yaml"


def run(config: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, "--config", str(config)], capture_output=True, text=True, check=False, env=dict(os.environ)
    )


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def marts(url: str) -> dict[str, list[tuple[Any, ...]]]:
    return {mart: rows(url, f"select m::text from finops.{mart} as m order by 1") for mart in MARTS}


def pages(home: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (home / "reports").glob("chargeback-*")}


def test_a_run_is_exact_can_be_repeated_restated_and_refuses_bad_bills(
    organization: Path, database: str, finops_home: Path
) -> None:
    first = run(organization)
    assert first.returncode == 0, first.stdout + first.stderr
    assert "Gates    14 of 14 passed" in first.stdout
    assert str(finops_home / "reports" / "chargeback-2026-10.html") in first.stdout
    truth = json.loads((organization.parent / "truth.json").read_text())
    found = {
        (source, f"{period:%Y-%m}"): (lines, billed, effective)
        for source, period, lines, billed, effective in rows(
            database,
            "select source_name, billing_period, sum(line_count), sum(billed_cost), sum(effective_cost)"
            " from finops.cost_records group by 1, 2",
        )
    }
    assert found == {
        (one["source"], one["billing_period"]): (
            one["lines"],
            Decimal(one["billed_cost"]),
            Decimal(one["effective_cost"]),
        )
        for one in truth["totals"] + truth["ai_totals"]
    }
    before, written = marts(database), pages(finops_home)

    second = run(organization)
    assert second.returncode == 0, second.stdout + second.stderr
    assert (marts(database), pages(finops_home)) == (before, written)

    # A bad delivery of one source: an error that says where, and what was there stays.
    azure = next((organization.parent / "deliveries" / "azure").rglob("2026-10/*.parquet"))
    good = azure.read_bytes()
    azure.write_bytes(good[: len(good) // 2])
    refused = run(organization)
    assert refused.returncode == 1
    assert "2026-10/part-0.parquet" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert marts(database) == before
    azure.write_bytes(good)

    apply_restatement(organization.parent)
    assert run(organization).returncode == 0
    ((restated,),) = rows(
        database,
        "select sum(billed_cost) from finops.chargeback_reports where source_name = 'aws_main' and billing_period = '2026-09-01'",
    )
    assert restated == Decimal(truth["restatement"]["total"]["billed_cost"])
    assert marts(database) != before


def test_killed_runs_leave_nothing_half_done(organization: Path, database: str, finops_home: Path) -> None:
    """Runs killed at random moments, one after the other; the run that is let through ends where an undisturbed one does."""
    moments = random.Random(20261)
    for _ in range(int(os.environ.get("FINOPS_TEST_KILLS", "3"))):
        process = subprocess.Popen(
            [*COMMAND, "--config", str(organization)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(moments.uniform(1, 14))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    through = run(organization)
    assert through.returncode == 0, through.stdout + through.stderr
    disturbed = marts(database), pages(finops_home)

    with psycopg.connect(database, autocommit=True) as connection:
        for schema in ("raw", "config", "staging", "intermediate", "finops"):
            connection.execute(f"drop schema {schema} cascade".encode())
    for page in (finops_home / "reports").glob("*"):
        page.unlink()
    undisturbed = run(organization)
    assert undisturbed.returncode == 0, undisturbed.stdout + undisturbed.stderr
    assert (marts(database), pages(finops_home)) == disturbed
