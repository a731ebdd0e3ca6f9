"""What failed in a run of Dagster, by name alone: messages of errors may hold data."""

from __future__ import annotations

from collections.abc import Iterable

from dagster import DagsterEvent, DagsterEventType


def failures_of(events: Iterable[DagsterEvent | None]) -> tuple[list[str], list[tuple[str, str]]]:
    """The assets whose gate held, and the steps that failed with the class of the first cause."""
    gates, steps = [], []
    for event in filter(None, events):
        if event.event_type is DagsterEventType.ASSET_CHECK_EVALUATION:
            check = event.asset_check_evaluation_data
            if check.check_name == "gate" and not check.passed:
                gates.append(check.asset_key.to_user_string())
        elif event.is_step_failure:
            error = event.step_failure_data.error
            while error is not None and error.cause is not None:
                error = error.cause
            steps.append((event.step_key or "", (error and error.cls_name) or "no error"))
    return gates, steps
