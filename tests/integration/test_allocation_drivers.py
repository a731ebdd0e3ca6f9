"""Driver files of cost allocation: dated versions in the warehouse, or one error and everything as it was."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from orchestration.lib.config import Config, load_config
from orchestration.lib.config_store import store_config
from orchestration.lib.errors import FinopsError

RULES = """
    - {name: tax, match: {charge_categories: [Tax]}, method: metric, driver: requests}
    - {name: whole team, match: {teams: [Platform]}, method: even, over: {teams: [Search]}}
"""
FURTHER = "    - {name: x, match: {charge_categories: [Credit]}, method: even}\n"
GOOD = "month,team,quantity\n2026-09,Search,3\n2026-09,find IT,0\n2026-10,Checkout,0.000000000000000001\n"


def config(folder: Path, driver: str = "location: drivers/requests.csv", rules: str = RULES) -> Config:
    path = folder / "finops-config.yaml"
    path.write_text(
        f"""
organization: {{name: Example, first_billing_period: 2026-01}}
sources: [{{name: aws, format: cur, location: bills}}]
teams:
  - {{name: Search, cost_center: "1"}}
  - {{name: Checkout, cost_center: "2", aliases: [Find It]}}
  - {{name: Platform, cost_center: "3"}}
cost_allocation:
  drivers: [{f"{{name: requests, {driver}}}" if driver else ""}]
  rules: {rules}
