"""Files as the providers write them. Nothing in them depends on when or where they were written."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from .calendar import Month
from .cur_columns import CUR_COLUMNS, MAP
from .organization import Source

# Columns with as many values as lines: an index of their values would only take time.
_UNIQUE = (
    "identity_line_item_id",
    "line_item_usage_amount",
    "line_item_unblended_cost",
    "line_item_blended_cost",
    "pricing_public_on_demand_cost",
    "BilledCost",
    "ContractedCost",
    "EffectiveCost",
    "ListCost",
    "PricingCurrencyEffectiveCost",
    "ConsumedQuantity",
    "PricingQuantity",
)
# Statistics of indexed texts would cost more than writing them.
_STATISTICS = (
    "line_item_usage_start_date",
    "line_item_unblended_cost",
    "ChargePeriodStart",
    "BilledCost",
    "EffectiveCost",
)
_SUFFIX = {"parquet": "snappy.parquet", "csv": "csv", "csv.gz": "csv.gz"}


def write_table(path: Path, table: pa.Table, file_format: str) -> None:
    """Write a table as `parquet` (snappy), `csv` or `csv.gz`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if file_format == "parquet":
        repeated = [
            name for name, kind in zip(table.column_names, table.schema.types, strict=True) if _repeats(name, kind)
        ]
        pyarrow.parquet.write_table(
            table,
            path,
            compression="snappy",
            use_dictionary=repeated,
            store_schema=False,
            row_group_size=1 << 20,
            write_statistics=[name for name in table.column_names if name in _STATISTICS],
        )
        return
    compression = "gzip" if file_format == "csv.gz" else None
    with pa.output_stream(path, compression=compression) as sink:
        pyarrow.csv.write_csv(_plain(table), sink, pyarrow.csv.WriteOptions(quoting_style="needed"))


def _repeats(name: str, kind: pa.DataType) -> bool:
    return name not in _UNIQUE and not pa.types.is_decimal(kind)


def _plain(table: pa.Table) -> pa.Table:
    """Return the table with its indexed texts written out: the CSV writer takes no others."""
    columns = [
        column.cast(pa.string()) if pa.types.is_dictionary(column.type) else column for column in table.itercolumns()
    ]
    return pa.table(columns, names=table.column_names)


class Delivery:
    """The files of one source and month below `root`, in the layout of the provider.

    `finish` writes the manifest, last as AWS does.
    """

    def __init__(self, root: Path, source: Source, month: Month, file_format: str) -> None:
        self._root = root
        self._source = source
        self._month = month
        self._format = file_format
        self.files: list[Path] = []

    def write(self, table: pa.Table) -> None:
        """Return the next file of the month."""
        source, number = self._source, len(self.files) + 1
        if source.prefix:
            folder = Path(source.prefix, source.export, "data", f"BILLING_PERIOD={self._month.label}")
            path = folder / f"{source.export}-{number:05d}.{_SUFFIX[self._format]}"
        else:
            path = Path(self._month.label, f"part-{number - 1}.{self._format}")
        write_table(self._root / path, table, self._format)
        self.files.append(path)

    def finish(self, columns: Sequence[str], execution: str) -> None:
        """Write the manifest of an AWS export; Microsoft's simple folder has none."""
        source = self._source
        if not source.prefix:
            return
        manifest = {
            "exportArn": f"arn:aws:bcm-data-exports:us-east-1:{source.payer_id}:export/{source.export}",
            "exportName": source.export,
            "executionId": execution,
            "billingPeriod": {"start": self._month.start_text, "end": self._month.end_text},
            "columns": [{"name": name, "type": _manifest_type(name)} for name in columns],
            "dataFiles": [f"s3://halden-billing-exports/{path.as_posix()}" for path in self.files],
        }
        folder = self._root / source.prefix / source.export / "metadata" / f"BILLING_PERIOD={self._month.label}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{source.export}-Manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def _manifest_type(name: str) -> str:
    kind = CUR_COLUMNS.get(name)
    if kind is None:
        return (
            "double"
            if name.endswith(("Cost", "Quantity", "UnitPrice"))
            else "timestamp"
            if name.endswith(("Start", "End"))
            else "string"
        )
    return "map" if kind == MAP else kind
