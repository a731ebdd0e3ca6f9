"""Dagster's own storage, named in `dagster.yaml`: records in PostgreSQL, files below the state directory.

The file itself then has no path, address or secret in it, and serves `dagster dev`, `finops ui` and `finops run` alike.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Self

from dagster import DagsterInstance
from dagster._config.config_schema import UserConfigSchema
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.local_compute_log_manager import LocalComputeLogManager
from dagster._core.storage.root import LocalArtifactStorage
from dagster._serdes import ConfigurableClassData
from dagster_postgres import DagsterPostgresStorage

from orchestration.lib import paths, postgres

_STATEMENT_TIMEOUT = 60_000
"""Milliseconds that a statement on Dagster's records may take."""


class Records(DagsterPostgresStorage):
    """Runs, events and schedules, in Dagster's database beside the warehouse. Starts the embedded server if need be."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """No settings."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:  # noqa: ARG003
        """Made by Dagster."""
        postgres.ensure_running()
        return cls(postgres.dagster_url(), inst_data=inst_data)


class ComputeLogs(LocalComputeLogManager):
    """What the steps of a run printed."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """No settings."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:  # noqa: ARG003
        """Made by Dagster."""
        return cls(str(paths.dagster_dir() / "compute_logs"), inst_data=inst_data)


class Artifacts(LocalArtifactStorage):
    """Values that assets hand over through files."""

    @classmethod
    def config_type(cls) -> UserConfigSchema:
        """No settings."""
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData | None, config_value: Mapping[str, Any]) -> Self:  # noqa: ARG003
        """Made by Dagster."""
        return cls(str(paths.dagster_dir()), inst_data=inst_data)


@contextmanager
def dagster_instance() -> Iterator[DagsterInstance]:
    """The instance that `dagster.yaml` describes, whatever DAGSTER_HOME says."""
    reference = InstanceRef.from_dir(str(paths.dagster_dir()), config_dir=str(paths.project_root()))
    with DagsterInstance.from_ref(reference) as instance:
        # Keeps connections open, as the web server does: otherwise each of a run's hundreds of events makes one of its own.
        instance.optimize_for_webserver(statement_timeout=_STATEMENT_TIMEOUT, pool_recycle=-1, max_overflow=20)
        yield instance