"""
    )
    return load_config(path)


def write(folder: Path, content: str) -> Path:
    path = folder / "drivers" / "requests.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    return path


def rows(connection: psycopg.Connection[Any], query: str) -> list[tuple[Any, ...]]:
    return connection.execute(query.encode()).fetchall()


CURRENT = (
    "select valid_on::text, is_monthly, team, cost_center, project, quantity from config.driver_quantities"
    " join config.driver_versions using (driver, content_hash) where superseded_at is null order by 1, 3, 4, 5"
)
VERSIONS = "select driver, content_hash, loaded_at, superseded_at from config.driver_versions order by loaded_at"


def test_versions_follow_the_content(database: str, tmp_path: Path) -> None:
    path = write(tmp_path, GOOD)
    with psycopg.connect(database, autocommit=True) as connection:
        store_config(connection, config(tmp_path))
        first = rows(connection, CURRENT)
        assert first == [
            ("2026-09-01", True, "Checkout", None, None, Decimal(0)),
            ("2026-09-01", True, "Search", None, None, Decimal(3)),
            ("2026-10-01", True, "Checkout", None, None, Decimal("0.000000000000000001")),
        ]
        versions = rows(connection, VERSIONS)
        # The same quantities in another order and format are the same version.
        quantity = pa.array([Decimal("0.000000000000000001"), Decimal(0), Decimal(3)], pa.decimal128(38, 18))
        table = {
            "team": ["Checkout", "Checkout", "Search"],
            "month": ["2026-10", "2026-09", "2026-09"],
            "quantity": quantity,
        }
        pq.write_table(pa.table(table), path)
        write_again = config(tmp_path)
        store_config(connection, write_again)
        assert rows(connection, VERSIONS) == versions
        write(tmp_path, "date,team,cost_center,project,quantity\n2026-09-02,Search,77,x,1\n2026-09-02,Search,77,,2\n")
        store_config(connection, write_again)
        assert rows(connection, CURRENT) == [
            ("2026-09-02", False, "Search", "77", "x", Decimal(1)),
            ("2026-09-02", False, "Search", "77", None, Decimal(2)),
        ]
        write(tmp_path, GOOD)
        store_config(connection, write_again)
        store_config(connection, write_again)
        assert rows(connection, CURRENT) == first
        assert rows(connection, VERSIONS)[0][:3] == versions[0][:3]
        store_config(connection, config(tmp_path, "", rules="[]"))
        assert rows(connection, CURRENT) == []


def test_an_unchanged_file_stores_nothing(database: str, tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    with psycopg.connect(database, autocommit=True) as connection:
        store_config(connection, config(tmp_path))
        before = rows(connection, VERSIONS)
        write(tmp_path, "\ufeff" + GOOD.replace("\n", "\r\n"))
        store_config(connection, config(tmp_path))
        assert rows(connection, VERSIONS) == before


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            "month,team,quantity\n2026-09,Search,\n",
            "row 1 {}: the quantity is missing. Write 0 where nothing was used.",
        ),
        ("month,team,quantity\n2026-09,Search,1\n2026-09,Checkout,-1\n", "row 2 {}: the quantity -1 is negative."),
        ("month,team,quantity\n2026-09,Search,NaN\n", "row 1 {}: 'NaN' is no number."),
        ('month,team,quantity\n2026-09,Search,"1,5"\n', "row 1 {}: '1,5' is no number."),
        ("month,team,quantity\n2026-09,Search,1e-19\n", "row 1 {}: the quantity 1e-19 has more digits"),
        ("month,team,quantity\n2026-09,Checkout,1\n2026-09,find it,2\n", "row 2 {}: repeats requests.csv: row 1."),
        ("month,team,quantity\n2026-09,Serch,1\n", "row 1 {}: 'Serch' is none of the teams. Did you mean 'Search'?"),
        ("month,team,quantity\n2026-13,Search,1\n", "row 1 {}: '2026-13' is not a month such as 2026-10."),
        ("month,team,quantity\n2026-09-02,Search,1\n", "row 1 {}: the month '2026-09-02' is a day."),
        ("date,team,quantity\n09/02/2026,Search,1\n", "row 1 {}: '09/02/2026' is not a date such as 2026-10-01."),
        (
            "date,month,team,quantity\n2026-09-02,,Search,1\n,2026-09,Search,1\n",
            "requests.csv {}: has days and months.",
        ),
        ("month,team,amount\n2026-09,Search,1\n", "row 1 {}: has the column 'amount'. Columns: date, month, team,"),
        (
            "month,team,quantity\n2026-09,Platform,1\n",
            "row 1 {}: the rule 'tax' of step 1 gives to 'Platform', whose costs the rule 'whole team'",
        ),
    ],
)
def test_what_cannot_be_used_leaves_everything_as_it_was(
    database: str, tmp_path: Path, content: str, expected: str
) -> None:
    write(tmp_path, GOOD)
    with psycopg.connect(database, autocommit=True) as connection:
        store_config(connection, config(tmp_path))
        everything = (CURRENT, VERSIONS, "select * from config.sections order by section")
        before = [rows(connection, query) for query in everything]
        write(tmp_path, content)
        with pytest.raises(FinopsError) as caught:
            store_config(connection, config(tmp_path, rules=RULES + FURTHER))
        where = expected.format("(driver 'requests' of 'tax')")
        assert (where if where.startswith("requests.csv") else f"requests.csv: {where}") in str(caught.value)
        assert [rows(connection, query) for query in everything] == before


def test_a_file_that_is_not_there_is_named(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection, pytest.raises(FinopsError, match="No such file or directory"):
        store_config(connection, config(tmp_path))


def test_a_table_of_the_warehouse_is_a_driver(database: str, tmp_path: Path) -> None:
    of_table = config(tmp_path, "table: dev.requests")
    with psycopg.connect(database, autocommit=True) as connection:
        with pytest.raises(FinopsError, match=r"dev.requests \(driver 'requests' of 'tax'\): cannot be read: relation"):
            store_config(connection, of_table)
        connection.execute("create schema dev; create table dev.requests (date date, team text, quantity numeric)")
        connection.execute("insert into dev.requests values ('2026-09-02', 'search', 5)")
        store_config(connection, of_table)
        assert rows(connection, CURRENT) == [("2026-09-02", False, "Search", None, None, Decimal(5))]
        connection.execute("insert into dev.requests values ('2026-09-02', 'Search', 6)")
        with pytest.raises(FinopsError, match=r"the row with date 2026-09-02, team Search .*repeats dev.requests"):
            store_config(connection, of_table)
