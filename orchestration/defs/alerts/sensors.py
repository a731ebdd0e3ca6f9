"""Send what waits, and tell the operators of runs that failed."""

import dagster as dg

from orchestration.defs.resources import Warehouse
from orchestration.lib.config import Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.run_failures import failures_of


def outbox_sensor(config: Config) -> dg.SensorDefinition:
    @dg.sensor(
        name="alert_outbox",
        minimum_interval_seconds=60,
        default_status=_status(config),
        description="Sends what quiet hours, digests and receivers that were down have kept waiting.",
    )
    def sensor(warehouse: Warehouse) -> dg.SkipReason:
        from orchestration.lib.alerts.telling import tell

        try:
            told = tell(warehouse.url(), config, (), patience=0.0)
        except FinopsError as error:
            return dg.SkipReason(str(error))
        return dg.SkipReason("; ".join([f"{told.outcomes.get('sent', 0)} messages sent", *told.problems]))

    return sensor


def failure_sensor(config: Config) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="failed_runs",
        default_status=_status(config),
        description="Tells the operators of runs that failed and gates that held: what, and never why, which may hold data.",
    )
    def sensor(context: dg.RunFailureSensorContext, warehouse: Warehouse) -> None:
        from orchestration.lib.alerts.telling import tell_of_run

        run = context.dagster_run
        gates, steps = failures_of(entry.dagster_event for entry in context.instance.all_logs(run.run_id))
        tell_of_run(warehouse.url(), config, run.job_name, run.run_id, gates, steps)

    return sensor


def _status(config: Config) -> dg.DefaultSensorStatus:
    """Running from the start where there is somebody to tell."""
    return dg.DefaultSensorStatus.RUNNING if config.alerting.receivers else dg.DefaultSensorStatus.STOPPED
