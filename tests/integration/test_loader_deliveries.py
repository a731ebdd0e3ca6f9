"""What is taken for a delivery: every file of a month once, the newest version of each, and nothing twice."""

import os
from datetime import date
from decimal import Decimal

import pytest

from orchestration.lib.errors import FinopsError
from orchestration.lib.ingest import find_deliveries, new_deliveries
from orchestration.lib.loader import Loaded
from orchestration.sample.single_month import write_month
from tests.support.exports import EXPORT, create_new, legacy, overwrite
from tests.support.feed import Feed
from tests.support.lines import MONTH, csv_bytes, cur, focus, gzip_bytes, parquet_bytes
from tests.support.rejection import assert_refused


def cost(amount: str, **changes: str) -> dict[str, str]:
    return dict(cur(line_item_unblended_cost=amount, **changes))


def costs(feed: Feed) -> list[str]:
    return [row[0] for row in feed.lines("l.line_item_unblended_cost::text", order_by="l.line_item_unblended_cost")]


def test_a_month_in_several_files_and_of_several_payers(feed: Feed) -> None:
    feed.deliver(f"000000000001/{MONTH}/part-0.csv", csv_bytes(focus(BilledCost="1", BillingAccountId="000000000001")))
    feed.deliver(
        f"000000000001/{MONTH}/part-1.csv.gz", gzip_bytes(focus(BilledCost="2", BillingAccountId="000000000001"))
    )
    feed.deliver(
        f"000000000002/{MONTH}/part-0.parquet", parquet_bytes(focus(BilledCost="4", BillingAccountId="000000000002"))
    )
    feed.deliver(f"BILLING_PERIOD={MONTH}/other.csv", csv_bytes(focus(BilledCost="8", BillingAccountId="000000000003")))
    feed.deliver("20250301-20250401.csv", csv_bytes(focus(BilledCost="16", BillingAccountId="000000000003")))
    assert feed.load_one().line_count == 5
    assert feed.days()["2025-03-04"][:2] == (5, Decimal(31))
    assert feed.lines("a.billing_account_id", "l.billed_cost", order_by="2") == [
        ("000000000001", 1),
        ("000000000001", 2),
        ("000000000002", 4),
        ("000000000003", 8),
        ("000000000003", 16),
    ]
    files = feed.value(
        "select jsonb_agg(file ->> 'lines') from raw.deliveries, jsonb_array_elements(files) as file"
        " where source_name = %s",
        feed.source.name,
    )
    assert files == ["1"] * 5


def test_months_are_told_apart_by_path_and_else_by_rows(feed: Feed) -> None:
    april = {"BillingPeriodStart": "2025-04-01", "BillingPeriodEnd": "2025-05-01"}
    feed.deliver("march.csv", csv_bytes(focus(BilledCost="1")))
    feed.deliver(
        "april.csv", csv_bytes(focus(BilledCost="2", **april), focus(BilledCost="3", **april), focus(BilledCost="4"))
    )
    feed.deliver("2025-04/part.csv", csv_bytes(focus(BilledCost="5", **april)))
    outcomes = feed.load()
    assert [
        (str(outcome.billing_period), outcome.line_count) for outcome in outcomes if isinstance(outcome, Loaded)
    ] == [
        ("2025-03-01", 1),
        ("2025-04-01", 4),
    ]


def test_the_same_delivery_again_is_not_taken_in_again(feed: Feed) -> None:
    path = feed.deliver(f"{MONTH}/part.csv", csv_bytes(focus()))
    assert feed.load_one().changed
    deliveries = find_deliveries(feed.source, feed.storage())
    assert new_deliveries(feed.url, feed.source, deliveries) == []
    assert not feed.load_one().changed

    os.utime(path, (1, 1))
    assert new_deliveries(feed.url, feed.source, find_deliveries(feed.source, feed.storage())) != []
    assert not feed.load_one().changed
    assert new_deliveries(feed.url, feed.source, find_deliveries(feed.source, feed.storage())) == []

    path.rename(path.with_name("renamed.csv"))
    assert not feed.load_one().changed
    assert feed.ledger() == [("loaded", None)]
    assert feed.leftovers() == []


