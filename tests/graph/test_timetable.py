"""What starts by itself: at the hour of the organisation's clock, for the right months, on every day of the year."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from dagster._core.storage.tags import ASSET_PARTITION_RANGE_END_TAG, ASSET_PARTITION_RANGE_START_TAG
from dagster._utils.schedules import cron_string_iterator

from orchestration.defs.automation.jobs import refresh
from orchestration.defs.automation.schedules import timed_schedules
from orchestration.defs.automation.timetable import AUTOMATIONS
from orchestration.lib.config import Config, load_config
from orchestration.lib.errors import FinopsError

BERLIN = ZoneInfo("Europe/Berlin")


def config_of(folder: Path, zone: str) -> Config:
    file = folder / "finops-config.yaml"
    file.write_text(
        f"organization: {{name: Example, first_billing_period: 2026-02, time_zone: {zone}}}\n"
        "sources: [{name: aws, format: focus, location: bills}]\n"
        "teams: [{name: Search, cost_center: CC-1}]\n"
    )
    return load_config(file)


@pytest.fixture
def schedules(tmp_path: Path) -> dict[str, dg.ScheduleDefinition]:
    return {one.name: one for one in timed_schedules(config_of(tmp_path, BERLIN.key), [refresh])}


def months(schedule: dg.ScheduleDefinition, at: datetime) -> tuple[str, str] | None:
    """The first and the last month of the run that a schedule starts at a time; None where it starts none."""
    with dg.build_schedule_context(scheduled_execution_time=at) as context:
        requests = schedule.evaluate_tick(context).run_requests or []
    return next(
        ((one.tags[ASSET_PARTITION_RANGE_START_TAG], one.tags[ASSET_PARTITION_RANGE_END_TAG]) for one in requests), None
    )


def times(schedule: dg.ScheduleDefinition, first: datetime, last: datetime) -> Iterator[datetime]:
    assert isinstance(schedule.cron_schedule, str)
    every = cron_string_iterator(first.timestamp(), schedule.cron_schedule, schedule.execution_timezone)
    return takewhile(lambda at: at <= last, every)


def test_a_year_of_mornings_also_where_the_clock_changes(schedules: dict[str, dg.ScheduleDefinition]) -> None:
    year = datetime(2026, 1, 1, tzinfo=BERLIN), datetime(2026, 12, 31, 23, tzinfo=BERLIN)
    found = {name: [at.astimezone(BERLIN) for at in times(one, *year)] for name, one in schedules.items()}
    assert {name: len(every) for name, every in found.items()} == {
        "daily_close": 365,
        "weekly_review": 52,
        "monthly_chargeback": 12,
    }
    assert {(at.hour, at.minute) for at in found["daily_close"]} == {(6, 0)}
    assert {(at.isoweekday(), at.hour) for at in found["weekly_review"]} == {(1, 8)}
    assert {(at.day, at.hour) for at in found["monthly_chargeback"]} == {(1, 7)}


@pytest.mark.parametrize(
    ("name", "at", "expected"),
    [
        ("daily_close", "2026-03-15T05:00", ("2026-02", "2026-03")),
        ("daily_close", "2026-02-10T05:00", ("2026-02", "2026-02")),  # the month before is not taken in
        ("monthly_chargeback", "2026-04-01T05:00", ("2026-03", "2026-03")),
        ("monthly_chargeback", "2026-02-01T06:00", None),
        # May has begun in Berlin; bills are of UTC months, and of that one there cannot be any yet.
        ("daily_close", "2026-04-30T23:30", ("2026-04", "2026-04")),
    ],
)
def test_a_run_is_about_the_months_in_question(
    schedules: dict[str, dg.ScheduleDefinition], name: str, at: str, expected: tuple[str, str] | None
) -> None:
    assert months(schedules[name], datetime.fromisoformat(at).replace(tzinfo=UTC)) == expected


def test_every_automation_is_a_schedule_that_runs_from_the_start(schedules: dict[str, dg.ScheduleDefinition]) -> None:
    assert list(schedules) == [one.name for one in AUTOMATIONS]
    assert {one.default_status for one in schedules.values()} == {dg.DefaultScheduleStatus.RUNNING}
    assert all(one.owners for one in schedules.values())


def test_a_zone_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FinopsError, match="found 'Mars/Olympus', must be a time zone"):
        config_of(tmp_path, "Mars/Olympus")
