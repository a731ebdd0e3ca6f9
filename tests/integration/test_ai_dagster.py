"""API sources in Dagster: fetched and loaded by their asset, polled by their schedule, and known to run, sensor and close."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest

from orchestration.defs.automation.jobs import usage_job
from orchestration.defs.automation.schedules import usage_schedule
from orchestration.defs.automation.sensors import delivery_sensor
from orchestration.defs.ingest.ai_prices import ai_prices_asset
from orchestration.defs.ingest.assets import ONLY_OPEN, source_asset
from orchestration.defs.resources import Warehouse
from orchestration.lib.ai import fetch
from orchestration.lib.ai.http import Client
from orchestration.lib.close_checks import _pending
from orchestration.lib.config import Config, load_config
from orchestration.lib.run import _months_to_run
from orchestration.lib.warehouse import ensure_warehouse
from tests.support.ai_server import ANTHROPIC_KEY, AiServer, ai_server, span

TODAY = datetime.now(UTC).date()
MONTH = TODAY.replace(day=1)


@pytest.fixture
def server(finops_home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AiServer]:
    monkeypatch.setenv("ANTHROPIC_ADMIN_KEY", ANTHROPIC_KEY)
    monkeypatch.setattr(fetch, "Client", partial(Client, per_second=10_000))
    with ai_server() as running:
        running.buckets["messages"] = [span(TODAY, 0, {"output_tokens": 3, "model": "claude-sonnet-4-5"})]
        running.buckets["cost_report"] = [
            span(MONTH, 0, {"amount": "50", "currency": "USD", "description": "Web Search Usage"}, hours=24)
        ]
        yield running


@pytest.fixture
def config(server: AiServer, tmp_path: Path) -> Config:
    path = tmp_path / "finops-config.yaml"
    path.write_text(
        f"organization: {{name: Halden, first_billing_period: {MONTH:%Y-%m}}}\n"
        f"sources: [{{name: claude, format: anthropic, endpoint_url: '{server.address}'}}]\n"
    )
    return load_config(path)


def materialise(config: Config, instance: dg.DagsterInstance, **tags: str) -> tuple[bool, str]:
    """Run the asset of the source; returns whether its check passed, and what it says is rejected."""
    result = dg.materialize(
        [source_asset(config.sources[0], config)],
        instance=instance,
        partition_key=f"{MONTH:%Y-%m}",
        resources={"warehouse": Warehouse()},
        tags=tags,
    )
    assert result.success
    (check,) = result.get_asset_check_evaluations()
    return check.passed, str(check.metadata["rejected"].value)


def loaded(url: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select source_name, status, line_count, billed_cost from raw.deliveries where status = 'loaded' order by 1"
        ).fetchall()


def test_the_asset_fetches_then_loads(config: Config, server: AiServer, database: str) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        assert materialise(config, instance) == (True, "none")
        assert [row[:3] for row in loaded(database)] == [("claude", "loaded", 1), ("claude/usage", "loaded", 1)]
        assert loaded(database)[0][3] == 0.5
        # A poll asks for messages of today, once.
        server.asked.clear()
        assert materialise(config, instance, **ONLY_OPEN) == (True, "none")
        assert [one.of("starting_at") for one in server.asked] == [[f"{TODAY}T00:00:00Z"]]
        server.fail("messages", 401)
        passed, told = materialise(config, instance)
        assert not passed
        assert "HTTP 401: the key in ANTHROPIC_ADMIN_KEY is refused" in told
        assert len(loaded(database)) == 2
        said = [str(event) for run in instance.get_runs() for event in instance.all_logs(run.run_id)]
        assert ANTHROPIC_KEY not in "".join(said) + json.dumps([run.run_config for run in instance.get_runs()])


def test_a_run_takes_the_months_that_are_to_be_fetched(config: Config, server: AiServer, database: str) -> None:
    assert _months_to_run(database, config) == [MONTH]
    assert server.asked == []


def test_sensor_and_close_know_it_without_asking(config: Config, server: AiServer, database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        ensure_warehouse(connection)
        (told,) = _pending(database, connection, config, MONTH)
    days = (TODAY - MONTH).days + 1
    assert told == (
        f"claude: days of the month were not fetched since they ended: {days}, from {MONTH} to {TODAY}. Run `finops run` first."
    )
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_sensor_context(instance, resources={"warehouse": Warehouse()})
        found = delivery_sensor(config)(context)
    assert isinstance(found, dg.SensorResult)
    assert found.run_requests == []
    assert server.asked == []


def definitions_of(config: Config, job: Any, schedule: dg.ScheduleDefinition) -> dg.Definitions:
    return dg.Definitions(
        assets=[source_asset(config.sources[0], config), ai_prices_asset(config)],
        jobs=[job],
        schedules=[schedule],
        resources={"warehouse": Warehouse()},
    )


def test_the_schedule_polls_the_month_in_progress_unless_it_is_polled(config: Config) -> None:
    job = usage_job(config)
    schedule = usage_schedule(config, job)
    assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
    at = datetime(2026, 3, 1, 0, 5, tzinfo=UTC)
    with dg.DagsterInstance.local_temp() as instance:
        request = schedule(dg.build_schedule_context(instance, scheduled_execution_time=at))
        assert isinstance(request, dg.RunRequest)
        assert request.partition_key == "2026-03"
        resolved = definitions_of(config, job, schedule).resolve_job_def("ai_usage")
        assert resolved.tags.items() >= ONLY_OPEN.items()
        instance.create_run_for_job(resolved, status=dg.DagsterRunStatus.STARTED)
        assert isinstance(schedule(dg.build_schedule_context(instance, scheduled_execution_time=at)), dg.SkipReason)


def test_without_an_api_nothing_is_polled(tmp_path: Path) -> None:
    path = tmp_path / "finops-config.yaml"
    path.write_text(
        "organization: {name: Halden, first_billing_period: 2026-01}\n"
        "sources: [{name: claude, format: anthropic, location: pages}]\n"
    )
    config = load_config(path)
    job = usage_job(config)
    schedule = usage_schedule(config, job)
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    # The job is there all the same, and selects nothing.
    assert definitions_of(config, job, schedule).resolve_job_def("ai_usage").nodes == []
    with dg.DagsterInstance.ephemeral() as instance:
        context = dg.build_schedule_context(instance, scheduled_execution_time=datetime(2026, 3, 1, tzinfo=UTC))
        assert isinstance(schedule(context), dg.SkipReason)


def test_what_is_to_be_fetched_follows_from_what_is_there(config: Config) -> None:
    source = config.sources[0]
    before = (MONTH - timedelta(days=1)).replace(day=1)
    assert fetch.months_to_fetch(source, before) == [before, MONTH]
    now = datetime(TODAY.year, TODAY.month, TODAY.day, tzinfo=UTC) + timedelta(days=40)
    assert fetch.fetch(source, before, {before}, now=now) == []
    assert fetch.months_to_fetch(source, before) == [MONTH]
    assert fetch.unfinished_days(source, before) == []
    assert fetch.unfinished_days(source, MONTH)[0] == date(MONTH.year, MONTH.month, 1)
