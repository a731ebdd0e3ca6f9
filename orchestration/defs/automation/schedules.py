"""Start jobs by the clock: those of the timetable, and the poll of AI APIs."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG

from orchestration.defs.automation.timetable import AUTOMATIONS, Automation
from orchestration.defs.partitions import billing_months
from orchestration.lib.config import Config

_UNFINISHED = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def timed_schedules(config: Config, jobs: Sequence[UnresolvedAssetJobDefinition]) -> list[dg.ScheduleDefinition]:
    """The schedules of the timetable, each of the job of its name, else of the first."""
    named = {job.name: job for job in jobs}
    return [_timed(one, config, named.get(one.name, jobs[0])) for one in AUTOMATIONS]


def _timed(automation: Automation, config: Config, job: UnresolvedAssetJobDefinition) -> dg.ScheduleDefinition:
    zone = ZoneInfo(config.organization.time_zone)
    partitions = billing_months(config)

    @dg.schedule(
        name=automation.name,
        cron_schedule=automation.cron,
        execution_timezone=zone.key,
        job=job,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=automation.description,
        owners=["team:finops"],
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        at = context.scheduled_execution_time.astimezone(zone)
        keys = partitions.get_partition_keys(current_time=at)
        first, last = (f"{month:%Y-%m}" for month in automation.months(at.date()))
        wanted = [key for key in keys if first <= key <= last]
        if not wanted:
            return dg.SkipReason(
                f"No month to run: the first billing period is {config.organization.first_billing_period}."
            )
        return dg.RunRequest(
            run_key=f"{automation.name}:{at.date()}",
            tags={ASSET_PARTITION_RANGE_START_TAG: wanted[0], ASSET_PARTITION_RANGE_END_TAG: wanted[-1]},
        )

    return schedule


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
