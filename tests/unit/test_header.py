"""Headers are matched whatever their spelling, and what is missing is said in words."""

import pytest

from orchestration.lib.errors import FinopsError
from orchestration.lib.formats.cur import CUR
from orchestration.lib.formats.focus import FOCUS
from orchestration.lib.header import match_header
from tests.support.lines import CUR as CUR_LINE
from tests.support.lines import FOCUS as FOCUS_LINE


@pytest.mark.parametrize(
    "header", ["BilledCost", "billed_cost", "BILLEDCOST", " BilledCost", "Billed Cost", "billed-cost"]
)
def test_a_column_is_found_whatever_its_spelling(header: str) -> None:
    headers = [header if name == "BilledCost" else name for name in FOCUS_LINE]
    assert match_header(FOCUS, headers, {}, file="f").direct[header].name == "billed_cost"


@pytest.mark.parametrize(
    ("header", "column", "key"),
    [
        ("resourceTags/user:Cost Center", "resource_tags", "user:Cost Center"),
        ("resource_tags_user_team", "resource_tags", "user_team"),
        ("costCategory/Charge type", "cost_category", "Charge type"),
        ("product/ProductName", "product", "product_name"),
        ("product_product_name", "product", "product_name"),
        ("product/maxIopsvolume", "product", "max_iopsvolume"),
        ("discount/TotalDiscount", "discount", "TotalDiscount"),
        ("discount_total_discount", "discount", "total_discount"),
    ],
)
def test_columns_of_a_legacy_report_are_entries_of_maps(header: str, column: str, key: str) -> None:
    layout = match_header(CUR, [*CUR_LINE, header], {}, file="f")
    assert layout.folded == {column: {header: key}}
    assert header in layout.headers
    assert layout.ignored == ()


@pytest.mark.parametrize("header", ["product/productFamily", "product_product_family", "lineItem/UnblendedRate"])
def test_columns_of_the_format_are_no_entries(header: str) -> None:
    assert match_header(CUR, [*CUR_LINE, header], {}, file="f").folded == {}


def test_unknown_headers_are_ignored_and_named() -> None:
    assert match_header(FOCUS, [*FOCUS_LINE, "x_Team", "Id"], {}, file="f").ignored == ("x_Team", "Id")


def test_a_header_twice_is_refused() -> None:
    with pytest.raises(FinopsError, match=r"^part\.csv: the header has the column 'x_A' twice"):
        match_header(FOCUS, [*FOCUS_LINE, "x_A", "x_A"], {}, file="part.csv")


def test_two_spellings_of_one_column_are_refused() -> None:
    with pytest.raises(FinopsError, match=r"^part\.csv: the columns 'ListCost' and 'list_cost' are both list_cost"):
        match_header(FOCUS, [*FOCUS_LINE, "list_cost"], {}, file="part.csv")


def test_every_missing_column_is_named_at_once() -> None:
    headers = [name for name in FOCUS_LINE if name not in ("BilledCost", "ServiceName", "ProviderName")]
    with pytest.raises(
        FinopsError, match="no column for billed_cost, service_name, service_provider_name or provider_name"
    ) as error:
        match_header(FOCUS, headers, {}, file="part.csv")
    assert "`constants`" in str(error.value)
    assert "(16 columns)" in str(error.value)


def test_constants_stand_in_for_missing_columns() -> None:
    headers = [name for name in FOCUS_LINE if name not in ("ServiceName", "ContractedCost", "ProviderName")]
    constants = {"ServiceName": "Compute", "contracted_cost": None, "ProviderName": "AWS", "ListCost": "9"}
    layout = match_header(FOCUS, headers, constants, file="f")
    assert {column.name: value for column, value in layout.constants.items()} == {
        "service_name": "Compute",
        "provider_name": "AWS",
    }


def test_null_is_no_constant_for_a_column_that_every_row_needs() -> None:
    headers = [name for name in FOCUS_LINE if name != "BillingAccountId"]
    with pytest.raises(FinopsError, match="no column for billing_account_id"):
        match_header(FOCUS, headers, {"BillingAccountId": None}, file="f")


def test_a_constant_for_no_column_is_refused() -> None:
    with pytest.raises(FinopsError, match="constants: 'BiledCost' is no column of the format focus"):
        match_header(FOCUS, list(FOCUS_LINE), {"BiledCost": "1"}, file="f")
