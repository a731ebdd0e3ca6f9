"""The gate in front of what leaves: Great Expectations suites over the public marts, evaluated inside the database."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

from orchestration.lib.errors import FinopsError
from orchestration.lib.gate_checks import Check
from orchestration.lib.gate_suites import SUITES

if TYPE_CHECKING:
    from great_expectations.datasource.fluent.interfaces import Batch

SAMPLE_SIZE = 5
"""How many failing rows are shown for an expectation."""
_SCHEMA = "finops"
_MOST_ROWS = 100


@dataclass(frozen=True)
class ExpectationResult:
    """How one expectation came out.

    `observed`: what was found, in words.
    `unexpected_count`: how many values or rows break it; a rule over whole rows stops counting at 100.
    `sample`: some of them, each as column -> value.
    """

    expectation: str
    column: str | None
    success: bool
    observed: str
    unexpected_count: int
    sample: tuple[dict[str, str], ...] = ()


@dataclass(frozen=True)
class GateResult:
    """How a mart came through the gate, one result per expectation of its suite, in the suite's order."""

    mart: str
    success: bool
    results: tuple[ExpectationResult, ...]

    @property
    def failures(self) -> tuple[ExpectationResult, ...]:
        """The expectations that do not hold."""
        return tuple(result for result in self.results if not result.success)


def prepare() -> None:
    """Import Great Expectations, which takes seconds, in the background while something else is waited for."""
    Thread(target=import_module, args=["great_expectations"], name="gate", daemon=True).start()


def run_gate(database_url: str, mart: str, *, delivery_periods: Sequence[date] = ()) -> GateResult:
    """Check a mart of schema finops against its suite.

    `delivery_periods`: look only at what was delivered for these months, where the mart is kept by delivered month (the
    others are small, and looked at whole). All checks of columns are one query; failing rows are fetched only for what
    fails. Raises FinopsError for a mart without a suite, and for a mart or database that cannot be read.
    """
    if mart not in SUITES:
        raise FinopsError(f"There is no gate for {mart!r}. Gates: {', '.join(SUITES)}.")
    suite = SUITES[mart]
    months = [month.isoformat() for month in delivery_periods] if suite.by_delivery else []
    with _batch(database_url, mart) as batch:
        outcomes = _validate(batch, suite.checks, months, {"result_format": "BOOLEAN_ONLY"})
        failed = tuple(check for check in suite.checks if not outcomes[check.meaning].success)
        sampling = {
            "result_format": "SUMMARY",
            "partial_unexpected_count": SAMPLE_SIZE,
            "unexpected_index_column_names": list(suite.shown),
        }
        outcomes |= _validate(batch, failed, months, sampling)
    results = tuple(_result(check, outcomes[check.meaning]) for check in suite.checks)
    return GateResult(mart, not failed, results)


def gate_markdown(result: GateResult) -> str:
    """A result as Markdown: a table of all expectations, the failing ones first, then samples of what failed."""
    held = [found for found in result.results if found.success]
    verdict = "passed" if result.success else "failed"
    lines = [
        f"**{_SCHEMA}.{result.mart} {verdict}**: {len(held)} of {len(result.results)} expectations hold.",
        "",
        "| | expectation | observed |",
        "|---|---|---|",
    ]
    lines += [f"| ✗ | {_cell(found.expectation)} | {_cell(found.observed)} |" for found in result.failures]
    lines += [f"| ✓ | {_cell(found.expectation)} | {_cell(found.observed)} |" for found in held]
    for found in result.failures:
        if found.sample:
            columns = list(found.sample[0])
            lines += ["", f"**{_cell(found.expectation)}** does not hold, for example:", ""]
            lines += [_row(columns), _row(["---"] * len(columns))]
            lines += [_row([row.get(column, "") for column in columns]) for row in found.sample]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell if cell == '---' else _cell(cell) for cell in cells)} |"


def _cell(text: str) -> str:
    """A text from the data that cannot end its table cell or become markup."""
    short = " ".join(text.split())[:300]
    return "".join(f"\\{character}" if character in "\\|<>`*_[]&" else character for character in short)


