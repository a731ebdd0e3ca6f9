"""Closing as people do it, on the sample organisation: by command and by Dagster, a restatement after it, and the pages that say so."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from decimal import Decimal
from html import unescape
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration.definitions import build_definitions
from orchestration.lib import dbt
from orchestration.lib.config import load_config
from orchestration.sample.generator import generate
from orchestration.sample.restatement import apply_restatement

FINOPS = str(Path(sys.executable).with_name("finops"))


def finops(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [FINOPS, *arguments], capture_output=True, text=True, check=False, env={**os.environ, "FINOPS_ACTOR": "Ana"}
    )


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(query.encode()).fetchall()


def page(home: Path, month: str) -> str:
    return unescape((home / "reports" / f"chargeback-{month}.html").read_text())


@pytest.fixture
def config(finops_home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small sample organisation of three months that was taken in; returns its configuration."""
    generate(finops_home / "bills", factor=0.05, months=3)
    path = finops_home / "bills" / "finops-config.yaml"
    monkeypatch.setenv("FINOPS_CONFIG", str(path))
    done = finops("run")
    assert done.returncode == 0, done.stdout + done.stderr
    return path


def test_a_restated_month_that_is_closed_is_charged_in_the_next(config: Path, database: str, finops_home: Path) -> None:
    early = finops("close", "2026-09")
    assert early.returncode == 1
    assert "error: 2026-08 must be closed before 2026-09" in early.stderr
    # One invoice of the sample does not agree with its delivery.
    refused = finops("close", "2026-08")
    assert (
        "invoice US1424538880 of Amazon Web Services, Inc. differs from what was delivered by USD -13.37."
        in refused.stderr
    )
    # The same code by Dagster's job, with its run config.
    job = build_definitions(load_config(config), dbt.prepare_manifest(database)).resolve_job_def("close_month")
    accepted = {"month": "2026-08", "accepted_differences": {"US1424538880": "a refund that the invoice has already"}}
    assert job.execute_in_process(run_config={"ops": {"sign": {"config": accepted}}}).success
    assert rows(database, "select record -> 'accepted_differences' -> 0 ->> 'reason' from audit.closes") == [
        ("a refund that the invoice has already",)
    ]
    second = finops("close", "2026-09")
    assert second.returncode == 0, second.stderr
    assert second.stdout.startswith("2026-09 is closed: ")
    ((signed_rows, content_hash),) = rows(
        database, "select row_count, content_hash from finops.closed_periods where billing_period = '2026-09-01'"
    )
    signed = rows(
        database, "select c::text from finops.chargeback_reports as c where billing_period = '2026-09-01' order by 1"
    )
    assert len(signed) == signed_rows
    closed_page = page(finops_home, "2026-09")
    assert f"as <code>{content_hash[:12]}</code>" in closed_page

    apply_restatement(config.parent)
    again = finops("run")
    assert again.returncode == 0, again.stdout + again.stderr
    assert signed == rows(
        database, "select c::text from finops.chargeback_reports as c where billing_period = '2026-09-01' order by 1"
    )
    assert page(finops_home, "2026-09") == closed_page
    truth = json.loads((config.parent / "truth.json").read_text())
    (before,) = [
        one["billed_cost"]
        for one in truth["totals"]
        if (one["source"], one["billing_period"]) == ("aws_main", "2026-09")
    ]
    change = Decimal(truth["restatement"]["total"]["billed_cost"]) - Decimal(before)
    assert change != 0
    assert rows(
        database,
        "select source_name, billing_period::text, adjusts_billing_period::text, sum(billed_cost)"
        " from finops.chargeback_reports where cost_type = 'adjustment' group by 1, 2, 3 having sum(billed_cost) <> 0",
    ) == [("aws_main", "2026-10-01", "2026-09-01", change)]
    open_page = page(finops_home, "2026-10")
    assert "Adjustments of closed months" in open_page
    ((adjusted, total),) = rows(
        database,
        "select sum(effective_cost) filter (where cost_type = 'adjustment'), sum(effective_cost) from finops.chargeback_reports"
        " where billing_period = '2026-10-01' and billing_currency = 'USD'",
    )
    shown = re.search(r'data-adjustments="([^"]+)"', open_page)
    assert shown is not None
    assert Decimal(shown[1]) == adjusted
    assert total in [Decimal(text) for text in re.findall(r'data-total="([^"]+)"', open_page)]

    reopened = finops("reopen", "2026-09", "--reason", "restated in full")
    assert reopened.returncode == 0, reopened.stderr
    listed = finops("close", "--list").stdout.splitlines()
    assert [line.split("  ")[1] for line in listed] == ["2026-08", "2026-09"]
    assert listed[1].endswith("by Ana: restated in full")
    verified = finops("audit", "verify")
    assert (verified.returncode, verified.stdout.split(".")[0]) == (
        0,
        "3 events and all closed months are as they were written",
    )


def test_what_dagster_is_told_wrongly_closes_nothing(config: Path, database: str) -> None:
    job = build_definitions(load_config(config), dbt.prepare_manifest(database)).resolve_job_def("close_month")
    for month, message in (("2026-9", "is no month"), ("2026-11", "2026-11 has no charges")):
        result = job.execute_in_process(
            run_config={"ops": {"sign": {"config": {"month": month}}}}, raise_on_error=False
        )
        assert not result.success
        (failure,) = [event for event in result.all_events if event.is_step_failure]
        assert message in str(failure.step_failure_data.error)
    assert rows(database, "select count(*) from audit.closes") == [(0,)]
