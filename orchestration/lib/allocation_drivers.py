"""Read the quantities that pools of shared costs are divided by, and keep them in the warehouse as dated versions."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date, datetime
from decimal import Context, Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from orchestration.lib import paths
from orchestration.lib.config_allocation import Rules, conflict, conflict_text
from orchestration.lib.config_base import spelling
from orchestration.lib.config_document import nearest
from orchestration.lib.config_models import AllocationDriver, Config
from orchestration.lib.errors import FinopsError
from orchestration.lib.storage import file_at

TABLES = """
create table if not exists config.driver_versions (
    driver text not null,
    content_hash text not null,
    loaded_at timestamptz not null,
    superseded_at timestamptz,
    primary key (driver, content_hash, loaded_at)
);
create unique index if not exists driver_versions_current on config.driver_versions (driver) where superseded_at is null;

create table if not exists config.driver_quantities (
    driver text not null,
    content_hash text not null,
    valid_on date not null,
    is_monthly boolean not null,
    team text not null,
    cost_center text,
    project text,
    quantity numeric not null
);
create index if not exists driver_quantities_version on config.driver_quantities (driver, content_hash);
"""

# As many digits as a quantity can have: 3 and 3.00 are the same quantity, whatever file it came from.
_EXACT = Context(prec=60)
_OPTIONAL = ("cost_center", "project")
_CURRENT = "select driver, content_hash from config.driver_versions where superseded_at is null"
_SUPERSEDE = "update config.driver_versions set superseded_at = %s where driver = %s and superseded_at is null"
_VERSION = "insert into config.driver_versions (driver, content_hash, loaded_at) values (%s, %s, %s)"
_IS_KEPT = "select exists (select from config.driver_quantities where driver = %s and content_hash = %s)"
_COPY = (
    "copy config.driver_quantities (driver, content_hash, valid_on, is_monthly, team, cost_center, project, quantity)"
    " from stdin"
)


@dataclass(frozen=True)
class Quantity:
    """What a team (and, where given, cost centre and project) used of something on a day, or in the month that begins then."""

    valid_on: date
    is_monthly: bool
    team: str
    cost_center: str | None
    project: str | None
    quantity: Decimal


def store_drivers(connection: psycopg.Connection[Any], config: Config, loaded_at: datetime) -> None:
    """Make the declared drivers the current ones, in the caller's transaction; unchanged contents are left alone.

    Raises FinopsError for a value that cannot be used, before anything is written.
    """
    contents = {driver.name: read_driver(connection, config, driver) for driver in config.cost_allocation.drivers}
    hashes = {name: _content_hash(quantities) for name, quantities in contents.items()}
    current = dict(connection.execute(_CURRENT).fetchall())
    for name in [name for name in {**current, **hashes} if current.get(name) != hashes.get(name)]:
        connection.execute(_SUPERSEDE, (loaded_at, name))
        if name not in hashes:
            continue
        connection.execute(_VERSION, (name, hashes[name], loaded_at))
        ((is_kept,),) = connection.execute(_IS_KEPT, (name, hashes[name])).fetchall()
        if not is_kept:
            with connection.cursor().copy(_COPY) as copy:
                for quantity in contents[name]:
                    copy.write_row((name, hashes[name], *vars(quantity).values()))


def read_driver(connection: psycopg.Connection[Any], config: Config, driver: AllocationDriver) -> list[Quantity]:
    """The quantities of a driver, sorted. Raises FinopsError that names file, row and the rules that need it."""
    rules = [rule for rule in config.cost_allocation.rules if rule.driver == driver.name]
    used_by = f" (driver {driver.name!r} of {', '.join(repr(rule.name) for rule in rules) or 'no rule'})"
    teams = {spelling(text): team.name for team in config.teams for text in (team.name, *team.aliases)}
    quantities: dict[tuple[Any, ...], tuple[str, Quantity]] = {}
    kinds: set[bool] = set()
    numbered: Rules = {("cost_allocation", "rules", i): rule for i, rule in enumerate(config.cost_allocation.rules)}
    for where, row in _rows(connection, config, driver, used_by):
        quantity = _quantity(row, teams, f"{where}{used_by}")
        key = (quantity.valid_on, quantity.team, quantity.cost_center, quantity.project)
        if key in quantities:
            raise FinopsError(f"{where}{used_by}: repeats {quantities[key][0]}. Keep one row for each team and period.")
        for rule in rules if quantity.quantity else ():
            is_payer = not rule.over or not rule.over.teams or quantity.team in rule.over.teams
            if is_payer and (found := conflict(rule, quantity.team, numbered)):
                raise FinopsError(f"{where}{used_by}: {conflict_text(rule, quantity.team, *found)}")
        quantities[key] = (where, quantity)
        kinds.add(quantity.is_monthly)
    if len(kinds) > 1:
        raise FinopsError(f"{driver.location or driver.table}{used_by}: has days and months. Give one of them.")
    return sorted((quantity for _, quantity in quantities.values()), key=_order)


def _order(quantity: Quantity) -> tuple[Any, ...]:
    return quantity.valid_on, quantity.team, quantity.cost_center or "", quantity.project or ""


def _content_hash(quantities: list[Quantity]) -> str:
    plain = [[str(value) for value in asdict(quantity).values()] for quantity in quantities]
    return sha256(json.dumps(plain, ensure_ascii=False).encode()).hexdigest()


def _rows(
    connection: psycopg.Connection[Any], config: Config, driver: AllocationDriver, used_by: str
) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each row with words for where it is."""
    if driver.table is not None:
        schema, table = driver.table.split(".")
        query = sql.SQL("select * from {}").format(sql.Identifier(schema, table))
        try:
            with connection.transaction(), connection.cursor(row_factory=dict_row) as cursor:
                rows = cursor.execute(query).fetchall()
        except psycopg.Error as error:
            raise FinopsError(f"{driver.table}{used_by}: cannot be read: {error.diag.message_primary}.") from error
        for row in rows:
            shown = ", ".join(f"{name} {row[name]}" for name in ("month", "date", "team") if row.get(name) is not None)
            yield f"{driver.table}: the row with {shown}", row
        return
    assert driver.location is not None
    is_stored = driver.location.startswith("s3://")
    with file_at(driver, config.path.parent, paths.spool_dir()) as path:
        try:
            with path.open("rb") as stream:
                is_parquet = stream.read(4) == b"PAR1"
            yield from ((f"{path.name}: row {number}", row) for number, row in (_parquet if is_parquet else _csv)(path))
        except OSError as error:
            place = driver.location if is_stored else path
            raise FinopsError(f"{place}{used_by}: cannot be read: {error.strerror or error}.") from error
        except (UnicodeDecodeError, csv.Error) as error:
            raise FinopsError(f"{path.name}{used_by}: is no CSV in UTF-8: {error}.") from error


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    with path.open(encoding="utf-8-sig", newline="") as stream:
        yield from enumerate(csv.DictReader(stream, strict=True), start=1)


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        yield from enumerate(pq.read_table(path).to_pylist(), start=1)
    except pa.ArrowException as error:
        raise OSError(f"no whole Parquet file ({error})") from error


