"""`finops run`: take in what is new, build, check and report, in this process and through Dagster."""

from __future__ import annotations

import gc
import os
from contextlib import ExitStack, redirect_stdout
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import psycopg
from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from orchestration.lib import dbt, paths, postgres, settings
from orchestration.lib.ai.fetch import months_to_fetch
from orchestration.lib.config import Config
from orchestration.lib.dbt_ahead import dbt_ahead
from orchestration.lib.deliveries import Delivery
from orchestration.lib.errors import FinopsError
from orchestration.lib.ingest import find_deliveries, new_deliveries, open_storage
from orchestration.lib.progress import watched_by
from orchestration.lib.publishing import report_files
from orchestration.lib.warehouse import ensure_warehouse

if TYPE_CHECKING:
    from dagster import ExecuteInProcessResult


def run_all(config_path: Path | None, console: Console) -> None:
    """Run everything for the months that have something new, and say what came of it.

    Raises FinopsError where something was rejected or a gate failed; what could be done is done then.
    """
    if config_path is not None:
        os.environ["FINOPS_CONFIG"] = str(config_path.absolute())
    began = datetime.now(UTC)
    # Modules and definitions live to the end: looking for garbage among them, again and again, would take seconds.
    gc.disable()
    with _Terminal(console) as terminal, watched_by(terminal), dbt_ahead():
        terminal.step("Start PostgreSQL")
        url = postgres.ensure_running()
        terminal.step("Read the configuration" if paths.config_file() else "Make the sample organisation")
        config = settings.active_config()
        terminal.step("Look for deliveries")
        months = _months_to_run(url, config)
        terminal.step("Prepare the models")
        os.environ.update(dbt.environment(url))
        manifest = dbt.prepare_manifest(url)
        terminal.step("Start Dagster")
        outcome = _run_dagster(config, manifest, months)
    _summary(url, config, months, outcome, console, began)
    gc.freeze()
    if outcome.failures:
        raise FinopsError("\n".join(outcome.failures))


@dataclass
class _Outcome:
    """What came of a run: what failed, in words, and how many checks passed of those that ran."""

    failures: list[str] = field(default_factory=list)
    checks_passed: int = 0
    checks: int = 0
    gates_passed: int = 0
    gates: int = 0


def _months_to_run(url: str, config: Config) -> list[date]:
    """The months with something new or to be fetched.

    Where nothing is new the newest delivered month is among them, as rules may have changed.
    """
    first = config.organization.first_month
    new: list[Delivery] = []
    every: list[Delivery] = []
    due: set[date] = set()
    for source in config.sources:
        if source.is_fetched:
            due |= set(months_to_fetch(source, first))
        found = find_deliveries(source, open_storage(source, config.path, paths.spool_dir()))
        every += found
        new += new_deliveries(url, source, found)
    if not every and not due:
        raise FinopsError(
            f"{config.path.name}: no source has a delivery. Looked in: {', '.join(s.shown_location for s in config.sources)}."
        )
    months = sorted({d.billing_period for d in new or every if d.billing_period and d.billing_period >= first})
    return sorted(due.union(months if new else months[-1:])) or [first]


