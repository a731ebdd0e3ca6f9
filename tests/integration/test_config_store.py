"""The configuration in the warehouse: versions, and who wins a race."""

from __future__ import annotations

import threading
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from orchestration.lib.config import Config, load_config
from orchestration.lib.config_store import store_config
from orchestration.lib.errors import FinopsError

TEXT = """
organization: {name: Example, first_billing_period: 2026-01}
sources: [{name: aws, format: cur, location: bills, constants: {bill_bill_type: }}]
teams: [{name: Café "Ünï" 'quoted', cost_center: "1"}]
invoices: [{invoice_issuer_name: A, invoice_id: 1, billing_currency: USD, amount: 12.50}]
"""
VERSIONS = "select section, content_hash, superseded_at is null from config.sections order by section, loaded_at"


def load(folder: Path, text: str = TEXT) -> Config:
    path = folder / "finops-config.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def test_every_section_is_stored_once(database: str, tmp_path: Path) -> None:
    config = load(tmp_path)
    with psycopg.connect(database) as connection:
        hashes = store_config(connection, config)
        rows = connection.execute(VERSIONS).fetchall()
        assert rows == [(section, hashes[section], True) for section in sorted(config.sections())]
        content: dict[str, Any] = dict(connection.execute("select section, content from config.sections").fetchall())
    assert content == config.sections()
    assert content["invoices"][0]["amount"] == "12.50"
    assert content["sources"][0]["constants"] == {"bill_bill_type": None}
    assert content["teams"] == [{"name": "Café \"Ünï\" 'quoted'", "cost_center": "1", "aliases": []}]


def test_an_unchanged_configuration_stores_nothing(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        first = store_config(connection, load(tmp_path))
        before = connection.execute("select * from config.sections order by section").fetchall()
        assert store_config(connection, load(tmp_path, "# another comment\n" + TEXT)) == first
        assert connection.execute("select * from config.sections order by section").fetchall() == before


def test_a_changed_section_ends_its_former_version(database: str, tmp_path: Path) -> None:
    changed = TEXT.replace("12.50", "13")
    with psycopg.connect(database, autocommit=True) as connection:
        first = store_config(connection, load(tmp_path))
        second = store_config(connection, load(tmp_path, changed))
        third = store_config(connection, load(tmp_path))
        assert {section for section in first if first[section] != second[section]} == {"invoices"}
        assert third == first
        rows = connection.execute(
            """
            select content_hash, loaded_at, superseded_at from config.sections
            where section = 'invoices' order by loaded_at
            """
        ).fetchall()
    assert [row[0] for row in rows] == [first["invoices"], second["invoices"], first["invoices"]]
    assert [row[2] for row in rows] == [rows[1][1], rows[2][1], None]


def test_a_failure_leaves_the_former_version(database: str, tmp_path: Path) -> None:
    with psycopg.connect(database) as connection:
        store_config(connection, load(tmp_path))
        connection.commit()
        before = connection.execute(VERSIONS).fetchall()
        connection.execute(
            "alter table config.sections add constraint no_thirteen check (content::text not like '%13%')"
        )
        connection.commit()
        try:
            store_config(connection, load(tmp_path, TEXT.replace("12.50", "13").replace("name: aws", "name: aws2")))
        except psycopg.errors.CheckViolation:
            connection.rollback()
        assert connection.execute(VERSIONS).fetchall() == before


def test_runs_at_the_same_time_leave_one_current_version(database: str, tmp_path: Path) -> None:
    configs = []
    for number in range(8):
        (tmp_path / str(number)).mkdir()
        configs.append(load(tmp_path / str(number), TEXT.replace("12.50", str(number % 4))))
    failures: list[BaseException] = []

    def store(config: Config) -> None:
        try:
            with psycopg.connect(database) as connection:
                store_config(connection, config)
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=store, args=(config,)) for config in configs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    with psycopg.connect(database) as connection:
        current = connection.execute(
            "select section, count(*) from config.sections where superseded_at is null group by 1"
        )
        assert dict(current.fetchall()) == dict.fromkeys(configs[0].sections(), 1)
        gaps = connection.execute(
            """
            select * from (
                select superseded_at, lead(loaded_at) over (partition by section order by loaded_at) as next_loaded_at
                from config.sections
            ) as versions
            where superseded_at is distinct from next_loaded_at
            """
        )
        assert gaps.fetchall() == []


RATES = "date,from_currency,to_currency,rate\n2026-01-01,USD,EUR,0.9\n2026-01-02,USD,EUR,0.85\n"
CURRENCIES = TEXT + "currencies: {reporting: EUR, rates: {location: rates.csv}}\n"
KEPT = "select content_hash, from_currency, to_currency, rate_date::text, rate from config.currency_rates order by 1, 4"


def test_exchange_rates_are_versions_of_their_section(database: str, tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text(RATES)
    with psycopg.connect(database, autocommit=True) as connection:
        first = store_config(connection, load(tmp_path, CURRENCIES))
        content = connection.execute("select content from config.sections where section = 'currencies'").fetchone()
        assert content is not None
        version = content[0]["rates"]["content_hash"]
        kept = connection.execute(KEPT).fetchall()
        assert kept == [
            (version, "USD", "EUR", "2026-01-01", Decimal("0.9")),
            (version, "USD", "EUR", "2026-01-02", Decimal("0.85")),
        ]

        # The same rates in another order are the same version.
        header, *rows = RATES.splitlines(keepends=True)
        (tmp_path / "rates.csv").write_text(header + "".join(reversed(rows)))
        versions = connection.execute(VERSIONS).fetchall()
        assert store_config(connection, load(tmp_path, CURRENCIES)) == first
        assert (connection.execute(VERSIONS).fetchall(), connection.execute(KEPT).fetchall()) == (versions, kept)

        (tmp_path / "rates.csv").write_text(RATES.replace("0.85", "0.8"))
        second = store_config(connection, load(tmp_path, CURRENCIES))
        assert {section for section in first if first[section] != second[section]} == {"currencies"}
        assert len(connection.execute(KEPT).fetchall()) == 4


def test_bad_rates_leave_the_whole_configuration_as_it_was(database: str, tmp_path: Path) -> None:
    (tmp_path / "rates.csv").write_text(RATES)
    with psycopg.connect(database, autocommit=True) as connection:
        store_config(connection, load(tmp_path, CURRENCIES))
        before = connection.execute(VERSIONS).fetchall(), connection.execute(KEPT).fetchall()
        (tmp_path / "rates.csv").write_text(RATES.replace("0.85", "-1"))
        with pytest.raises(FinopsError, match=r"rates\.csv: row 2, column rate: '-1' must be greater than 0"):
            store_config(connection, load(tmp_path, CURRENCIES.replace("12.50", "13")))
        assert (connection.execute(VERSIONS).fetchall(), connection.execute(KEPT).fetchall()) == before