@contextmanager
def _batch(database_url: str, mart: str) -> Iterator[Batch]:
    """The mart as Great Expectations sees it, while the context lasts."""
    import great_expectations as gx
    import sqlalchemy as sa
    from great_expectations.data_context.types.base import ProgressBarsConfig
    from great_expectations.datasource.fluent.interfaces import GxDatasourceWarning, TestConnectionError
    from great_expectations.exceptions.exceptions import GreatExpectationsError

    url = sa.make_url(database_url).set(drivername="postgresql+psycopg2")
    options = f"{url.query.get('options', '')} -csearch_path={_SCHEMA}".strip()
    text = url.update_query_dict({"options": options}).render_as_string(hide_password=False)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    context.variables.analytics_enabled = False
    with ExitStack() as stack:
        try:
            # Of a $NAME, also in a password, Great Expectations makes a setting of its own. Its source for PostgreSQL,
            # which it would rather have, refuses URLs that name a Unix socket.
            with warnings.catch_warnings(action="ignore", category=GxDatasourceWarning):
                source = context.data_sources.add_sql(
                    "warehouse", connection_string=text.replace("$", "%24"), create_temp_table=False
                )
                stack.callback(source.get_engine().dispose)
            stack.callback(source.get_execution_engine().close)
            # A table asset: to learn the columns of a query asset, GX would read all of its rows into memory.
            yield source.add_table_asset(mart, table_name=mart).add_batch_definition_whole_table(mart).get_batch()
        except (GreatExpectationsError, TestConnectionError, sa.exc.SQLAlchemyError) as error:
            reason = _first_line(error.__cause__ or error)
            raise FinopsError(f"The gate of {_SCHEMA}.{mart} cannot look at it: {reason}") from error


def _validate(
    batch: Batch, checks: Sequence[Check], months: Sequence[str], result_format: dict[str, Any]
) -> dict[str, Any]:
    """Check meaning -> what Great Expectations found."""
    if not checks:
        return {}
    import great_expectations as gx

    # Great Expectations hands results back in an order of its own; the meaning tells which is which.
    suite = gx.ExpectationSuite("gate", expectations=[_expectation(check, months) for check in checks])
    validated: Any = batch.validate(suite, result_format=result_format)
    return {outcome.expectation_config.meta["meaning"]: outcome for outcome in validated.results}


def _expectation(check: Check, months: Sequence[str]) -> Any:
    import great_expectations.expectations as gxe
    from great_expectations.expectations.row_conditions import Column

    from orchestration.lib.gate_expectations import RowsThatBreakARule

    meta = {"meaning": check.meaning}
    if "query" in check.arguments:
        listed = ", ".join(f"date '{month}'" for month in months)
        delivered = f"delivery_period in ({listed})" if months else "true"
        query = check.arguments["query"].replace("{delivered}", delivered)
        return RowsThatBreakARule(unexpected_rows_query=f"{query} limit {_MOST_ROWS}", meta=meta)
    condition = Column("delivery_period").is_in(months) if months else None
    return getattr(gxe, check.kind)(**check.arguments, row_condition=condition, meta=meta)


def _result(check: Check, outcome: Any) -> ExpectationResult:
    found: dict[str, Any] = outcome.result
    if outcome.success:
        return ExpectationResult(check.meaning, check.column, True, "holds", 0)
    if not found:
        error = next(iter(outcome.exception_info.values()))
        raised = error["exception_message"] if isinstance(error, dict) else outcome.exception_info["exception_message"]
        return ExpectationResult(check.meaning, check.column, False, f"cannot be checked: {_first_line(raised)}", 0)
    if "details" in found:
        rows = found["details"]["unexpected_rows"]
        observed = f"{_MOST_ROWS} rows or more" if len(rows) == _MOST_ROWS else _count(len(rows), "row")
        return ExpectationResult(check.meaning, check.column, False, observed, len(rows), _texts(rows[:SAMPLE_SIZE]))
    if "unexpected_count" in found:
        observed = f"{_count(found['unexpected_count'], 'value')} of {found['element_count']:,}"
        sample = _texts(found.get("partial_unexpected_index_list", [])[:SAMPLE_SIZE])
        return ExpectationResult(check.meaning, check.column, False, observed, found["unexpected_count"], sample)
    return ExpectationResult(check.meaning, check.column, False, str(found["observed_value"]), 1)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _texts(rows: Sequence[dict[str, Any]]) -> tuple[dict[str, str], ...]:
    return tuple({column: "" if value is None else str(value) for column, value in row.items()} for row in rows)


def _first_line(error: object) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
