"""What a good delivery holds is in the warehouse as it was delivered, whatever file it came in."""

import gzip
import json
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.feed import Feed
from tests.support.lines import (
    MONTH,
    Line,
    bill_bytes,
    csv_bytes,
    cur,
    focus,
    gzip_bytes,
    parquet_bytes,
    parquet_of,
    without,
)

PART = f"{MONTH}/part.csv"
TEXT_PAIRS = pa.map_(pa.string(), pa.string())


def test_an_account_id_keeps_its_leading_zeros(feed: Feed) -> None:
    feed.deliver(PART, csv_bytes(focus(BillingAccountId="000000000007", SubAccountId="0042")))
    feed.load_one()
    assert feed.lines("a.billing_account_id", "a.sub_account_id") == [("000000000007", "0042")]


def test_a_tag_value_of_64_kilobytes(feed: Feed) -> None:
    value = "é" * 32_768
    feed.deliver(PART, csv_bytes(focus(Tags=json.dumps({"note": value}))))
    feed.load_one()
    assert feed.map_of("tags") == [{"note": value}]


def test_sql_in_a_tag_is_text(feed: Feed) -> None:
    key = "'); drop table raw.deliveries cascade; --"
    feed.deliver(PART, csv_bytes(focus(Tags=json.dumps({key: "\\.\n\"';"}), ResourceName=f'{key}"\t\\N\r\n{{}}')))
    feed.load_one()
    assert feed.map_of("tags") == [{key: "\\.\n\"';"}]
    assert feed.lines("a.resource_name") == [(f'{key}"\t\\N\r\n{{}}',)]
    assert feed.ledger() == [("loaded", None)]


def test_an_escaped_backslash_before_u0000_is_no_nul(feed: Feed) -> None:
    feed.deliver(PART, csv_bytes(focus(Tags=r'{"path":"C:\\u0000"}')))
    feed.load_one()
    assert feed.map_of("tags") == [{"path": r"C:\u0000"}]


def test_separators_inside_texts_do_not_make_two_lines_alike(feed: Feed) -> None:
    feed.deliver(
        PART,
        csv_bytes(
            focus(BilledCost="1", BillingAccountName="a\x1eb", ResourceId="c"),
            focus(BilledCost="2", BillingAccountName="a", ResourceId="b\x1ec"),
        ),
    )
    feed.load_one()
    assert feed.lines("l.billed_cost", "a.billing_account_name", "a.resource_id") == [
        (1, "a\x1eb", "c"),
        (2, "a", "b\x1ec"),
    ]


@pytest.mark.parametrize(
    "tags",
    [
        pa.array([[("team", "search"), ("env", None)], [], None], TEXT_PAIRS),
        pa.array([[("team", "search"), ("env", None)], [], None], pa.map_(pa.large_string(), pa.large_string())),
        pa.array(['{"team":"search","env":null}', "{}", None]),
        pa.array([' { "env" : null , "team" : "search" } ', "", "NULL"], pa.large_string()),
        pa.array(['[{"key":"team","value":"search"},{"key":"env","value":null}]', "[]", None]),
        pa.array([[{"key": "team", "value": "search"}, {"key": "env", "value": None}], [], None]),
    ],
    ids=["map", "large map", "JSON", "JSON with spaces", "JSON pairs", "list of structs"],
)
def test_tags_of_every_shape_are_the_same_tags(feed: Feed, tags: pa.Array) -> None:
    texts = {name: [value] * 3 for name, value in focus().items()}
    feed.deliver(f"{MONTH}/part.parquet", parquet_of(pa.table(texts | {"BilledCost": ["1", "2", "3"], "Tags": tags})))
    feed.load_one()
    assert feed.map_of("tags") == [{"team": "search", "env": None}, None, None]
    # The id comes from the content alone: these are the same tags in every shape.
    ids = feed.value('select array_agg(map_id) from raw.maps where map = \'{"team": "search", "env": null}\'')
    assert len(ids) == 1


