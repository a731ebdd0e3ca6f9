"""Exchange rates to the reporting currency: read from a file, kept with the configuration, and asked for before models are built."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, localcontext
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from orchestration.lib import paths
from orchestration.lib.config_models import Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.storage import file_at

_COLUMNS = ("date", "from_currency", "to_currency", "rate")
_NUMBER = re.compile(r"\d{1,15}(\.\d{1,20})?([eE][+-]?\d{1,2})?")
_INVERSE_UNIT = Decimal("1e-20")


@dataclass(frozen=True, order=True)
class Rate:
    """From a day on, so much of the reporting currency is paid for one of `from_currency`."""

    from_currency: str
    since: date
    rate: Decimal
    is_inverse: bool = False


@dataclass(frozen=True)
class Rates:
    """The rates to one currency. `content_hash` is the same for the same rates."""

    to_currency: str
    rates: tuple[Rate, ...]

    @property
    def content_hash(self) -> str:
        lines = [f"{r.from_currency}\t{self.to_currency}\t{r.since}\t{r.rate:f}\t{r.is_inverse}" for r in self.rates]
        return sha256("\n".join(lines).encode()).hexdigest()


def read_rates(config: Config) -> Rates | None:
    """The rates to the reporting currency that the configuration names; None where it names no file.

    Raises FinopsError that names file, row and value for whatever is wrong anywhere in the file.
    """
    settings = config.currencies
    if settings.reporting is None or settings.rates is None:
        return None
    folder, location = config.path.parent, settings.rates.location
    with file_at(settings.rates, folder, paths.spool_dir()) as path:
        shown = location if location.startswith("s3://") else str(path)
        every = _check(shown, _rows(shown, path))
    return Rates(settings.reporting, _to(settings.reporting, every, use_inverse=settings.rates.use_inverse))


def _to(reporting: str, every: dict[tuple[str, str, date], Decimal], *, use_inverse: bool) -> tuple[Rate, ...]:
    """The rates to a currency. A pair that has no rate to it may have rates from it, turned round to twenty decimals."""
    found = [Rate(source, since, rate) for (source, target, since), rate in every.items() if target == reporting]
    direct = {rate.from_currency for rate in found}
    if use_inverse:
        with localcontext(prec=60):
            found += [
                Rate(target, since, (1 / rate).quantize(_INVERSE_UNIT), is_inverse=True)
                for (source, target, since), rate in every.items()
                if source == reporting and target not in direct
            ]
    return tuple(sorted(found))


def _check(shown: str, rows: Iterator[tuple[int, dict[str, Any]]]) -> dict[tuple[str, str, date], Decimal]:
    every: dict[tuple[str, str, date], Decimal] = {}
    first: dict[tuple[str, str, date], int] = {}
    for number, row in rows:
        where = f"{shown}: row {number}"
        source, target = (_currency(where, column, row[column]) for column in ("from_currency", "to_currency"))
        since = _day(where, row["date"])
        rate = _rate(where, row["rate"])
        if source == target:
            raise FinopsError(f"{where}: from_currency and to_currency are both {source}. Remove the row.")
        key = (source, target, since)
        if key in every:
            raise FinopsError(
                f"{where}: the rate from {source} to {target} on {since} is given in row {first[key]} already. Keep one of them."
            )
        every[key], first[key] = rate, number
    if not every:
        raise FinopsError(f"{shown}: holds no rates. Add at least one row, or remove `currencies.rates`.")
    return every


def _currency(where: str, column: str, value: object) -> str:
    text = str(value or "").strip()
    if not text:
        raise FinopsError(f"{where}, column {column}: is empty. Name a currency such as USD.")
    return text


def _day(where: str, value: object) -> date:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    text = str(value or "").strip()
    try:
        if re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise FinopsError(f"{where}, column date: {text!r} is no date such as 2026-10-01.")


def _rate(where: str, value: object) -> Decimal:
    text = ("" if value is None else repr(value) if isinstance(value, float) else str(value)).strip()
    if text.startswith("-") or (_NUMBER.fullmatch(text) and not Decimal(text)):
        raise FinopsError(f"{where}, column rate: {text!r} must be greater than 0.")
    if not _NUMBER.fullmatch(text):
        raise FinopsError(f"{where}, column rate: {text!r} is no number such as 1.0837.")
    return Decimal(text)


def _rows(shown: str, path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each row with its number, counted from 1 below the header."""
    try:
        with path.open("rb") as stream:
            is_parquet = stream.read(4) == b"PAR1"
        rows = _parquet(shown, path) if is_parquet else _csv(shown, path)
        yield from enumerate(rows, start=1)
    except OSError as error:
        raise FinopsError(f"{shown}: cannot be read: {error.strerror}. Check `currencies.rates.location`.") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise FinopsError(f"{shown}: is no CSV in UTF-8 and no Parquet. Save it as one of them.") from error