def _quantity(row: Mapping[str, Any], teams: Mapping[str, str], where: str) -> Quantity:
    allowed = ("date", "month", "team", *_OPTIONAL, "quantity")
    for name in row:
        if name not in allowed:
            raise FinopsError(f"{where}: has the column {name!r}. Columns: {', '.join(allowed)}.")
    is_monthly = not _text(row, "date")
    written = _text(row, "month") if is_monthly else _text(row, "date")
    if not is_monthly and _text(row, "month"):
        raise FinopsError(f"{where}: has a date and a month. Give one of them.")
    team = teams.get(spelling(_text(row, "team")))
    if team is None:
        hint = nearest(_text(row, "team"), sorted(set(teams.values())))
        raise FinopsError(f"{where}: {_text(row, 'team')!r} is none of the teams.{hint}")
    return Quantity(
        valid_on=_day(written, is_monthly, where),
        is_monthly=is_monthly,
        team=team,
        cost_center=_text(row, "cost_center") or None,
        project=_text(row, "project") or None,
        quantity=_amount(_text(row, "quantity"), where),
    )


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    if isinstance(value, datetime):
        value = value.date()
    return "" if value is None else str(value).strip()


def _day(text: str, is_monthly: bool, where: str) -> date:
    shown = f"{text}-01" if is_monthly and re.fullmatch(r"\d{4}-\d\d", text) else text
    try:
        day = date.fromisoformat(shown)
    except ValueError:
        form = "a month such as 2026-10" if is_monthly else "a date such as 2026-10-01"
        raise FinopsError(f"{where}: {text!r} is not {form}.") from None
    if is_monthly and day.day != 1:
        raise FinopsError(f"{where}: the month {text!r} is a day. Write it as 2026-10, or name the column date.")
    return day


def _amount(text: str, where: str) -> Decimal:
    try:
        amount = Decimal(text)
    except InvalidOperation:
        what = f"{text!r} is no number" if text else "the quantity is missing"
        raise FinopsError(f"{where}: {what}. Write 0 where nothing was used.") from None
    if not amount.is_finite():
        raise FinopsError(f"{where}: {text!r} is no number. Write 0 where nothing was used.")
    if amount < 0:
        raise FinopsError(f"{where}: the quantity {text} is negative.")
    if amount.adjusted() > 36 or amount.as_tuple().exponent < -18:  # type: ignore[operator]
        raise FinopsError(f"{where}: the quantity {text} has more digits than 37 before and 18 after the point.")
    return _EXACT.normalize(amount)