def _run_dagster(config: Config, manifest: Path, months: list[date]) -> _Outcome:
    """Run the job over the months."""
    from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

    from orchestration.definitions import build_definitions
    from orchestration.lib.dagster_home import dagster_instance
    from orchestration.lib.dagster_runs import end_dead_runs, process_tags

    with ExitStack() as stack:
        instance = stack.enter_context(dagster_instance())
        end_dead_runs(instance)
        job = build_definitions(config, manifest).resolve_job_def("refresh")
        gc.freeze()
        gc.enable()
        # dbt repeats on standard output what Dagster records; the terminal is for the steps and their outcome.
        log = stack.enter_context((paths.dagster_dir() / "run.log").open("w"))
        stack.enter_context(redirect_stdout(log))
        result = job.execute_in_process(
            instance=instance,
            raise_on_error=False,
            run_config={"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}},
            tags={
                **process_tags(),
                ASSET_PARTITION_RANGE_START_TAG: f"{months[0]:%Y-%m}",
                ASSET_PARTITION_RANGE_END_TAG: f"{months[-1]:%Y-%m}",
            },
        )
        outcome = _Outcome()
        for event in result.all_events:
            if event.is_step_failure:
                outcome.failures.append(f"{event.step_key}: {_innermost(event.step_failure_data.error)}")
        for check in result.get_asset_check_evaluations():
            is_gate = check.check_name.startswith("gate")  # of several marts on one asset each has its name
            outcome.checks += not is_gate
            outcome.gates += is_gate
            outcome.checks_passed += check.passed and not is_gate
            outcome.gates_passed += check.passed and is_gate
            if not check.passed:
                details = check.metadata.get("rejected") or check.metadata.get("result")
                outcome.failures.append(
                    f"{check.asset_key.to_user_string()} {check.check_name}: {details.value if details else 'failed'}"
                )
        if not result.success:
            outcome.failures += _tell_operators(config, result)
    return outcome


def _tell_operators(config: Config, result: ExecuteInProcessResult) -> list[str]:
    """No sensor of Dagster sees a run of this process. Returns what went wrong in telling, which hides nothing of the run."""
    from orchestration.lib.alerts.telling import tell_of_run
    from orchestration.lib.run_failures import failures_of

    gates, steps = failures_of(result.all_events)
    try:
        return tell_of_run(postgres.ensure_running(), config, result.job_def.name, result.run_id, gates, steps).problems
    except (FinopsError, psycopg.Error) as error:
        return [f"The operators could not be told: {error}"]


def _innermost(error: object) -> str:
    """The message of the first cause; Dagster wraps it in several others."""
    while getattr(error, "cause", None) is not None:
        error = error.cause  # type: ignore[attr-defined]
    return str(getattr(error, "message", error)).strip()


def _summary(
    url: str, config: Config, months: list[date], outcome: _Outcome, console: Console, began: datetime
) -> None:
    if not console.is_terminal:
        console.width = max(console.width, 120)  # a log has no edge to wrap at
    with psycopg.connect(url, autocommit=True) as connection:
        ensure_warehouse(connection)
        table = Table(title=config.organization.name, title_justify="left", header_style="bold")
        for name, right in (
            ("source", False),
            ("months", False),
            ("lines", True),
            ("currency", False),
            ("billed", True),
            ("effective", True),
            ("unallocated", True),
        ):
            table.add_column(name, justify="right" if right else "left")
        has_marts = connection.execute("select to_regclass('finops.chargeback_reports') is not null").fetchone()
        for row in connection.execute(_SOURCES).fetchall() if has_marts and has_marts[0] else []:
            source, first, last, lines, currency, billed, effective, unallocated = row
            share = f"{unallocated / effective:z.1%}" if effective else "–"
            table.add_row(
                source,
                f"{first:%Y-%m} to {last:%Y-%m}",
                f"{lines:,}",
                currency,
                f"{billed:,.2f}",
                f"{effective:,.2f}",
                share,
            )
    console.print(table)
    console.print(
        f"Gates    {outcome.gates_passed} of {outcome.gates} passed, and {outcome.checks_passed} of {outcome.checks} checks of the layers"
    )
    if config.alerting.receivers:
        console.print(_told(url, began))
    html, csv = report_files(paths.reports_dir(), months[-1])
    if html.exists():
        console.print(f"Report   {html}\nFigures  {csv}", soft_wrap=True)
    console.print("UI       make ui  (or: finops ui)")


def _told(url: str, since: datetime) -> str:
    """What became of the alerts, in a line."""
    from orchestration.lib.alerts.listing import tally

    with psycopg.connect(url, autocommit=True) as connection:
        told, waiting, refused = tally(connection, since)
    more = "  (finops alerts list)" if waiting or refused else ""
    return f"Alerts   {told} told, {waiting} waiting, {refused} refused{more}"


_SOURCES = """
select
    c.source_name,
    min(c.billing_period),
    max(c.billing_period),
    sum(c.line_count),
    c.billing_currency,
    sum(c.billed_cost),
    sum(c.effective_cost),
    coalesce((
        select sum(b.effective_cost)
        from finops.chargeback_reports as b
        where b.source_name = c.source_name and b.billing_currency = c.billing_currency and b.cost_type = 'unallocated'
    ), 0)
from finops.cost_records as c
group by c.source_name, c.billing_currency
order by c.source_name, c.billing_currency
"""


@dataclass
class _Terminal:
    """Shows each step with its time, and lines and rate while a source is loaded."""

    console: Console
    _steps: list[TaskID] = field(default_factory=list)
    _lines: int = 0
    _began: float = 0.0

    def __enter__(self) -> _Terminal:
        self._progress = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description:<32}"),
            BarColumn(bar_width=16, pulse_style="cyan"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[detail]}", style="dim"),
            console=self.console,
        )
        self._progress.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self._end_step()
        self._progress.stop()

    def step(self, name: str) -> None:
        self._end_step()
        self._lines, self._began = 0, monotonic()
        self._steps.append(self._progress.add_task(name, total=None, detail=""))
        if not self.console.is_terminal:
            self.console.print(f"… {name}")

    def lines(self, source_name: str, count: int) -> None:  # noqa: ARG002
        self._lines += count
        rate = self._lines / max(monotonic() - self._began, 0.001)
        self._detail(f"{self._lines:,} lines, {rate:,.0f}/s")

    def note(self, text: str) -> None:
        self._detail(text)

    def _detail(self, text: str) -> None:
        if self._steps:
            self._progress.update(self._steps[-1], detail=text)

    def _end_step(self) -> None:
        if self._steps:
            self._progress.update(self._steps[-1], total=1, completed=1)
