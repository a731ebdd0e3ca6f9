"""Exchange rates: what is read from a file, and how what is wrong with it is named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestration.lib.config_models import Config
from orchestration.lib.config_money import divided_by_months
from orchestration.lib.currency_rates import Rate, Rates, read_rates
from orchestration.lib.errors import FinopsError

HEADER = "date,from_currency,to_currency,rate\n"
D = Decimal


def config(path: Path, **rates: Any) -> Config:
    return Config.model_validate(
        {
            "organization": {"name": "Example", "first_billing_period": "2026-01"},
            "sources": [{"name": "aws", "format": "cur", "location": "bills"}],
            "currencies": {"reporting": "EUR", "rates": {"location": path.name, **rates}},
        },
        context={"path": path.parent / "finops-config.yaml"},
    )


def read(folder: Path, text: str, **settings: Any) -> Rates:
    path = folder / "rates.csv"
    path.write_text(text)
    rates = read_rates(config(path, **settings))
    assert rates is not None
    return rates


def test_rates_to_the_reporting_currency_are_kept_and_exact(tmp_path: Path) -> None:
    rates = read(
        tmp_path,
        "\ufeffrate,to_currency,date,from_currency,source\n"
        "0.92,EUR,2026-01-02,USD,bank\n0.91000000000000000001,EUR,2026-01-01,USD,bank\n1.17,CHF,2026-01-01,USD,bank\n"
        "8.1e-3,EUR,2026-01-01,JPY,bank\n",
    )
    assert rates.rates == (
        Rate("JPY", date(2026, 1, 1), D("0.0081")),
        Rate("USD", date(2026, 1, 1), D("0.91000000000000000001")),
        Rate("USD", date(2026, 1, 2), D("0.92")),
    )


def test_the_same_rates_have_the_same_hash_in_whatever_order_and_format(tmp_path: Path) -> None:
    rows = [
        ("2026-01-01", "USD", "EUR", "0.9"),
        ("2026-01-02", "USD", "EUR", "0.8"),
        ("2026-01-01", "JPY", "EUR", "0.5"),
    ]
    written = read(tmp_path, HEADER + "\n".join(",".join(row) for row in rows))
    backwards = read(tmp_path, HEADER + "\n".join(",".join(row) for row in reversed(rows)))
    assert backwards == written
    for rate_type in (pa.float64(), pa.decimal128(20, 10), pa.string()):
        columns = {name: [row[index] for row in rows] for index, name in enumerate(HEADER.strip().split(","))}
        typed = {
            "date": pa.array([date.fromisoformat(day) for day in columns["date"]]),
            "from_currency": pa.array(columns["from_currency"]).dictionary_encode(),
            "to_currency": pa.array(columns["to_currency"]),
            "rate": pa.array([float(rate) if pa.types.is_floating(rate_type) else D(rate) for rate in columns["rate"]])
            if rate_type != pa.string()
            else pa.array(columns["rate"]),
        }
        pyarrow.parquet.write_table(pa.table(typed), tmp_path / "rates.csv")
        read_again = read_rates(config(tmp_path / "rates.csv"))
        assert read_again is not None
        assert read_again.rates == written.rates
    assert read(tmp_path, HEADER + "2026-01-01,USD,EUR,0.9\n").content_hash != written.content_hash


def test_an_inverse_is_used_only_where_declared_and_where_nothing_else_is_there(tmp_path: Path) -> None:
    text = HEADER + "2026-01-01,EUR,USD,1.1\n2026-01-01,EUR,JPY,160\n2026-02-01,USD,EUR,0.9\n"
    assert [rate.from_currency for rate in read(tmp_path, text).rates] == ["USD"]
    turned = read(tmp_path, text, use_inverse=True).rates
    assert turned == (
        Rate("JPY", date(2026, 1, 1), D("0.00625"), is_inverse=True),
        Rate("USD", date(2026, 2, 1), D("0.9")),
    )
    third = read(tmp_path, HEADER + "2026-01-01,EUR,XXX,3\n", use_inverse=True).rates
    assert third[0].rate == D("0.33333333333333333333")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "needs the columns date, from_currency, to_currency, rate once each; look at date, from_currency,"),
        ("date,from_currency,to_currency\n", "look at rate."),
        ("date,from_currency,to_currency,rate,rate\n", "look at rate."),
        (HEADER, "holds no rates. Add at least one row"),
        (HEADER + "2026-01-01,USD,EUR,-0.9\n", "row 1, column rate: '-0.9' must be greater than 0."),
        (HEADER + "2026-01-01,USD,EUR,0.0\n", "row 1, column rate: '0.0' must be greater than 0."),
        (HEADER + "2026-01-01,USD,EUR,1\n2026-01-02,USD,EUR,0\n", "row 2, column rate: '0' must be greater than 0."),
        (HEADER + '2026-01-01,USD,EUR,"0,9"\n', "row 1, column rate: '0,9' is no number such as 1.0837."),
        (HEADER + "2026-01-01,USD,EUR,nan\n", "'nan' is no number"),
        (HEADER + "2026-01-01,USD,EUR,inf\n", "'inf' is no number"),
        (HEADER + "2026-01-01,USD,EUR\n", "row 1, column rate: '' is no number"),
        (HEADER + "2026-01-01,USD,EUR,1e999\n", "'1e999' is no number"),
        (HEADER + "01.02.2026,USD,EUR,1\n", "row 1, column date: '01.02.2026' is no date such as 2026-10-01."),
        (HEADER + "2026-02-30,USD,EUR,1\n", "row 1, column date: '2026-02-30' is no date"),
        (HEADER + "2026-01-01,,EUR,1\n", "row 1, column from_currency: is empty."),
        (HEADER + "2026-01-01,EUR,EUR,1\n", "row 1: from_currency and to_currency are both EUR."),
        (
            HEADER + "2026-01-01,USD,EUR,1\n2026-01-02,USD,EUR,1\n2026-01-01,USD,EUR,2\n",
            "row 3: the rate from USD to EUR on 2026-01-01 is given in row 1 already.",
        ),
        # A pair that is of no use is looked at too.
        (HEADER + "2026-01-01,USD,CHF,x\n", "row 1, column rate: 'x' is no number"),
        (HEADER + '2026-01-01,USD,EUR,"1\n', "is no CSV in UTF-8 and no Parquet."),
    ],
)
def test_what_is_wrong_is_named_with_its_row(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(FinopsError) as caught:
        read(tmp_path, text)
    assert str(caught.value).startswith(str(tmp_path / "rates.csv"))
    assert expected in str(caught.value)


@pytest.mark.parametrize("content", [b"PAR1 and nothing more", "date,rate\nüö".encode("utf-16"), b"date,rate\n\xff"])
def test_what_is_no_file_of_rates_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rates.csv").write_bytes(content)
    with pytest.raises(FinopsError, match=r"rates\.csv"):
        read_rates(config(tmp_path / "rates.csv"))
    with pytest.raises(FinopsError, match=r"absent\.csv: cannot be read: .*`currencies\.rates\.location`"):
        read_rates(config(tmp_path / "absent.csv"))


@given(
    yearly=st.decimals(0, 10**12, places=4),
    profile=st.lists(st.decimals(0, 1000, places=3), min_size=12, max_size=12).filter(any),
)
def test_a_years_budget_is_the_sum_of_its_months(yearly: Decimal, profile: Sequence[Decimal]) -> None:
    parts = divided_by_months(yearly, tuple(profile))
    assert (len(parts), sum(parts)) == (12, yearly)
    assert all(part >= 0 for part in parts)
    whole = sum(profile)
    assert all(abs(part - yearly * weight / whole) <= D("0.01") for part, weight in zip(parts, profile, strict=True))
