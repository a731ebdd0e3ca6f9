"""Files that the configuration names, in a bucket: drivers of allocation and exchange rates are read as from a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import psycopg
import pytest

from orchestration.lib import paths
from orchestration.lib.config import Config, load_config
from orchestration.lib.config_store import store_config
from orchestration.lib.errors import FinopsError
from tests.support.moto_server import moto_server

BUCKET = "shared-figures"
DRIVER, RATES = (
    "month,team,quantity\n2026-10,Search,3\n",
    "date,from_currency,to_currency,rate\n2026-10-01,USD,EUR,0.9\n",
)
CURRENT = """
select quantity::text from config.driver_quantities inner join config.driver_versions using (driver, content_hash)
where superseded_at is null
union all
select rate::text from config.currency_rates
order by 1
"""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with moto_server() as address:
        yield address


@pytest.fixture
def connection(database: str) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(database, autocommit=True) as opened:
        yield opened


@pytest.fixture
def s3(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    client = boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")
    client.create_bucket(Bucket=BUCKET)
    yield client
    for entry in client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
        client.delete_object(Bucket=BUCKET, Key=entry["Key"])


def config(folder: Path, endpoint: str) -> Config:
    path = folder / "finops-config.yaml"
    place = f"endpoint_url: {endpoint}, region: us-east-1"
    path.write_text(
        f"""
organization: {{name: Example, first_billing_period: 2026-01}}
sources: [{{name: aws, format: cur, location: bills}}]
teams: [{{name: Search, cost_center: "1"}}]
cost_allocation:
  drivers: [{{name: requests, location: "s3://{BUCKET}/drivers/requests.csv", {place}}}]
  rules: [{{name: tax, match: {{charge_categories: [Tax]}}, method: metric, driver: requests}}]
currencies: {{reporting: EUR, rates: {{location: "s3://{BUCKET}/rates.csv", {place}}}}}
"""
    )
    return load_config(path)


def test_files_in_a_bucket_are_read_and_nothing_is_left_of_them(
    s3: Any, endpoint: str, connection: psycopg.Connection[Any], tmp_path: Path, finops_home: Path
) -> None:
    settings = config(tmp_path, endpoint)
    with pytest.raises(FinopsError, match=rf"s3://{BUCKET}/rates\.csv: cannot be read: .*404.*s3:GetObject"):
        store_config(connection, settings)
    s3.put_object(Bucket=BUCKET, Key="rates.csv", Body=RATES.encode())
    with pytest.raises(FinopsError, match=rf"s3://{BUCKET}/drivers/requests\.csv: cannot be read"):
        store_config(connection, settings)
    s3.put_object(Bucket=BUCKET, Key="drivers/requests.csv", Body=DRIVER.encode())
    store_config(connection, settings)
    assert connection.execute(CURRENT).fetchall() == [("0.9",), ("3",)]
    assert list(paths.spool_dir().iterdir()) == []


@pytest.mark.parametrize(
    ("key", "content", "message"),
    [
        ("rates.csv", RATES.replace("0.9", "-1"), rf"s3://{BUCKET}/rates\.csv: row 1, column rate: '-1'"),
        ("rates.csv", "date\n", rf"s3://{BUCKET}/rates\.csv: needs the columns"),
        ("drivers/requests.csv", DRIVER.replace("3", "-3"), r"requests\.csv: row 1 .*: the quantity -3 is negative"),
        ("drivers/requests.csv", "PAR1", rf"s3://{BUCKET}/drivers/requests\.csv .*: cannot be read: no whole Parquet"),
    ],
)
def test_a_bad_file_of_a_bucket_is_named_by_its_address(
    s3: Any,
    endpoint: str,
    connection: psycopg.Connection[Any],
    tmp_path: Path,
    finops_home: Path,
    key: str,
    content: str,
    message: str,
) -> None:
    for name, body in {"rates.csv": RATES, "drivers/requests.csv": DRIVER, key: content}.items():
        s3.put_object(Bucket=BUCKET, Key=name, Body=body.encode())
    with pytest.raises(FinopsError, match=message):
        store_config(connection, config(tmp_path, endpoint))
    assert connection.execute("select to_regclass('config.sections')").fetchone() == (None,)


def test_settings_of_a_bucket_need_one(tmp_path: Path) -> None:
    path = tmp_path / "finops-config.yaml"
    for rates in ("{location: rates.csv, region: eu-west-1}", "{location: 's3://only-a-bucket'}"):
        path.write_text(
            "organization: {name: Example, first_billing_period: 2026-01}\n"
            "sources: [{name: aws, format: cur, location: bills}]\n"
            f"currencies: {{reporting: EUR, rates: {rates}}}\n"
        )
        with pytest.raises(FinopsError, match=r"belong to a location that starts with s3|s3://bucket/path/of/file"):
            load_config(path)
