"""Prices of AI usage in the warehouse: of what is loaded, current ones beside those that they took the place of."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from datetime import date
from decimal import Decimal
from hashlib import sha256
from itertools import pairwise
from typing import Any

import psycopg

from orchestration.lib.ai.catalogue import UnknownPriceError
from orchestration.lib.ai.prices import (
    ALWAYS,
    FOR_EVER,
    Key,
    Period,
    PriceRow,
    catalogue_periods,
    merged,
    price_rows,
)
from orchestration.lib.config_ai import AiPrices

PRICES_TABLE = """
create schema if not exists config;

create table if not exists config.ai_prices (
    provider text not null,
    model text,
    service_tier text not null,
    context_window text,
    price_class text not null,
    valid_from date not null,
    valid_to date not null check (valid_from < valid_to),
    unit_price numeric not null,
    list_unit_price numeric not null,
    catalogue_unit_price numeric,
    discount numeric not null default 0,
    price_version text not null,
    catalogue_version text,
    origin text not null
);
comment on table config.ai_prices is
    'US dollars for one unit of a class of AI usage, by model, tier, context class (null: not told) and stretch of days.';

create table if not exists config.ai_price_gaps (
    provider text not null,
    model text,
    service_tier text not null,
    context_window text,
    reason text not null
);
comment on table config.ai_price_gaps is 'Loaded AI usage whose model has no price, and why.';

create table if not exists config.ai_price_versions (
    content_hash text not null,
    loaded_at timestamptz not null,
    superseded_at timestamptz,
    prices jsonb not null
);
comment on table config.ai_price_versions is
    'One row per version of config.ai_prices with its content; the current version has no superseded_at.';
"""

_KEYS = """
select distinct provider, model, coalesce(service_tier, 'standard'), context_window
from raw.ai_usage_attributes
order by 1, 2, 3, 4
"""
# The newest month with usage, or the month after the last closed one if that is later.
_OPEN_FROM = """
select greatest(
    (
        select date_trunc('month', max(days.charge_date))
        from raw.delivery_days as days
        inner join raw.scopes as scopes using (scope_id)
        where scopes.format = 'ai_usage'
    ),
    (
        select max(billing_period) + interval '1 month'
        from audit.closes
        where close_id not in (select close_id from audit.reopenings)
    )
)::date
"""
_KEPT = """
select provider, model, service_tier, context_window, price_class, valid_from, valid_to, catalogue_unit_price, catalogue_version
from config.ai_prices where catalogue_unit_price is not null
"""
_KEY_COLUMNS = tuple(field.name for field in fields(Key))
_ROW_COLUMNS = tuple(field.name for field in fields(PriceRow))


@dataclass(frozen=True)
class Stored:
    """What came of pricing: how many keys have prices, why the others have none, and whether anything changed."""

    content_hash: str
    priced: int
    gaps: dict[Key, str]
    changed: bool


def store_prices(
    connection: psycopg.Connection[Any], settings: AiPrices, *, reprice_from: date | None = None
) -> Stored:
    """Price what is loaded, in one transaction. Needs the tables of `ensure_warehouse`.

    Prices of the catalogue that are there stay for the months before the newest one with usage, and for closed months, whatever
    a newer catalogue says. `reprice_from`: take the installed catalogue's from this day on all the same. Own prices and
    discounts are dated by the configuration and hold as it says, for past days too.
    """
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(hashtextextended('config.ai_prices', 0))")
        connection.execute(PRICES_TABLE)
        ((open_from,),) = connection.execute(_OPEN_FROM).fetchall()
        fresh_from = reprice_from or open_from or ALWAYS
        kept = _kept(connection)
        rows: dict[Key, list[PriceRow]] = {}
        gaps: dict[Key, str] = {}
        for key in loaded_keys(connection):
            try:
                periods, reason = catalogue_periods(key, settings.tier_prices), ""
            except UnknownPriceError as error:
                periods, reason = [], str(error)
            rows[key] = price_rows(key, keep(kept.get(key, []), periods, fresh_from), settings)
            if not rows[key]:
                gaps[key] = reason
        return _replace(connection, rows, gaps)


def loaded_keys(connection: psycopg.Connection[Any]) -> list[Key]:
    """What the loaded usage needs prices of, each once."""
    return [Key(*row) for row in connection.execute(_KEYS).fetchall()]


def keep(kept: list[Period], fresh: list[Period], fresh_from: date) -> list[Period]:
    """Kept prices before a day, where there are any, and fresh ones else and from that day on."""
    days = sorted(
        {
            ALWAYS,
            fresh_from,
            FOR_EVER,
            *(day for period in (*kept, *fresh) for day in (period.valid_from, period.valid_to)),
        }
    )
    result: list[Period] = []
    for first, end in pairwise(days):
        order = (*kept, *fresh) if first < fresh_from else fresh
        if found := next((period for period in order if period.valid_from <= first < period.valid_to), None):
            result.append(replace(found, valid_from=first, valid_to=end))
    return merged(result)


def _kept(connection: psycopg.Connection[Any]) -> dict[Key, list[Period]]:
    """The prices of the catalogue that are stored, each key's by stretches of days."""
    found: dict[Key, list[tuple[str, date, date, Decimal, str]]] = defaultdict(list)
    for provider, model, tier, window, *price in connection.execute(_KEPT).fetchall():
        found[Key(provider, model, tier, window)].append(tuple(price))
    return {key: _periods(prices) for key, prices in found.items()}