def test_tags_of_a_struct_leave_out_what_is_null(feed: Feed) -> None:
    texts = {name: [value] * 3 for name, value in focus().items()}
    tags = pa.array([{"team": "search", "env": None}, {"team": None, "env": None}, None])
    feed.deliver(f"{MONTH}/part.parquet", parquet_of(pa.table(texts | {"BilledCost": ["1", "2", "3"], "Tags": tags})))
    feed.load_one()
    assert feed.map_of("tags") == [{"team": "search"}, None, None]


def test_a_map_of_cur_2_0_and_its_columns_are_one(cur_feed: Feed) -> None:
    line = cur(
        product='{"product_name":"Amazon EC2","region":"eu-west-1"}', product_location="EU (Ireland)", discount="{}"
    )
    cur_feed.deliver(PART, csv_bytes(line | {"discount_total_discount": "-0.10"}))
    cur_feed.load_one()
    assert cur_feed.map_of("product") == [
        {"product_name": "Amazon EC2", "region": "eu-west-1", "location": "EU (Ireland)"}
    ]
    assert cur_feed.map_of("discount") == [{"total_discount": "-0.10"}]


@pytest.mark.parametrize(
    "content",
    [
        gzip_bytes(focus(BilledCost="1")) + gzip.compress(csv_bytes(focus(BilledCost="2")).split(b"\n", 1)[1], mtime=0),
        csv_bytes(focus(BilledCost="1"), focus(BilledCost="2")).replace(b"\n", b"\r\n"),
        csv_bytes(focus(BilledCost="1"), focus(BilledCost="2")).replace(b"\n", b"\n\n"),
        csv_bytes(focus(BilledCost="1"), focus(BilledCost="2")).rstrip(b"\n"),
    ],
    ids=["gzip of two members", "CRLF", "blank lines", "no last line end"],
)
def test_files_as_many_programs_write_them(feed: Feed, content: bytes) -> None:
    feed.deliver(PART, content)
    feed.load_one()
    assert feed.lines("l.billed_cost", "a.tags_id is null") == [(1, False), (2, False)]