def test_other_constants_make_it_another_delivery(feed: Feed) -> None:
    feed.deliver(f"{MONTH}/part.csv", csv_bytes(focus()))
    feed.load_one()
    other = Feed(feed.url, feed.root, name=feed.source.name, constants={"RegionId": "eu-west-1"})
    assert other.load_one().changed
    assert other.lines("a.region_id") == [("eu-west-1",)]


def test_two_files_of_the_same_content_are_refused(feed: Feed) -> None:
    def twice(bad: Feed) -> None:
        bad.deliver(f"{MONTH}/a/part.csv", csv_bytes(focus()))
        bad.deliver(f"{MONTH}/b/part.csv", csv_bytes(focus()))

    assert_refused(feed, twice, f"{MONTH}/a/part.csv and {MONTH}/b/part.csv have the same content")


@pytest.mark.parametrize(
    ("month", "advice"), [("2017-12", "Set `organization.first_billing_period`"), ("2099-01", "has not begun")]
)
def test_a_billing_period_out_of_range(feed: Feed, month: str, advice: str) -> None:
    key = f"{month}/part.csv"
    where = f"{key}: billing period {month} is outside 2018-01 to "
    assert_refused(feed, lambda bad: bad.deliver(key, csv_bytes(focus())), where, advice)


def test_a_file_that_cannot_be_read_holds_back_the_files_beside_it(feed: Feed) -> None:
    feed.deliver("a.csv", csv_bytes(focus(BilledCost="1")))
    feed.deliver("b.csv", csv_bytes(focus(BilledCost="2")))
    feed.load_one()
    before = feed.content()
    feed.deliver("a.csv", csv_bytes(focus(BilledCost="3")))
    feed.deliver("b.csv", b"BilledCost\n4\n")
    feed.deliver("2025-04/c.csv", csv_bytes(focus(BilledCost="5")))

    broken, march, april = feed.load()
    assert "b.csv: no column for billing_period_start" in getattr(broken, "error", "")
    assert getattr(march, "error", "").startswith("2025-03: waits for b.csv")
    assert isinstance(april, Loaded)
    assert [row for row in feed.content() if '"billed_cost": 5' not in row[0]] == before

    feed.deliver("b.csv", csv_bytes(focus(BilledCost="4")))
    assert [getattr(outcome, "changed", None) for outcome in feed.load()] == [True, False]
    assert [row[0] for row in feed.lines("l.billed_cost")] == [3, 4, 5]


def test_a_file_that_goes_away_before_it_is_read(feed: Feed) -> None:
    path = feed.deliver(f"{MONTH}/part.csv", csv_bytes(focus()))
    storage = feed.storage()
    deliveries = find_deliveries(feed.source, storage)
    path.unlink()
    (outcome,) = feed.take(deliveries, storage)
    assert "part.csv: cannot be read any more" in getattr(outcome, "error", "")
    assert feed.leftovers() == []


def test_a_location_that_is_not_there(feed: Feed) -> None:
    feed.root.rmdir()
    with pytest.raises(FinopsError, match=r"no such folder\. Check `location`"):
        feed.load()


# Exports of AWS with their manifests


def test_an_export_that_overwrites(cur_feed: Feed) -> None:
    overwrite(cur_feed, [[cost("1"), cost("2")], [cost("4")]])
    assert cur_feed.load_one().line_count == 3
    keys = overwrite(cur_feed, [[cost("8")]])
    assert keys == [f"{EXPORT}/data/BILLING_PERIOD={MONTH}/halden-cur2-00001.csv.gz"]
    # The second part of the former execution still lies there; the manifest does not list it.
    assert cur_feed.load_one().line_count == 1
    assert costs(cur_feed) == ["8"]


