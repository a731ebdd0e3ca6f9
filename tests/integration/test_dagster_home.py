"""`dagster.yaml` as it is: records in PostgreSQL, files below the state directory, no secret in it."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import psycopg
import pytest
from dagster import DagsterInstance
from dagster._core.instance.ref import InstanceRef
from dagster._serdes import serialize_value

from orchestration.lib import paths, postgres
from orchestration.lib.dagster_home import dagster_instance


def test_records_are_in_the_database_beside_the_warehouse(finops_home: Path) -> None:
    with dagster_instance() as instance:
        assert instance.get_runs_count() == 0
    with psycopg.connect(postgres.dagster_url().replace("+psycopg2", "")) as connection:
        tables = {row[0] for row in connection.execute("select tablename from pg_tables").fetchall()}
    assert {"runs", "event_logs", "job_ticks"} <= tables


def test_files_are_below_the_state_directory(finops_home: Path) -> None:
    with dagster_instance() as instance:
        log = instance.compute_log_manager.get_log_metadata(["run", "step"]).stdout_location
        artifacts = instance.storage_directory()
    assert log is not None
    assert Path(log).is_relative_to(finops_home / "dagster")
    assert Path(artifacts).is_relative_to(finops_home / "dagster")


def test_what_other_processes_and_the_interface_see_has_no_password(finops_home: Path, database: str) -> None:
    password = urlsplit(database).password
    assert password
    with dagster_instance() as instance:
        shown = serialize_value(instance.get_ref()) + instance.info_str()
    assert password not in shown
    assert unquote(password) not in shown


def test_a_pool_has_one_place_and_nothing_is_sent_home(finops_home: Path) -> None:
    with dagster_instance() as instance:
        assert instance.event_log_storage.get_pool_config().default_pool_limit == 1
        assert not instance.telemetry_enabled


def test_another_dagster_home_in_the_shell_changes_nothing(
    finops_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dagster_instance() as instance:
        assert Path(instance.storage_directory()).is_relative_to(finops_home)
    assert list(tmp_path.iterdir()) == []


def test_dagster_dev_at_the_top_level_gets_the_same_storage(finops_home: Path, tmp_path: Path) -> None:
    # Without DAGSTER_HOME it takes the settings from the directory it is started in, and a new one for its files.
    reference = InstanceRef.from_dir(str(tmp_path), config_dir=str(paths.project_root()))
    with DagsterInstance.from_ref(reference) as instance, dagster_instance() as ours:
        assert instance.get_ref().storage_data == ours.get_ref().storage_data
        assert instance.storage_directory() == ours.storage_directory()