VERSIONS: dict[str, Line] = {
    "1.0": without(focus(PublisherName="Halden", CommitmentDiscountStatus=None), "Tags"),
    "1.1": focus(PublisherName="Halden", CapacityReservationId="cr-1", ServiceSubcategory="VM", SkuMeter="hours"),
    "1.2": focus(InvoiceId="INV-1", BillingAccountType="org", PricingCurrency="EUR", PricingCurrencyEffectiveCost="1"),
    "1.3": focus(ServiceProviderName="AWS", HostProviderName="AWS", AllocatedTags='{"a":"b"}', AllocatedMethodId="m"),
    "1.4": without(
        focus(ServiceProviderName="AWS", InvoiceDetailId="7", ContractApplied='[{"ContractId":"c","Cost":1.10}]'),
        "ProviderName",
    ),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file_format", ["csv", "parquet"])
def test_headers_of_every_focus_version(feed: Feed, version: str, file_format: str) -> None:
    line = VERSIONS[version]
    feed.deliver(f"{MONTH}/part.{file_format}", bill_bytes(file_format, line))
    assert feed.load_one().ignored_columns == ()
    assert feed.lines("a.provider_name", "a.service_provider_name", "a.publisher_name") == [
        (line.get("ProviderName"), line.get("ServiceProviderName"), line.get("PublisherName"))
    ]
    if version == "1.4":
        assert feed.value('select map::text from raw.maps where map @> \'[{"ContractId":"c"}]\'') == (
            '[{"Cost": 1.10, "ContractId": "c"}]'
        )


def test_columns_that_no_version_has_are_named_in_the_ledger(feed: Feed) -> None:
    feed.deliver(PART, csv_bytes(focus(x_Team="a", Id="7")))
    assert feed.load_one().ignored_columns == ("Id", "x_Team")
    assert feed.value("select ignored_columns from raw.deliveries where source_name = %s", feed.source.name) == [
        "Id",
        "x_Team",
    ]


def test_a_day_is_that_of_utc(feed: Feed) -> None:
    starts = ["2025-03-04 23:30:00", "2025-03-04T23:30:00-02:00", "2025-03-05T00:30:00+02:00", "2025-03-06"]
    feed.deliver(PART, csv_bytes(*(focus(ChargePeriodStart=start) for start in starts)))
    feed.load_one()
    assert [row[0] for row in feed.lines("l.charge_date")] == [date(2025, 3, day) for day in (4, 4, 5, 6)]
    assert feed.lines("min(l.charge_period_start)", "max(l.charge_period_start)", order_by="1") == [
        (datetime(2025, 3, 4, 22, 30, tzinfo=UTC), datetime(2025, 3, 6, tzinfo=UTC))
    ]


def test_the_same_lines_are_the_same_in_every_file_format(module_database: str, feed: Feed, tmp_path: Any) -> None:
    lines = [
        focus(BilledCost=cost, ResourceId=resource, ListCost=None)
        for cost, resource in (("1.10", "i-1"), ("-0.000000000000000001", None), ("2E-3", 'Zürich, "x"'))
    ]
    files = {"csv": csv_bytes(*lines), "csv.gz": gzip_bytes(*lines), "parquet": parquet_bytes(*lines)}
    found = []
    for suffix, content in files.items():
        other = Feed(module_database, tmp_path / suffix, name=f"{feed.source.name}_{suffix.replace('.', '_')}")
        other.deliver(f"{MONTH}/part.{suffix}", content)
        other.load_one()
        found.append((other.content(), other.days()))
    assert found[0] == found[1] == found[2]
    assert found[0][1]["2025-03-04"][:2] == (3, Decimal("1.101999999999999999"))


def test_the_same_money_in_every_parquet_type_has_the_same_total(feed: Feed) -> None:
    texts = {name: [value] * 3 for name, value in focus().items()}
    costs = [Decimal("1.25"), Decimal("-0.5"), Decimal("1234567.0625")]
    for number, array in enumerate(
        [pa.array(costs, pa.decimal128(20, 9)), pa.array(map(float, costs)), pa.array(map(str, costs))]
    ):
        feed.deliver(f"{MONTH}/part-{number}.parquet", parquet_of(pa.table(texts | {"BilledCost": array})))
    assert feed.load_one().line_count == 9
    assert feed.days()["2025-03-04"][1] == 3 * sum(costs)


def spelled(value: Decimal, style: str) -> str:
    return {"plain": f"{value:f}", "exponent": f"{value:E}", "short": str(value), "signed": f"{value:+f}"}[style]


AMOUNTS = st.decimals(-(10**15), 10**15, places=18) | st.decimals(-1, 1, places=18) | st.decimals(0, 9, places=2)
SPELLED = st.builds(spelled, AMOUNTS, st.sampled_from(["plain", "exponent", "short", "signed"]))


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(costs=st.lists(st.tuples(SPELLED, SPELLED), min_size=1, max_size=40))
def test_totals_are_exact(feed: Feed, costs: list[tuple[str, str]]) -> None:
    feed.clear()
    feed.deliver(PART, csv_bytes(*(focus(BilledCost=billed, EffectiveCost=effective) for billed, effective in costs)))
    feed.load_one()
    with localcontext(prec=200):
        expected = tuple(sum(map(Decimal, column)) for column in zip(*costs, strict=True))
    assert feed.days()["2025-03-04"][:3] == (len(costs), *expected)
    assert feed.lines("sum(l.billed_cost)", "sum(l.effective_cost)") == [expected]
    assert feed.rows(
        "select d.billed_cost, d.effective_cost from raw.deliveries as d join raw.scopes using (delivery_id)"
        " where d.source_name = %s",
        feed.source.name,
    ) == [expected]
