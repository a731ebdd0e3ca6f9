"""Ask AI APIs for what is in progress."""

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition

from orchestration.lib.config import Config

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def usage_schedule(config: Config, job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    """Every five minutes, and running from the start where the configuration names an API to ask."""
    is_asked = any(source.is_fetched and source.is_api for source in config.sources)

    @dg.schedule(
        name="ai_usage",
        cron_schedule="*/5 * * * *",
        execution_timezone="UTC",
        job=job,
        default_status=dg.DefaultScheduleStatus.RUNNING if is_asked else dg.DefaultScheduleStatus.STOPPED,
        description="Takes in the hours in progress of AI APIs: one request for each kind of usage.",
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if not is_asked:
            return dg.SkipReason("No source of the configuration is an API that is asked over HTTP.")
        if context.instance.get_runs(dg.RunsFilter(job_name=job.name, statuses=_UNFINISHED), limit=1):
            return dg.SkipReason("The run before has not ended.")
        return dg.RunRequest(partition_key=f"{context.scheduled_execution_time:%Y-%m}")

    return schedule