def _csv(shown: str, path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        reader = csv.DictReader(stream, strict=True)
        _check_header(shown, [name or "" for name in reader.fieldnames or ()])
        yield from reader


def _parquet(shown: str, path: Path) -> Iterator[dict[str, Any]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except pa.ArrowException as error:
        raise FinopsError(f"{shown}: is no readable Parquet file. Write it again.") from error
    _check_header(shown, table.column_names)
    yield from table.select(list(_COLUMNS)).to_pylist()


def _check_header(shown: str, names: list[str]) -> None:
    missing = [column for column in _COLUMNS if names.count(column) != 1]
    if missing:
        raise FinopsError(f"{shown}: needs the columns {', '.join(_COLUMNS)} once each; look at {', '.join(missing)}.")


RATES_TABLE = """
create table if not exists config.currency_rates (
    content_hash text not null,
    from_currency text not null,
    to_currency text not null,
    rate_date date not null,
    rate numeric not null check (rate > 0),
    is_inverse boolean not null,
    primary key (content_hash, from_currency, rate_date)
);
"""


def keep_rates(connection: psycopg.Connection[Any], rates: Rates) -> None:
    """Keep a version of the rates, in the transaction of the caller. One that is there already is left alone."""
    version = rates.content_hash
    if connection.execute("select 1 from config.currency_rates where content_hash = %s limit 1", (version,)).fetchone():
        return
    with connection.cursor() as cursor, cursor.copy("copy config.currency_rates from stdin") as copy:
        for rate in rates.rates:
            copy.write_row((version, rate.from_currency, rates.to_currency, rate.since, rate.rate, rate.is_inverse))


def require_rates(connection: psycopg.Connection[Any]) -> None:
    """Make sure that each delivered charge has a rate to the reporting currency on its day, before anything is built of it.

    Raises FinopsError that names every currency without one, and the first day on which it is needed.
    """
    current = connection.execute(
        "select content ->> 'reporting', content -> 'rates' ->> 'content_hash', content -> 'rates' ->> 'location'"
        " from config.sections where section = 'currencies' and superseded_at is null"
    ).fetchone()
    if current is None or current[0] is None:
        return
    reporting, version, location = current
    missing: dict[str, tuple[date, str]] = {}
    for lines, attributes, column in _CURRENCY_COLUMNS:
        names = {
            "lines": sql.Identifier("raw", lines),
            "attributes": sql.Identifier("raw", attributes),
            "currency": sql.Identifier(column),
        }
        late = connection.execute(sql.SQL(_LATE_SCOPES).format(**names), {"to": reporting, "version": version})
        for scope_id, source_name, currency, known_since in late.fetchall():
            ((day,),) = connection.execute(
                sql.SQL(_FIRST_DAY).format(**names), {"scope": scope_id, "currency": currency}
            ).fetchall()
            if day is not None and (known_since is None or day < known_since):
                missing[currency] = min(missing.get(currency, (day, source_name)), (day, source_name))
    if missing:
        listed = "\n".join(
            f"  {currency} to {reporting}: needed from {day} on, by source {source_name}"
            for currency, (day, source_name) in sorted(missing.items())
        )
        raise FinopsError(
            f"charges without an exchange rate:\n{listed}\nAdd a rate of that day or an earlier one to "
            f"{location or 'a file and name it under `currencies.rates`'}; a rate holds until the next one."
        )


_CURRENCY_COLUMNS = (
    ("focus_charges", "focus_charge_attributes", "billing_currency"),
    ("cur_line_items", "cur_line_item_attributes", "line_item_currency_code"),
)

# Scopes that begin before the first rate of a currency that they hold. Seldom any: only their lines are read.
_LATE_SCOPES = """
with held as (
    select distinct scope_id, {currency} as currency from {attributes} where {currency} is distinct from %(to)s
),

known as (
    select from_currency, min(rate_date) as since from config.currency_rates where content_hash = %(version)s group by 1
)

select held.scope_id, scopes.source_name, coalesce(held.currency, '(no currency)'), known.since
from held
inner join raw.scopes as scopes on held.scope_id = scopes.scope_id
left join known on held.currency = known.from_currency
where known.since is null
    or known.since > (select min(charge_date) from raw.delivery_days as days where days.scope_id = held.scope_id)
order by 1, 3
"""
_FIRST_DAY = """
select min(lines.charge_date)
from {lines} as lines
inner join {attributes} as attributes using (scope_id, attributes_id)
where lines.scope_id = %(scope)s and coalesce(attributes.{currency}, '(no currency)') = %(currency)s
"""
