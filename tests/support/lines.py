"""Lines of small bills, and the files a provider would write of them."""

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet

Line = dict[str, Any]

# March 2025 is in every range of billing periods that the tests configure, whatever the clock says.
MONTH = "2025-03"
FOCUS: Line = {
    "BillingAccountId": "000123456789",
    "BillingAccountName": "Halden Group",
    "BillingCurrency": "USD",
    "BillingPeriodStart": "2025-03-01T00:00:00Z",
    "BillingPeriodEnd": "2025-04-01T00:00:00Z",
    "ChargePeriodStart": "2025-03-04T05:00:00Z",
    "ChargePeriodEnd": "2025-03-04T06:00:00Z",
    "ChargeCategory": "Usage",
    "BilledCost": "1.25",
    "EffectiveCost": "1.25",
    "ContractedCost": "1.25",
    "ListCost": "1.50",
    "InvoiceIssuerName": "AWS",
    "ProviderName": "AWS",
    "ServiceCategory": "Compute",
    "ServiceName": "Amazon Elastic Compute Cloud",
    "ResourceId": "i-0a1",
    "SubAccountId": "000000000042",
    "Tags": '{"team":"search"}',
}
CUR: Line = {
    "bill_billing_period_start_date": "2025-03-01T00:00:00Z",
    "bill_billing_period_end_date": "2025-04-01T00:00:00Z",
    "bill_payer_account_id": "000123456789",
    "line_item_usage_account_id": "000000000042",
    "line_item_line_item_type": "Usage",
    "line_item_product_code": "AmazonEC2",
    "line_item_currency_code": "USD",
    "line_item_usage_start_date": "2025-03-04T05:00:00Z",
    "line_item_usage_end_date": "2025-03-04T06:00:00Z",
    "line_item_unblended_cost": "1.25",
    "line_item_resource_id": "i-0a1",
    "resource_tags": '{"user_team":"search"}',
}


def focus(**changes: Any) -> Line:
    """A FOCUS line with some columns changed or added."""
    return FOCUS | changes


def cur(**changes: Any) -> Line:
    """A CUR 2.0 line with some columns changed or added."""
    return CUR | changes


def without(line: Line, *columns: str) -> Line:
    return {name: value for name, value in line.items() if name not in columns}


def csv_text(lines: Sequence[Line], *, delimiter: str = ",") -> str:
    """CSV with the columns of the first line; null is the text NULL, as in published FOCUS files."""
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(lines[0])
    writer.writerows(["NULL" if value is None else value for value in line.values()] for line in lines)
    return text.getvalue()


def csv_bytes(*lines: Line) -> bytes:
    return csv_text(lines).encode()


def gzip_bytes(*lines: Line) -> bytes:
    return gzip.compress(csv_bytes(*lines), mtime=0)


def parquet_bytes(*lines: Line, types: Mapping[str, pa.DataType] | None = None) -> bytes:
    """Parquet with the columns of the first line, of text unless `types` says otherwise."""
    types = types or {}
    arrays = {name: pa.array([line[name] for line in lines], types.get(name, pa.string())) for name in lines[0]}
    return parquet_of(pa.table(arrays))


def bill_bytes(file_format: str, *lines: Line) -> bytes:
    """The lines as `csv`, `csv.gz` or `parquet`."""
    if file_format == "parquet":
        return parquet_bytes(*lines)
    return csv_bytes(*lines) if file_format == "csv" else gzip_bytes(*lines)


def parquet_of(table: pa.Table) -> bytes:
    sink = io.BytesIO()
    pyarrow.parquet.write_table(table, sink)
    return sink.getvalue()
