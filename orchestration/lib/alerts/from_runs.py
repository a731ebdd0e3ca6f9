"""Alerts to the operators: runs that failed and gates that held. They name what failed, and hold neither data nor messages of errors."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from hashlib import sha256

from orchestration.lib.alerts.alert import Alert

# The step of a gate that held ends with this error, so that nothing behind it runs.
_HELD = "DagsterAssetCheckFailedError"


def from_run(
    job: str,
    run_id: str,
    day: date,
    failed_gates: Sequence[str],
    failed_steps: Sequence[tuple[str, str]],
    link: str | None = None,
) -> list[Alert]:
    """One alert for the gates of a run and one for its failed steps, each once a day for the same failure of the same job.

    `failed_gates`: assets that did not pass. `failed_steps`: steps that failed, with the class of the error.
    """
    steps = sorted((step, error) for step, error in failed_steps if error != _HELD)
    found = []
    if failed_gates:
        marts = sorted(failed_gates)
        found.append(
            Alert(
                alert_id=_alert_id("gate", job, day, marts),
                kind="gate",
                severity="high",
                team=None,
                title=f"Gate failed: {', '.join(marts)}",
                facts=(("job", job), ("run", run_id), *(("held back", mart) for mart in marts)),
                text="What was made last did not pass its checks. Reports and alerts are held back; the last good ones stay. "
                "The run in Dagster says which expectations failed, on which rows.",
                occurred_on=day,
                link=link,
            )
        )
    if steps or not failed_gates:
        found.append(
            Alert(
                alert_id=_alert_id("run_failure", job, day, [step for step, _ in steps]),
                kind="run_failure",
                severity="high",
                team=None,
                title=f"Run of {job} failed: {', '.join(step for step, _ in steps) or 'it ended without a word'}",
                facts=(("job", job), ("run", run_id), *steps),
                text="The run in Dagster says why. What was there before stays as it was.",
                occurred_on=day,
                link=link,
            )
        )
    return found


def _alert_id(kind: str, job: str, day: date, what: Sequence[str]) -> str:
    """The same failure once a day: a job that runs every few minutes would fill every inbox."""
    return f"{kind}:{job}:{day}:{sha256(chr(0).join(what).encode()).hexdigest()[:12]}"
