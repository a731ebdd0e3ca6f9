"""The expectation that Great Expectations lacks. Importing this takes seconds: import it where it is used."""

from __future__ import annotations

from typing import Any, ClassVar

from great_expectations.expectations.core.unexpected_rows_expectation import UnexpectedRowsExpectation


class RowsThatBreakARule(UnexpectedRowsExpectation):
    """Fails where a query finds rows, and hands back the rows it found.

    The stock expectation runs its query twice, once to count, and keeps the rows from every result format but COMPLETE.
    """

    metric_dependencies: ClassVar[tuple[str, ...]] = ("unexpected_rows_query.table",)

    def _validate(self, metrics: dict[str, Any], *_: Any, **__: Any) -> dict[str, Any]:
        rows = metrics["unexpected_rows_query.table"]
        return {"success": not rows, "result": {"observed_value": len(rows), "details": {"unexpected_rows": rows}}}
