"""Deliveries in S3 are taken as those in a folder are, through dagster-aws and any endpoint."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestration.lib.errors import FinopsError
from orchestration.lib.ingest import Rejected, find_deliveries
from tests.support.exports import overwrite
from tests.support.feed import Feed
from tests.support.lines import MONTH, csv_bytes, cur, focus, gzip_bytes, parquet_bytes
from tests.support.moto_server import moto_server, set_credentials

BUCKET = "halden-exports"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    """Address of an S3 server on this machine."""
    with moto_server() as address:
        yield address


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A client of an empty bucket."""
    import boto3

    set_credentials(monkeypatch)
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    yield client
    bucket = boto3.resource("s3", endpoint_url=endpoint, region_name="us-east-1").Bucket(BUCKET)
    bucket.objects.all().delete()
    bucket.delete()


def upload(s3: Any, folder: Feed, prefix: str) -> None:
    """Copy what a folder holds to the bucket."""
    for path in folder.root.rglob("*"):
        if path.is_file():
            key = f"{prefix}{path.relative_to(folder.root).as_posix()}"
            s3.put_object(Bucket=BUCKET, Key=key, Body=path.read_bytes())


def twin(folder: Feed, endpoint: str, prefix: str) -> Feed:
    """A source like `folder` whose deliveries are in the bucket."""
    return Feed(
        folder.url,
        folder.root,
        "cur" if folder.format.name == "cur" else "focus",
        name=f"{folder.source.name}_s3",
        location=f"s3://{BUCKET}/{prefix}".rstrip("/"),
        endpoint_url=endpoint,
        region="us-east-1",
    )


@pytest.mark.parametrize("prefix", ["", "focus/deep/"])
def test_a_bucket_holds_what_a_folder_holds(feed: Feed, s3: Any, endpoint: str, prefix: str) -> None:
    feed.deliver(f"{MONTH}/part-0.csv", csv_bytes(focus(BilledCost="1")))
    feed.deliver(f"{MONTH}/part-1.csv.gz", gzip_bytes(focus(BilledCost="2", ResourceId="é")))
    feed.deliver(f"{MONTH}/part-2.parquet", parquet_bytes(focus(BilledCost="4")))
    feed.deliver("a file whose rows tell.csv", csv_bytes(focus(BilledCost="8")))
    feed.load_one()
    upload(s3, feed, prefix)
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}2025-03/", Body=b"")
    bucket = twin(feed, endpoint, prefix)
    assert bucket.load_one().line_count == 4
    assert bucket.content() == feed.content()
    assert bucket.days() == feed.days()
    assert list(Path(f"{feed.root}.spool").iterdir()) == []

    assert not bucket.load_one().changed
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}{MONTH}/part-0.csv", Body=csv_bytes(focus(BilledCost="16")))
    assert bucket.load_one().changed
    assert [row[0] for row in bucket.lines("l.billed_cost")] == [2, 4, 8, 16]


def test_an_export_with_its_manifest(cur_feed: Feed, s3: Any, endpoint: str) -> None:
    overwrite(cur_feed, [[cur()], [cur(line_item_unblended_cost="-1")]])
    cur_feed.load_one()
    upload(s3, cur_feed, "")
    bucket = twin(cur_feed, endpoint, "")
    bucket.load_one()
    assert bucket.content() == cur_feed.content()


def test_a_bad_file_is_refused_and_the_former_delivery_stays(feed: Feed, s3: Any, endpoint: str) -> None:
    feed.deliver(f"{MONTH}/part.csv", csv_bytes(focus()))
    upload(s3, feed, "")
    bucket = twin(feed, endpoint, "")
    bucket.load_one()
    before = bucket.content()
    s3.put_object(Bucket=BUCKET, Key=f"{MONTH}/part.csv", Body=csv_bytes(focus(BilledCost="None")))
    assert "2025-03/part.csv: row 1, column BilledCost: 'None' is not a number" in bucket.refuse_one()
    assert bucket.content() == before
    assert bucket.leftovers() == []


def test_a_bucket_that_is_not_there(feed: Feed, s3: Any, endpoint: str) -> None:
    bucket = Feed(
        feed.url, feed.root, name="gone", location="s3://no-such-bucket/x", endpoint_url=endpoint, region="us-east-1"
    )
    with pytest.raises(FinopsError, match=r"s3://no-such-bucket/x/: cannot be listed: .*NoSuchBucket.*s3:ListBucket"):
        bucket.load()


def test_an_endpoint_that_does_not_answer(feed: Feed, s3: Any) -> None:
    bucket = Feed(
        feed.url, feed.root, name="gone", location="s3://b", endpoint_url="http://127.0.0.1:9", region="us-east-1"
    )
    with pytest.raises(FinopsError, match=r"s3://b/: cannot be listed: .*127\.0\.0\.1:9"):
        bucket.load()


def test_no_credentials(feed: Feed, s3: Any, endpoint: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    with pytest.raises(FinopsError, match="cannot be listed: Unable to locate credentials"):
        twin(feed, endpoint, "").load()


def test_a_file_that_goes_away_after_it_was_listed(feed: Feed, s3: Any, endpoint: str) -> None:
    feed.deliver(f"{MONTH}/part.csv", csv_bytes(focus()))
    upload(s3, feed, "")
    bucket = twin(feed, endpoint, "")
    storage = bucket.storage()
    deliveries = find_deliveries(bucket.source, storage)
    s3.delete_object(Bucket=BUCKET, Key=f"{MONTH}/part.csv")
    (outcome,) = bucket.take(deliveries, storage)
    assert isinstance(outcome, Rejected)
    assert f"s3://{BUCKET}/{MONTH}/part.csv: cannot be read" in outcome.error
