"""The dbt project: tagging, allocation and chargeback in SQL. A build takes what changed since the last one, whichever month runs."""

import os
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
from dagster_dbt import DagsterDbtTranslator, DbtCliResource, DbtProject, dbt_assets
from packaging.version import Version
from psycopg import sql

from orchestration.defs.ingest.assets import CONFIG_KEY, source_key
from orchestration.defs.partitions import billing_months
from orchestration.defs.resources import Warehouse
from orchestration.lib import dbt as dbt_project
from orchestration.lib import gate
from orchestration.lib.built_state import current_state, record_state
from orchestration.lib.config import Config
from orchestration.lib.currency_rates import require_rates
from orchestration.lib.formats.registry import FORMATS, READINGS
from orchestration.lib.progress import watcher


class Translator(DagsterDbtTranslator):
    """Knows which source assets fill a raw table: the tables are one for each format, the assets one for each source."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self._filled_by = {
            dg.AssetKey(["raw", table]): [
                source_key(source)
                for source in config.sources
                if format_ in [reading.format for reading in READINGS[source.format]]
            ]
            for format_ in FORMATS.values()
            for table in (format_.line_table, format_.attribute_table)
        }
        # Exchange rates are stored with the sections of the configuration.
        self._filled_by[dg.AssetKey(["config", "currency_rates"])] = [CONFIG_KEY]
        # Filled from the marts: the views on them are made before, so that one call of dbt makes all models.
        for table in ("recommendations", "recommendation_states", "recommendation_exclusions", "realised_savings"):
            self._filled_by[dg.AssetKey(["ml", table])] = []
        self._all = [source_key(source) for source in config.sources]

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        keys: dict[dg.AssetKey, None] = {}
        for dep in spec.deps:
            others = self._all if dep.asset_key.path[0] == "raw" else [dep.asset_key]
            keys |= dict.fromkeys(self._filled_by.get(dep.asset_key, others))
        return spec.replace_attributes(deps=list(keys))


def models(config: Config, manifest: Path) -> dg.AssetsDefinition:
    project = DbtProject(project_dir=dbt_project.project_dir(), target_path=dbt_project.target_dir())

    @dbt_assets(
        manifest=manifest,
        name="dbt_models",
        exclude=dbt_project.THOROUGH,
        project=project,
        dagster_dbt_translator=Translator(config),
        partitions_def=billing_months(config),
        backfill_policy=dg.BackfillPolicy.single_run(),
        pool="warehouse",
    )
    def dbt_models(context: dg.AssetExecutionContext, warehouse: Warehouse, dbt: DbtCliResource) -> Iterator[Any]:
        watcher().step("Build the models")
        url = warehouse.url()
        os.environ.update(dbt_project.environment(url))
        dbt_project.forget_old_builds()
        gate.prepare()
        with psycopg.connect(url, autocommit=True) as connection:
            # Asked for before the build reads anything: what is loaded meanwhile is not claimed to be built.
            state = current_state(connection)
            require_rates(connection)
            for event in dbt.cli(list(dbt_project.BUILD_ARGUMENTS), context=context).stream():
                if isinstance(event, dg.Output):
                    key = context.asset_key_for_output(event.output_name)
                    watcher().note(key.path[-1])
                    event = _with_row_count(event, connection, key)
                yield event
            if not context.is_subset:
                record_state(connection, state)

    return dbt_models


def _with_row_count(event: dg.Output[Any], connection: psycopg.Connection, key: dg.AssetKey) -> dg.Output[Any]:
    """Count what is a table; a view over every line would cost as much as the build."""
    schema, name = key.path[-2:]
    is_table = connection.execute(
        "select 1 from pg_tables where schemaname = %s and tablename = %s", [schema, name]
    ).fetchone()
    if not is_table:
        return event
    row = connection.execute(
        sql.SQL("select count(*) from {}.{}").format(sql.Identifier(schema), sql.Identifier(name))
    ).fetchone()
    assert row is not None
    return event.with_metadata({**event.metadata, "dagster/row_count": row[0]})


class Dbt(DbtCliResource):
    """dbt's command, without what costs seconds before each call and is not used here.

    That is a call of `dbt --version` for the version that is installed in this environment, and a second copy of dbt's
    adapter in this process, which would serve Dagster's own row counts.
    """

    @cached_property
    def _cli_version(self) -> Version:
        return Version(version("dbt-core"))

    def _initialize_dbt_core_adapter(self, args: Sequence[str]) -> Any:  # noqa: ARG002
        return None


def dbt_resource() -> DbtCliResource:
    return Dbt(
        project_dir=str(dbt_project.project_dir()),
        profiles_dir=str(dbt_project.project_dir()),
        dbt_executable=str(dbt_project.executable_ahead()),
    )
