"""The recommendations as a file in the columns that the FOCUS draft of 2026 proposes for them."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from orchestration.lib import postgres
from orchestration.lib.errors import FinopsError
from orchestration.lib.focus_export import FileFormat
from orchestration.lib.focus_versions import header
from orchestration.lib.gate import require_gate
from reports.files import write_whole

# In the order of the draft: its example recommendation_scenarios.csv.
COLUMNS = (
    "billing_account_id", "billing_account_name", "contract_commitment_duration_type", "contract_commitment_payment_model",
    "contract_commitment_type", "currency", "data_generator_name", "estimated_monthly_cost_impact", "implementation_effort",
    "implementation_risk", "recommendation_category", "recommendation_created", "recommendation_description",
    "recommendation_id", "recommendation_last_updated", "recommendation_status", "recommendation_subcategory", "region_id",
    "region_name", "resource_configuration_details_current", "resource_configuration_details_recommended", "resource_id",
    "resource_name", "resource_type", "service_category", "service_name", "service_provider_name", "service_subcategory",
    "sub_account_id", "sub_account_name",
)  # fmt: skip
_TIMES = {"recommendation_created", "recommendation_last_updated"}


def export_recommendations(database_url: str, file_format: FileFormat, folder: Path) -> tuple[Path, int]:
    """Write all recommendations to `focus-recommendations.<format>` in a folder, whole or not at all. Returns the file and its rows.

    Raises FinopsError where there are none yet, where the gate refuses them, and where the folder cannot be written.
    """
    path = folder / f"focus-recommendations.{file_format}"
    with postgres.connect(database_url) as connection:
        if connection.execute("select to_regclass('finops.focus_recommendations') is null").fetchone() == (True,):
            raise FinopsError("there are no recommendations yet: the marts are not made. Run `finops run` first.")
        require_gate(database_url, "recommendations")
        rows = _rows(connection)
    content = _csv(rows) if file_format == "csv" else _parquet(rows)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    except OSError as error:
        raise FinopsError(f"{path}: cannot be written: {error.strerror or error}") from error
    return path, len(rows)


def _rows(connection: psycopg.Connection[Any]) -> list[tuple[str | None, ...]]:
    """All as texts, sorted by id: numbers exact, times in UTC."""
    shown = [
        sql.SQL("to_char({} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"')").format(sql.Identifier(name))
        if name in _TIMES
        else sql.SQL("cast({} as text)").format(sql.Identifier(name))
        for name in COLUMNS
    ]
    query = sql.SQL("select {} from finops.focus_recommendations order by recommendation_id").format(
        sql.SQL(", ").join(shown)
    )
    return connection.execute(query).fetchall()


def _csv(rows: list[tuple[str | None, ...]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(map(header, COLUMNS))
    writer.writerows(rows)
    return text.getvalue().encode()


def _parquet(rows: list[tuple[str | None, ...]]) -> bytes:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    columns = {
        header(name): pa.array([row[number] for row in rows], pa.string()) for number, name in enumerate(COLUMNS)
    }
    impact = header("estimated_monthly_cost_impact")
    columns[impact] = pc.cast(columns[impact], pa.decimal128(38, 10))
    for name in map(header, sorted(_TIMES)):
        columns[name] = pc.cast(
            pc.strptime(columns[name], format="%Y-%m-%dT%H:%M:%SZ", unit="s"), pa.timestamp("s", tz="UTC")
        )
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out, compression="zstd")
    return out.getvalue()