def _periods(prices: list[tuple[str, date, date, Decimal, str]]) -> list[Period]:
    days = sorted({day for _, first, end, _, _ in prices for day in (first, end)})
    periods = []
    for start, stop in pairwise(days):
        now = [(name, price, version) for name, first, end, price, version in prices if first <= start < end]
        if now:
            periods.append(Period(start, stop, {name: price for name, price, _ in now}, now[0][2]))
    return merged(periods)


def _replace(connection: psycopg.Connection[Any], rows: dict[Key, list[PriceRow]], gaps: dict[Key, str]) -> Stored:
    """Put the rows in place of the former ones. The same content is left alone."""
    lines = [(*astuple(key), *astuple(row)) for key, key_rows in rows.items() for row in key_rows]
    content = [[_plain(value) for value in line] for line in lines]
    missing = [[*map(_plain, astuple(key)), reason] for key, reason in gaps.items()]
    version = sha256(json.dumps([content, missing], ensure_ascii=False).encode()).hexdigest()
    stored = Stored(version, sum(bool(key_rows) for key_rows in rows.values()), gaps, changed=True)
    current = connection.execute(
        "select content_hash from config.ai_price_versions where superseded_at is null"
    ).fetchone()
    if current == (version,):
        return replace(stored, changed=False)
    connection.execute(
        "update config.ai_price_versions set superseded_at = clock_timestamp() where superseded_at is null"
    )
    connection.execute(
        "insert into config.ai_price_versions (content_hash, loaded_at, prices) values (%s, clock_timestamp(), %s::jsonb)",
        (version, json.dumps([dict(zip((*_KEY_COLUMNS, *_ROW_COLUMNS), line, strict=True)) for line in content])),
    )
    connection.execute("delete from config.ai_prices")
    connection.execute("delete from config.ai_price_gaps")
    _copy(connection, f"copy config.ai_prices ({', '.join((*_KEY_COLUMNS, *_ROW_COLUMNS))}) from stdin", lines)
    gap_columns = ", ".join((*_KEY_COLUMNS, "reason"))
    _copy(
        connection,
        f"copy config.ai_price_gaps ({gap_columns}) from stdin",
        [(*astuple(key), why) for key, why in gaps.items()],
    )
    return stored


def _copy(connection: psycopg.Connection[Any], statement: str, lines: Iterable[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for line in lines:
            copy.write_row(line)


def _plain(value: object) -> str | None:
    return None if value is None else f"{value:f}" if isinstance(value, Decimal) else str(value)
