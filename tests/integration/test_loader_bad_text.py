"""CSV and Parquet that are not what they should be: each is refused whole, and says where it goes wrong."""

import gzip
import os
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pytest

from tests.support.feed import Feed
from tests.support.lines import (
    MONTH,
    bill_bytes,
    csv_bytes,
    csv_text,
    focus,
    gzip_bytes,
    parquet_bytes,
    parquet_of,
    without,
)
from tests.support.rejection import assert_refused

GOOD = [focus(), focus(BilledCost="2.5"), focus(BilledCost="-0.75")]
PART = f"{MONTH}/part.csv"


def refused(feed: Feed, key: str, content: bytes, *parts: str) -> str:
    return assert_refused(feed, lambda bad: bad.deliver(key, content), key, *parts)


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_word_in_a_number_column(feed: Feed, file_format: str) -> None:
    lines = [*GOOD, focus(BilledCost="None")]
    content = bill_bytes(file_format, *lines)
    refused(feed, f"{MONTH}/part.{file_format}", content, "row 4, column BilledCost: 'None' is not a number")


def test_a_decimal_comma(feed: Feed) -> None:
    refused(feed, PART, csv_bytes(*GOOD, focus(BilledCost="1234,56")), "row 4, column BilledCost: '1234,56'")


def test_an_empty_value_that_every_row_needs(feed: Feed) -> None:
    refused(feed, PART, csv_bytes(*GOOD, focus(BilledCost=None)), "row 4, column BilledCost: '' is empty")


def test_a_time_that_is_none(feed: Feed) -> None:
    content = csv_bytes(*GOOD, focus(ChargePeriodStart="2025-03-04T30:00:00Z"))
    refused(feed, PART, content, "row 4, column ChargePeriodStart: '2025-03-04T30:00:00Z' is not a date or time")


def test_more_digits_than_can_be_summed_exactly(feed: Feed) -> None:
    value = "0." + "0" * 38 + "1"
    refused(feed, PART, csv_bytes(*GOOD, focus(BilledCost=value)), f"row 4, column BilledCost: '{value}'", "38")


def test_a_nul_byte_in_a_number(feed: Feed) -> None:
    refused(feed, PART, csv_bytes(*GOOD, focus(BilledCost="1\x002")), r"row 4, column BilledCost: '1\x002'")


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_nul_byte_in_a_text(feed: Feed, file_format: str) -> None:
    lines = [*GOOD, focus(ResourceId="i-\x00")]
    content = bill_bytes(file_format, *lines)
    refused(feed, f"{MONTH}/part.{file_format}", content, r"row 4, column ResourceId: 'i-\x00' holds a NUL byte")


@pytest.mark.parametrize("text", [r'{"team":"a\u0000b"}', r'{"te\u0000am":"a"}', r'{"rate":1.5,"team":"\u0000"}'])
def test_a_nul_byte_in_a_tag(feed: Feed, text: str) -> None:
    refused(feed, PART, csv_bytes(*GOOD, focus(Tags=text)), "row 4, column Tags", text.replace("\\", r"\\"), "NUL byte")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"team":"search"', "delimiter"),
        ("team=search", "Expecting value"),
        ('"search"', "a str where an object is needed"),
        ('{"team":"search","team":"ads"}', "a key occurs twice"),
        ('[{"key":"team","value":"a"},{"key":"team","value":"b"}]', "a key occurs twice"),
        ('{"rate":NaN}', "NaN is no JSON"),
        (r'{"team":"\ud800"}', "surrogate"),
        ("[" * 60_000, "recursion"),
    ],
    ids=["cut off", "no JSON", "no object", "double key", "double key in pairs", "NaN", "half a pair", "deep"],
)
def test_a_broken_tag(feed: Feed, text: str, why: str) -> None:
    refused(feed, PART, csv_bytes(*GOOD, focus(Tags=text)), "row 4, column Tags", "is not a JSON object", why)


def test_an_empty_file(feed: Feed) -> None:
    refused(feed, PART, b"", "the file is empty")


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_a_header_without_rows(feed: Feed, file_format: str) -> None:
    header = csv_text([focus()]).splitlines()[0].encode() + b"\n"
    empty = pa.table({name: pa.array([], pa.string()) for name in focus()})
    content = header if file_format == "csv" else parquet_of(empty)
    refused(feed, f"{MONTH}/part.{file_format}", content, "no rows")


def test_a_part_without_rows_beside_a_full_one_is_taken(feed: Feed) -> None:
    feed.deliver(f"{MONTH}/part-0.csv", csv_bytes(*GOOD))
    feed.deliver(f"{MONTH}/part-1.csv", csv_text(GOOD).splitlines()[0].encode() + b"\n")
    feed.deliver(f"{MONTH}/part-2.csv", csv_text(GOOD).splitlines()[0].encode() + b"\n")
    assert feed.load_one().line_count == 3


@pytest.mark.parametrize(
    ("content", "why"), [(b"\n\n", "no header"), (b'"",""\n', "no header"), (b" ", "no column for")]
)
def test_no_header(feed: Feed, content: bytes, why: str) -> None:
    refused(feed, PART, content, why)


@pytest.mark.parametrize("kept", [60, 0.5, 0.99])
def test_a_truncated_gzip(feed: Feed, kept: float) -> None:
    whole = gzip_bytes(*(focus(ResourceId=os.urandom(40).hex()) for _ in range(3000)))
    cut = int(kept) if kept > 1 else int(len(whole) * kept)
    refused(feed, f"{MONTH}/part.csv.gz", whole[:cut], "the gzip stream is cut off or damaged")


def test_a_gzip_without_its_last_bytes(feed: Feed) -> None:
    refused(feed, f"{MONTH}/part.csv.gz", gzip_bytes(*GOOD)[:-4], "gzip stream is cut off or damaged")


