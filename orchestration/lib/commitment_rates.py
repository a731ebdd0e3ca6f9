"""Reference rates of commitments: dated files that name what an hour of a product costs under a commitment."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

from orchestration.lib.errors import FinopsError

COLUMNS = (
    "commitment_type",
    "is_spend",
    "term_months",
    "payment_option",
    "sku_id",
    "region_id",
    "unit_price",
    "currency",
    "valid_from",
)


@dataclass(frozen=True)
class Rate:
    """What a unit of a product costs under a commitment, from a day on."""

    commitment_type: str
    is_spend: bool
    term_months: int
    payment_option: str
    sku_id: str
    region_id: str
    unit_price: Decimal
    currency: str
    valid_from: date
    file: str


def read_rates(files: Sequence[Path], day: date) -> tuple[Rate, ...]:
    """The rates that hold on a day: of each product, commitment, term and payment the newest."""
    newest: dict[tuple[str, ...], Rate] = {}
    for file in files:
        for rate in _rates(file):
            key = (
                rate.commitment_type,
                str(rate.term_months),
                rate.payment_option,
                rate.sku_id,
                rate.region_id,
                rate.currency,
            )
            if rate.valid_from <= day and (key not in newest or newest[key].valid_from <= rate.valid_from):
                newest[key] = rate
    return tuple(newest.values())


def _rates(file: Path) -> list[Rate]:
    try:
        with file.open(newline="", encoding="utf-8-sig") as text:
            reader = csv.DictReader(text)
            if missing := [name for name in COLUMNS if name not in (reader.fieldnames or ())]:
                raise FinopsError(
                    f"{file}: has no column {missing[0]}. Reference rates of commitments have the columns {', '.join(COLUMNS)}."
                )
            return [_rate(row, file, number) for number, row in enumerate(reader, start=2)]
    except (OSError, UnicodeDecodeError) as error:
        raise FinopsError(
            f"{file}: cannot be read as reference rates of commitments ({error}). Give a CSV file in UTF-8."
        ) from error


def _rate(row: dict[str, str], file: Path, number: int) -> Rate:
    try:
        price = Decimal(row["unit_price"])
        term = int(row["term_months"])
        valid_from = date.fromisoformat(row["valid_from"])
    except (InvalidOperation, ValueError, TypeError) as error:
        raise FinopsError(
            f"{file}, row {number}: unit_price, term_months or valid_from is not a number or a date such as 2026-10-01: {dict(row)}."
        ) from error
    if not price.is_finite() or price <= 0 or term <= 0:
        raise FinopsError(
            f"{file}, row {number}: unit_price and term_months must be more than 0: {row['unit_price']}, {term}."
        )
    if row["is_spend"] not in ("true", "false"):
        raise FinopsError(
            f"{file}, row {number}: is_spend is {row['is_spend']!r}. Write true for money an hour (savings plans), false for hours"
            " of one product (reservations)."
        )
    return Rate(
        row["commitment_type"],
        row["is_spend"] == "true",
        term,
        row["payment_option"],
        row["sku_id"],
        row["region_id"] or "",
        price,
        row["currency"],
        valid_from,
        file.name,
    )