def test_an_export_that_keeps_every_execution_counts_the_newest(cur_feed: Feed) -> None:
    create_new(cur_feed, [[cost("1")], [cost("2")]], "20250310T010203Z-5d6b2011-0701-4e0c-9d2f-2a4b6c8d0e1f")
    create_new(cur_feed, [[cost("4")], [cost("8")]], "20250311T010203Z-0a1b2c3d-0701-4e0c-9d2f-2a4b6c8d0e1f")
    cur_feed.load_one()
    assert costs(cur_feed) == ["4", "8"]
    assert [
        str(row[0])
        for row in cur_feed.rows("select billing_period from raw.scopes where source_name = %s", cur_feed.source.name)
    ] == ["2025-03-01"]


def test_a_legacy_report_counts_the_assembly_of_its_manifest(cur_feed: Feed) -> None:
    legacy(cur_feed, [[cost("1")]], "aa000000-0000-4000-8000-000000000001")
    legacy(cur_feed, [[cost("2")], [cost("4")]], "00000000-0000-4000-8000-000000000002")
    cur_feed.load_one()
    assert costs(cur_feed) == ["2", "4"]


def test_two_exports_of_a_month_count_both(cur_feed: Feed) -> None:
    overwrite(cur_feed, [[cost("1")]], export="payer-1/bill")
    overwrite(cur_feed, [[cost("2")]], export="payer-2/bill")
    legacy(cur_feed, [[cost("4")]])
    assert cur_feed.load_one().line_count == 3
    assert costs(cur_feed) == ["1", "2", "4"]


def test_a_copy_of_a_part_of_the_bucket_is_understood(cur_feed: Feed) -> None:
    overwrite(cur_feed, [[cost("1")]], export="exports/of/bill")
    for path in list((cur_feed.root / "exports/of/bill").iterdir()):
        path.rename(cur_feed.root / path.name)
    cur_feed.load_one()
    assert costs(cur_feed) == ["1"]


def test_a_manifest_that_lists_an_absent_file(cur_feed: Feed) -> None:
    def incomplete(bad: Feed) -> None:
        keys = overwrite(bad, [[cost("1")], [cost("2")]])
        (bad.root / keys[1]).unlink()

    assert_refused(cur_feed, incomplete, "Manifest.json: lists the file", "halden-cur2-00002.csv.gz", "not delivered")


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b"\xff\xfe{", b'{"dataFiles": [null]}', b'{"dataFiles": 7}', b'{"billingPeriod": {}}']
)
def test_a_manifest_that_is_none(cur_feed: Feed, content: bytes) -> None:
    def broken(bad: Feed) -> None:
        overwrite(bad, [[cost("1")]])
        manifest = f"{EXPORT}/metadata/BILLING_PERIOD={MONTH}/halden-cur2-Manifest.json"
        bad.deliver(manifest, content)

    assert_refused(cur_feed, broken, "halden-cur2-Manifest.json: not a manifest that can be read")


def test_a_broken_manifest_keeps_out_the_other_exports_of_its_month(cur_feed: Feed) -> None:
    def half(bad: Feed) -> None:
        overwrite(bad, [[cost("1")]], export="payer-1/bill")
        overwrite(bad, [[cost("2")]], export="payer-2/bill")
        bad.deliver(f"payer-2/bill/metadata/BILLING_PERIOD={MONTH}/bill-Manifest.json", b"{")

    assert_refused(cur_feed, half, "payer-2", "not a manifest that can be read")


def test_a_manifest_without_files(cur_feed: Feed) -> None:
    assert_refused(cur_feed, lambda bad: overwrite(bad, []), "lists no data files")


def test_the_sample_organisation_writes_an_export(cur_feed: Feed) -> None:
    total = write_month(cur_feed.root, source="aws_main", period=date(2025, 3, 1), lines=6_000)
    loaded = cur_feed.load_one()
    assert loaded.line_count == 6_000
    assert cur_feed.lines("sum(l.line_item_unblended_cost)") == [(Decimal(total.billed_cost),)]
