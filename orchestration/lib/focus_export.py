"""A month of the marts as a FOCUS file, in the columns and rules of one version of the specification.

PostgreSQL writes the rows as CSV, sorted, which is exact for any number; Parquet is made from that file batch by batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any, Literal

import psycopg
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from psycopg import sql

from orchestration.lib import postgres
from orchestration.lib.errors import FinopsError
from orchestration.lib.focus_versions import BEFORE_1_4, Version, columns_of, header
from orchestration.lib.formats.columns import Kind
from orchestration.lib.gate import require_gate
from reports.files import whole_file

FileFormat = Literal["csv", "parquet"]
COSTS = ("billed_cost", "effective_cost", "contracted_cost", "list_cost")

# Columns of our own; only with the rows that they describe, which since 1.3 may be parts of a charge.
_OWN = (
    "x_source_name", "x_team", "x_cost_center", "x_project", "x_environment", "x_cost_type", "x_allocation_rule",
    "x_cost_record_id",
)  # fmt: skip
_SUMMED = {
    *COSTS,
    "consumed_quantity",
    "pricing_quantity",
    "commitment_discount_quantity",
    "pricing_currency_effective_cost",
}
# Not by the language of a database, so that every database writes the same file.
_ORDER = sql.SQL('x_source_name collate "C", x_charge_date, x_cost_record_id collate "C"')
_DECIMAL = pa.decimal128(38, 18)
_WIDE = pa.decimal256(76, 38)
_TIME = pa.timestamp("s", tz="UTC")
_BLOCK_BYTES = 16 << 20
_REPORTED = """
select billing_currency, sum(billed_cost), sum(effective_cost), sum(contracted_cost), sum(list_cost)
from finops.cost_records where billing_period = %s
group by billing_currency order by billing_currency collate "C"
"""
# Beyond it a number does not fit the decimals of a Parquet column.
_LIMIT = Decimal(10) ** 20


@dataclass(frozen=True)
class Totals:
    """What a file holds in one currency; `costs` in the order of COSTS, None where no row knows a cost."""

    currency: str
    rows: int
    costs: tuple[Decimal | None, ...]


@dataclass(frozen=True)
class Export:
    """A file that was written, and what it holds by currency."""

    path: Path
    totals: tuple[Totals, ...]


def export_focus(database_url: str, month: date, version: Version, file_format: FileFormat, folder: Path) -> Export:
    """Write the charges of a billing month to `focus-<version>-<month>.<format>` in a folder, whole or not at all.

    The file holds what the mart held at one moment: its totals are read from the file, and compared with those of the mart
    and of cost_records, and its month goes through the gate. Raises FinopsError for a month without charges or with others
    than cost_records, for a folder that cannot be written, and for numbers that Parquet cannot hold.
    """
    path = folder / f"focus-{version}-{month:%Y-%m}.{file_format}"
    with postgres.connect(database_url) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        connection.read_only = True
        expected = _mart_totals(connection, month, version)
        require_gate(database_url, "focus_cost_and_usage", periods=[month])
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if file_format == "csv":
                with whole_file(path) as file:
                    _copy(connection, month, version, file)
                    file.flush()
                    _check(expected, Path(file.name), version)
            else:
                _refuse_wide_numbers(connection, month)
                with whole_file(path) as file, NamedTemporaryFile(dir=folder, prefix=f".{path.name}.csv.") as text:
                    _copy(connection, month, version, text)
                    text.flush()
                    _check(expected, Path(text.name), version)
                    _to_parquet(Path(text.name), version, file)
        except OSError as error:
            raise FinopsError(f"{path}: cannot be written: {error.strerror or error}") from error
    return Export(path, expected)


def _selected(version: Version) -> list[tuple[str, Kind, sql.Composable]]:
    """(name, kind, expression) of the columns of a file."""
    chosen = [(column.name, column.kind) for column in columns_of(version)]
    if version == "1.4":
        chosen += [(name, Kind.TEXT) for name in _OWN]
    return [(name, kind, _expression(name, version)) for name, kind in chosen]


def _expression(name: str, version: Version) -> sql.Composable:
    if name in BEFORE_1_4:
        return BEFORE_1_4[name]
    column = sql.Identifier(name)
    if version != "1.4" and name in _SUMMED:
        # One row for a charge: its parts together are the charge.
        return sql.SQL("sum({}) over (partition by {})").format(column, _ORDER)
    return column


def _copy(connection: psycopg.Connection[Any], month: date, version: Version, file: Any) -> None:
    columns = [
        sql.SQL("{} as {}").format(_as_text(kind, expression), sql.Identifier(header(name)))
        for name, kind, expression in _selected(version)
    ]
    is_by_part = version == "1.4"
    query = sql.SQL(
        "copy (select {} {} from finops.focus_cost_and_usage where x_billing_period = {} order by {}) to stdout (format csv, header)"
    ).format(
        sql.SQL("") if is_by_part else sql.SQL("distinct on ({})").format(_ORDER),
        sql.SQL(", ").join(columns),
        sql.Literal(month),
        sql.SQL('{}, allocated_resource_id collate "C"').format(_ORDER) if is_by_part else _ORDER,
    )
    with connection.cursor() as cursor, cursor.copy(query) as copy:
        for block in copy:
            file.write(block)


def _as_text(kind: Kind, expression: sql.Composable) -> sql.Composable:
    if kind is Kind.TIME:
        return sql.SQL("""to_char({} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')""").format(expression)
    if kind is Kind.NUMBER:
        return sql.SQL("trim_scale({})").format(expression)
    return expression


def _mart_totals(connection: psycopg.Connection[Any], month: date, version: Version) -> tuple[Totals, ...]:
    query = sql.SQL(
        "select billing_currency, {}, {} from finops.focus_cost_and_usage where x_billing_period = %s"
        ' group by billing_currency order by billing_currency collate "C"'
    ).format(
        sql.SQL("count(*)" if version == "1.4" else "count(distinct x_cost_record_id)"),
        sql.SQL(", ").join(sql.SQL("trim_scale(sum({}))").format(sql.Identifier(cost)) for cost in COSTS),
    )
    try:
        found = connection.execute(query, [month]).fetchall()
    except psycopg.errors.UndefinedTable:
        raise FinopsError("There is no mart to export yet. Run `finops run` first.") from None
    if not found:
        raise FinopsError(f"{month:%Y-%m} has no charges. {_months(connection)}")
    totals = tuple(Totals(currency, count, tuple(costs)) for currency, count, *costs in found)
    reported = connection.execute(_REPORTED, [month]).fetchall()
    if [(one.currency, *one.costs) for one in totals] != reported:
        raise FinopsError(
            f"{month:%Y-%m}: the charges as FOCUS do not add up to cost_records. Run `finops run`, and export again."
        )
    return totals


def _months(connection: psycopg.Connection[Any]) -> str:
    first, last = connection.execute(
        "select min(billing_period), max(billing_period) from finops.daily_costs"
    ).fetchone() or (None, None)
    return f"There are charges from {first:%Y-%m} to {last:%Y-%m}." if first else "Nothing was delivered yet."


def _refuse_wide_numbers(connection: psycopg.Connection[Any], month: date) -> None:
    """Parquet columns have 20 digits before and 18 after the point; nothing is rounded to fit."""
    numbers = [column.name for column in columns_of("1.4") if column.kind is Kind.NUMBER]
    wide = [
        sql.SQL("bool_or(abs({0}) >= {1} or scale(trim_scale({0})) > 18)").format(
            sql.Identifier(name), sql.Literal(_LIMIT)
        )
        for name in numbers
    ]
    query = sql.SQL("select {} from finops.focus_cost_and_usage where x_billing_period = %s").format(
        sql.SQL(", ").join(wide)
    )
    found = connection.execute(query, [month]).fetchone() or ()
    named = [header(name) for name, is_wide in zip(numbers, found, strict=True) if is_wide]
    if named:
        raise FinopsError(
            f"{month:%Y-%m} has numbers with more than 20 digits before or 18 after the point in {', '.join(named)}, which a "
            "Parquet file cannot hold. Export it with --format csv."
        )


def _batches(path: Path, types: dict[str, pa.DataType]) -> Iterator[pa.RecordBatch]:
    yield from pa_csv.open_csv(
        path,
        pa_csv.ReadOptions(block_size=_BLOCK_BYTES),
        pa_csv.ParseOptions(newlines_in_values=True),
        pa_csv.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _check(expected: tuple[Totals, ...], path: Path, version: Version) -> None:
    """Raise unless the file holds what the mart held."""
    names = ["BillingCurrency", *map(header, COSTS)]
    rows: dict[str, int] = {}
    sums: dict[tuple[str, str], Decimal] = {}
    with localcontext(prec=100):
        for batch in _batches(path, dict.fromkeys(names, pa.string())):
            numbers = [batch.column(name).cast(_WIDE) for name in names[1:]]
            table = pa.table([batch.column(0), *numbers], names)
            grouped = table.group_by(names[0]).aggregate([([], "count_all"), *((name, "sum") for name in names[1:])])
            for group in grouped.to_pylist():
                currency = group["BillingCurrency"]
                rows[currency] = rows.get(currency, 0) + group["count_all"]
                for cost in COSTS:
                    if (found := group[f"{header(cost)}_sum"]) is not None:
                        sums[currency, cost] = sums.get((currency, cost), Decimal(0)) + found
    written = tuple(
        Totals(currency, rows[currency], tuple(sums.get((currency, cost)) for cost in COSTS))
        for currency in sorted(rows, key=str.encode)
    )
    if written != expected:
        raise AssertionError(f"the export of FOCUS {version} holds {written}, the mart {expected}")


def _to_parquet(text: Path, version: Version, file: Any) -> None:
    kinds = {header(name): kind for name, kind, _ in _selected(version)}
    types = {Kind.NUMBER: _DECIMAL, Kind.TIME: _TIME}
    schema = pa.schema([(name, types.get(kind, pa.string())) for name, kind in kinds.items()])
    with pq.ParquetWriter(file, schema, compression="zstd") as writer:
        for batch in _batches(text, {field.name: field.type for field in schema}):
            writer.write_batch(batch)