def test_a_damaged_gzip(feed: Feed) -> None:
    whole = bytearray(gzip_bytes(*(focus(ResourceId=os.urandom(40).hex()) for _ in range(3000))))
    whole[-100] ^= 0xFF
    refused(feed, f"{MONTH}/part.csv.gz", bytes(whole), "gzip stream is cut off or damaged")


def test_a_parquet_file_cut_off(feed: Feed) -> None:
    whole = parquet_bytes(*GOOD)
    refused(feed, f"{MONTH}/part.parquet", whole[: len(whole) // 2], "not a whole Parquet file")


def test_damaged_parquet_pages(feed: Feed) -> None:
    whole = bytearray(parquet_bytes(*(focus(ResourceId=os.urandom(20).hex()) for _ in range(100))))
    whole[4:60] = os.urandom(56)
    refused(feed, f"{MONTH}/part.parquet", bytes(whole), "damaged Parquet")


@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_missing_mandatory_columns(feed: Feed, file_format: str) -> None:
    line = without(focus(), "BilledCost", "ServiceName")
    content = bill_bytes(file_format, line)
    refused(feed, f"{MONTH}/part.{file_format}", content, "no column for billed_cost, service_name", "constants")


def test_no_provider_column_of_any_version(feed: Feed) -> None:
    content = csv_bytes(without(focus(), "ProviderName"))
    refused(feed, PART, content, "no column for service_provider_name or provider_name")


def test_a_column_twice(feed: Feed) -> None:
    text = csv_text(GOOD).replace("ListCost", "BilledCost", 1)
    refused(feed, PART, text.encode(), "the column 'BilledCost' twice")


def test_two_spellings_of_a_column(feed: Feed) -> None:
    text = csv_text(GOOD).replace("ResourceId", "billed_cost", 1)
    refused(feed, PART, text.encode(), "'BilledCost' and 'billed_cost' are both billed_cost")


def test_semicolons_and_decimal_commas(feed: Feed) -> None:
    text = csv_text([focus(BilledCost="1,25")], delimiter=";")
    refused(feed, PART, text.encode(), "separated by semicolons")


def test_a_ragged_row(feed: Feed) -> None:
    text = csv_text(GOOD) + "000123456789,Halden Group,USD\n"
    refused(feed, PART, text.encode(), "row 4 has 3 fields where the header has 19", "000123456789")


def test_an_unclosed_quote(feed: Feed) -> None:
    text = csv_text(GOOD).replace("i-0a1", '"i-0a1', 1)
    refused(feed, PART, text.encode(), "row 1")


def test_a_ragged_row_after_a_field_of_many_bytes(feed: Feed) -> None:
    text = csv_text([focus(ResourceId="x" * 200_000)]) + "000123456789,Halden Group,USD\n"
    refused(feed, PART, text.encode(), "row 2 has 3 fields where the header has 19")


def test_a_text_in_the_money_of_row_700_000(module_database: str, source_name: str, tmp_path: Path) -> None:
    constants = {name: value for name, value in focus().items() if "Cost" not in name}
    feed = Feed(module_database, tmp_path / "bill", name=source_name, constants=constants)
    costs = ["0.01"] * 800_000
    costs[699_999] = "see invoice"
    table = pa.table(
        {name: costs if name == "BilledCost" else ["1"] * len(costs) for name in focus() if "Cost" in name}
    )
    content = pa.BufferOutputStream()
    pa.csv.write_csv(table, content)
    refused(feed, PART, content.getvalue().to_pybytes(), "row 700000", "column BilledCost", "'see invoice'")


@pytest.mark.parametrize("compressed", [False, True])
def test_latin_1_inside_utf_8(feed: Feed, compressed: bool) -> None:
    good = csv_bytes(*(focus(ResourceName="Zürich") for _ in range(500)))
    bad = csv_text([focus(ResourceName="Zürich")]).encode("latin-1").splitlines(keepends=True)[1]
    content = gzip.compress(good + bad) if compressed else good + bad
    key = f"{PART}.gz" if compressed else PART
    refused(feed, key, content, r"row 501, column ResourceName: b'Z\xfcrich' is not UTF-8")


def test_latin_1_in_the_header(feed: Feed) -> None:
    content = csv_text([focus(Größe="1")]).encode("latin-1")
    refused(feed, PART, content, r"the header: b'Gr\xf6\xdfe' is not UTF-8")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf_16(feed: Feed, encoding: str) -> None:
    refused(feed, PART, csv_text(GOOD).encode(encoding), "encoded as UTF-16")


def test_a_utf_8_byte_order_mark_is_no_part_of_the_first_column(feed: Feed) -> None:
    feed.deliver(PART, csv_text([focus(ResourceName="Zürich")]).encode("utf-8-sig"))
    assert feed.load_one().ignored_columns == ()
    assert feed.lines("a.billing_account_id", "a.resource_name") == [("000123456789", "Zürich")]


def test_one_bad_file_among_good_ones(feed: Feed) -> None:
    def deliver(bad: Feed) -> None:
        bad.deliver(f"{MONTH}/part-0.csv", csv_bytes(*GOOD))
        bad.deliver(f"{MONTH}/part-1.parquet", parquet_bytes(*GOOD, focus(ListCost="None")))
        bad.deliver(f"{MONTH}/part-2.csv", csv_bytes(focus(BilledCost="9")))

    assert_refused(feed, deliver, f"{MONTH}/part-1.parquet: row 4, column ListCost: 'None'")


def test_a_zip_archive(feed: Feed) -> None:
    refused(feed, PART, b"PK\x03\x04" + bytes(100), "a zip archive")
