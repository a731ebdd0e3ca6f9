"""Values that are refused are named with file, row, column and what they are; every good spelling is taken exactly."""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from orchestration.lib.checks import check_batch, exact
from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.focus import FOCUS
from orchestration.lib.readers import Batch, billing_period_of, read_batches
from tests.support.lines import bill_bytes, csv_bytes, focus, parquet_of

BOTH = pytest.mark.parametrize("file_format", ["csv", "parquet"])


def read(path: Path, content: bytes, constants: Mapping[str, str | None] | None = None) -> list[Batch]:
    path.write_bytes(content)
    batches = list(read_batches(path, FOCUS, constants or {}, file="bill/march.csv"))
    for batch in batches:
        check_batch(batch, FOCUS)
    return batches


def column(path: Path, name: str, array: pa.Array) -> list[Any]:
    """What is read of a Parquet column with these values; the other columns are those of a good line."""
    texts = {other: pa.array([value] * len(array)) for other, value in focus().items()}
    header = next((header for header in texts if header.lower() == name.replace("_", "")), name)
    (batch,) = read(path, parquet_of(pa.table(texts | {header: array})))
    values: list[Any] = batch.columns[name].to_pylist()
    return values


@pytest.mark.parametrize(
    ("header", "value"),
    [
        ("BilledCost", "None"),
        ("BilledCost", "one euro"),
        ("EffectiveCost", "NaN"),
        ("ListCost", "Infinity"),
        ("ConsumedQuantity", "N/A"),
        ("ContractedUnitPrice", "-"),
        ("BilledCost", "1234,56"),
        ("BilledCost", "1,234.56"),
        ("BilledCost", "$10,000.00 "),
        ("BilledCost", "0x1F"),
        ("BilledCost", "1_000"),
        ("BilledCost", "12 "),
        ("BilledCost", " "),
        ("BilledCost", "1e"),
        ("BilledCost", "1.2.3"),
        ("BilledCost", "\u0663"),
        ("BilledCost", "1\x002"),
    ],
)
@BOTH
def test_what_is_no_number_is_named(tmp_path: Path, file_format: str, header: str, value: str) -> None:
    lines = [focus(**{header: number}) for number in ("1", value, "-2.5")]
    content = bill_bytes(file_format, *lines)
    with pytest.raises(FinopsError) as refused:
        read(tmp_path / "bill", content)
    assert str(refused.value).startswith(f"bill/march.csv: row 2, column {header}: {value!r} is not a number.")


@pytest.mark.parametrize("value", ["5/1/25", "2025-03-04T30:00:00Z", "soon", "2025-02-30", "0001-01-01T00:00:00+05:00"])
@BOTH
def test_what_is_no_time_is_named(tmp_path: Path, file_format: str, value: str) -> None:
    lines = [focus(), focus(ChargePeriodStart=value)]
    content = bill_bytes(file_format, *lines)
    with pytest.raises(FinopsError) as refused:
        read(tmp_path / "bill", content)
    assert f"bill/march.csv: row 2, column ChargePeriodStart: {value!r} is not a date or time." in str(refused.value)


@pytest.mark.parametrize("header", [column.name for column in FOCUS.columns if column.filled])
@BOTH
def test_an_empty_value_that_every_row_needs_is_named(tmp_path: Path, file_format: str, header: str) -> None:
    name = next(name for name in focus() if name.lower() == header.replace("_", ""))
    lines = [focus(), focus(), focus(**{name: None})]
    content = bill_bytes(file_format, *lines)
    with pytest.raises(
        FinopsError, match=rf"bill/march\.csv: row 3, column {name}: '' is empty, and {header} is needed"
    ):
        read(tmp_path / "bill", content)


@pytest.mark.parametrize("value", ["0." + "0" * 38 + "1", "1" * 39])
def test_more_digits_than_can_be_summed_exactly_are_named(tmp_path: Path, value: str) -> None:
    (batch,) = read(tmp_path / "bill", csv_bytes(focus(), focus(BilledCost=value)))
    with pytest.raises(FinopsError, match=rf"row 2, column BilledCost: '{value}' has more digits than 37 before"):
        exact(batch, "billed_cost")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.00000080000", "0.0000008"),
        ("1.2e-7", "0.00000012"),
        ("-3.5E+2", "-350"),
        ("+1", "1"),
        (".5", "0.5"),
        ("5.", "5"),
        ("-0", "0"),
        ("00012", "12"),
        ("0.000000000000000000123", "1.23e-19"),
        ("12345678901234567890123456789.000000001", "12345678901234567890123456789.000000001"),
    ],
)
def test_every_spelling_of_a_number_is_exact(tmp_path: Path, text: str, value: str) -> None:
    (batch,) = read(tmp_path / "bill", csv_bytes(focus(BilledCost=text)))
    assert exact(batch, "billed_cost").to_pylist() == [Decimal(value)]


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array([0.1 + 0.2, 1e-7, 1e20, -2.5]), ["0.30000000000000004", "1e-7", "1e20", "-2.5"]),
        (pa.array([0.1], pa.float32()), ["0.1"]),
        (pa.array([Decimal("0.0000000001"), Decimal("-12.50")], pa.decimal128(38, 18)), ["0.0000000001", "-12.5"]),
        (pa.array([Decimal(10) ** 40], pa.decimal256(76, 2)), ["1e40"]),
        (pa.array([7, -8], pa.int64()), ["7", "-8"]),
        (pa.array(["1.25", "3"], pa.large_string()), ["1.25", "3"]),
        (pa.array(["1.25", "3"], pa.string_view()), ["1.25", "3"]),
        (pa.array(["1.25", "3", "3"]).dictionary_encode(), ["1.25", "3", "3"]),
        (pa.array([1.25, 3, 3]).dictionary_encode(), ["1.25", "3", "3"]),
    ],
    ids=lambda value: str(value.type) if isinstance(value, pa.Array) else "",
)
def test_money_of_every_type_is_exact(tmp_path: Path, array: pa.Array, expected: list[str]) -> None:
    assert [Decimal(text) for text in column(tmp_path / "bill", "billed_cost", array)] == [*map(Decimal, expected)]


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_double_that_is_no_number_is_named(tmp_path: Path, value: float) -> None:
    with pytest.raises(FinopsError, match=r"row 2, column BilledCost: '(nan|inf)' is not a number"):
        column(tmp_path / "bill", "billed_cost", pa.array([1.0, value]))


def test_money_of_a_type_that_holds_no_numbers_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FinopsError, match="billed_cost holds bool; numbers are needed"):
        column(tmp_path / "bill", "billed_cost", pa.array([True]))


MOMENT = datetime(2025, 3, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (pa.array(["2025-03-04 05:00:00"]), MOMENT),
        (pa.array(["2025-03-04T05:00:00.000Z"]), MOMENT),
        (pa.array(["2025-03-04T07:00:00+02:00"]), MOMENT),
        (pa.array(["2025-03-04"]), MOMENT.replace(hour=0)),
        (pa.array([datetime(2025, 3, 4, 5)]), MOMENT),
        (pa.array([datetime(2025, 3, 4, 5)], pa.timestamp("ns")), MOMENT),
        (pa.array([datetime(2025, 3, 4, 5)], pa.timestamp("s")), MOMENT),
        (pa.array([MOMENT], pa.timestamp("ms", tz="America/New_York")), MOMENT),
        (pa.array([date(2025, 3, 4)]), MOMENT.replace(hour=0)),
        (pa.array([date(2025, 3, 4)], pa.date64()), MOMENT.replace(hour=0)),
        (pa.array(["2025-03-04 05:00:00"], pa.large_string()), MOMENT),
    ],
    ids=lambda value: f"{value.type}-{value[0]}" if isinstance(value, pa.Array) else "",
)
def test_a_time_of_every_type_is_utc(tmp_path: Path, array: pa.Array, expected: datetime) -> None:
    assert column(tmp_path / "bill", "charge_period_start", array) == [expected]


@pytest.mark.parametrize("null", [None, "", "NULL", "null"])
@BOTH
def test_the_spellings_of_null(tmp_path: Path, file_format: str, null: str | None) -> None:
    lines = [focus(ResourceId=null, ListCost=null, Tags=null), focus(ResourceId="i-1", ListCost="2")]
    content = bill_bytes(file_format, *lines)
    (batch,) = read(tmp_path / "bill", content)
    assert batch.columns["resource_id"].to_pylist() == [None, "i-1"]
    assert batch.columns["list_cost"].to_pylist() == [None, "2"]
    assert batch.columns["tags"].to_pylist() == [None, '{"team":"search"}']


def test_null_among_dictionary_texts_of_a_slice(tmp_path: Path) -> None:
    values = ["", "a", None, "NULL", "b", ""] * 3
    assert column(tmp_path / "bill", "resource_id", pa.array(values).dictionary_encode()) == [
        value if value in ("a", "b") else None for value in values
    ]


def test_ids_that_were_delivered_as_numbers_are_their_digits(tmp_path: Path) -> None:
    assert column(tmp_path / "bill", "billing_account_id", pa.array([123456789012])) == ["123456789012"]


def test_texts_that_are_not_utf8_in_parquet_are_refused(tmp_path: Path) -> None:
    array = pa.Array.from_buffers(pa.string(), 1, [None, pa.py_buffer(b"\0\0\0\0\3\0\0\0"), pa.py_buffer(b"Z\xfcr")])
    with pytest.raises(FinopsError, match=r"bill/march\.csv: damaged Parquet: .*UTF8"):
        column(tmp_path / "bill", "resource_name", array)


def test_constants_stand_in_for_columns_that_are_missing_and_for_no_others(tmp_path: Path) -> None:
    line = {name: value for name, value in focus().items() if name not in ("ContractedCost", "ServiceName")}
    constants = {"ContractedCost": "0", "service_name": None, "BilledCost": "99"}
    (batch,) = read(tmp_path / "bill", csv_bytes(line, line), constants)
    assert batch.columns["contracted_cost"].to_pylist() == ["0", "0"]
    assert batch.columns["billed_cost"].to_pylist() == ["1.25", "1.25"]
    assert "service_name" not in batch.columns


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_rows_count_on_through_batches(tmp_path: Path, file_format: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orchestration.lib.readers.CSV_BLOCK_BYTES", 4_000)
    monkeypatch.setattr("orchestration.lib.readers.PARQUET_BATCH_ROWS", 100)
    lines = [focus(ResourceName="two\nlines") for _ in range(1_000)]
    lines[776] = focus(ResourceName="two\nlines", BilledCost="oops")
    content = bill_bytes(file_format, *lines)
    with pytest.raises(FinopsError, match="row 777, column BilledCost: 'oops'"):
        read(tmp_path / "bill", content)


def test_the_billing_period_of_a_file_is_that_of_most_rows(tmp_path: Path) -> None:
    path = tmp_path / "bill"
    path.write_bytes(csv_bytes(focus(BillingPeriodStart="2025-02-01"), focus(), focus()))
    assert billing_period_of(path, FOCUS, {"BilledCost": "0"}, file="bill") == date(2025, 3, 1)
