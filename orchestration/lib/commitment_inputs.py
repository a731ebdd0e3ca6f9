"""From charges to what commitments are worked out from: use by hour, commitments, and what they cost against on demand."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg

from ml.savings.commitments.curve import ratio
from ml.savings.commitments.usage import Commitment, Hours, Pool, Sku
from ml.savings.recommendation import Window
from orchestration.lib.commitment_offers import allowed, billed_offers, reference_offers
from orchestration.lib.commitment_queries import ELIGIBLE, HOURLY_FORMATS, TERMS, USE, hourly_sources
from orchestration.lib.commitment_rates import Rate

_HOUR = timedelta(hours=1)
_MOSTLY = Decimal("0.9")


class PoolKey(NamedTuple):
    """What commitments of one payer share."""

    source: str
    billing_account_id: str | None
    currency: str


@dataclass
class _Found:
    """What is added up for a pool."""

    provider: str = ""
    hours: dict[datetime, _Hour] = field(default_factory=dict)
    types: dict[str, tuple[str, bool]] = field(default_factory=dict)
    """Type of each commitment, and whether it is an amount of money."""
    priced: dict[tuple[str, Sku], list[Decimal]] = field(default_factory=dict)
    """Effective and contracted cost of what a commitment covered of a product."""
    on_demand: dict[Sku, list[Decimal]] = field(default_factory=dict)
    """Contracted cost and quantity of a product."""
    used: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    unused: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    hourly_cost: Decimal = Decimal(0)
    total_cost: Decimal = Decimal(0)


@dataclass
class _Hour:
    uncovered: dict[Sku, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    covered: dict[tuple[str, Sku], Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    used: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))


def commitment_pools(
    connection: psycopg.Connection[Any],
    window: Window,
    rates: Sequence[Rate] = (),
    kept: Mapping[str, Decimal] | None = None,
) -> list[Pool]:
    """One pool for each payer with commitments or usage that a rate is known for.

    `kept`: what is left of the usage of a resource by other advice, as a share. What a commitment covers of it becomes free for
    other usage, and is counted as unused.
    """
    hourly = hourly_sources(connection, window)
    values = {
        "first": window.first,
        "last": window.last,
        "resources": list(kept or {}),
        "shares": list((kept or {}).values()),
        "hourly": [scope for scopes in hourly.values() for scope in scopes],
        "rated": sorted({rate.sku_id for rate in rates}),
    }
    pools: dict[PoolKey, _Found] = defaultdict(_Found)
    for format_ in HOURLY_FORMATS:
        for row in connection.execute(USE[format_], values).fetchall():
            _add(pools, row, window)
    eligible: dict[PoolKey, dict[str, dict[Sku, Decimal]]] = defaultdict(lambda: defaultdict(dict))
    for source, account, currency, programme, sku_id, region, cost in connection.execute(ELIGIBLE, values).fetchall():
        eligible[PoolKey(source, account, currency)][programme][Sku(sku_id, region)] = cost
    for key in eligible:
        # A payer without a commitment has a pool too: what is eligible there is said.
        pools.setdefault(key, _Found())
    terms = {(source, name): rest for source, name, *rest in connection.execute(TERMS).fetchall()}
    return [
        _pool(key, found, window, terms, rates, eligible.get(key, {}))
        for key, found in sorted(pools.items(), key=lambda item: [part or "" for part in item[0]])
    ]


def _add(pools: dict[PoolKey, _Found], row: tuple[Any, ...], window: Window) -> None:
    (
        source,
        account,
        currency,
        provider,
        commitment,
        kind,
        is_spend,
        status,
        sku_id,
        region,
        meter,
        start,
        end,
        *amounts,
    ) = row
    contracted, effective, freed, quantity = (amount or Decimal(0) for amount in amounts)
    found, sku = pools[PoolKey(source, account, currency)], Sku(sku_id, region, meter or "")
    found.provider = provider
    if commitment is not None:
        found.types[commitment] = kind, is_spend
    if status == "Unused":
        found.unused[commitment] += effective * _overlap(start, end, window)
        return
    found.total_cost += contracted
    if end - start <= _HOUR:
        found.hourly_cost += contracted
    count = max(int((end - start) / _HOUR), 1)
    for number in range(count):
        hour = found.hours.setdefault(start + number * _HOUR, _Hour())
        if commitment is None:
            hour.uncovered[sku] += contracted / count
        else:
            hour.covered[commitment, sku] += contracted / count
            hour.used[commitment] += effective / count
    if commitment is None:
        _plus(found.on_demand.setdefault(sku, [Decimal(0), Decimal(0)]), contracted, quantity)
    else:
        found.used[commitment] += effective
        found.unused[commitment] += freed
        _plus(found.priced.setdefault((commitment, sku), [Decimal(0), Decimal(0)]), effective, contracted)


def _plus(sums: list[Decimal], *amounts: Decimal) -> None:
    for number, amount in enumerate(amounts):
        sums[number] += amount


def _overlap(start: datetime, end: datetime, window: Window) -> Decimal:
    """The share of a period that is in the window: reservations are settled by month."""
    first = datetime.combine(window.first, time(), UTC)
    last = datetime.combine(window.last + timedelta(days=1), time(), UTC)
    inside = max((min(end, last) - max(start, first)) / timedelta(seconds=1), 0.0)
    return Decimal(int(inside)) / Decimal(int((end - start) / timedelta(seconds=1)) or 1)


def _pool(
    key: PoolKey,
    found: _Found,
    window: Window,
    terms: Mapping[tuple[str, str], Sequence[Any]],
    rates: Sequence[Rate],
    eligible: Mapping[str, Mapping[Sku, Decimal]],
) -> Pool:
    commitments = tuple(
        _commitment(name, found, window, terms.get((key.source, name), (None, None, None)))
        for name in sorted(found.types)
    )
    named = {sku for products in eligible.values() for sku in products}
    offers = [
        allowed(offer, eligible, named)
        for offer in (
            *billed_offers(commitments, found.on_demand),
            *reference_offers(rates, found.on_demand, key.currency),
        )
    ]
    known = {(offer.type, sku) for offer in offers for sku in offer.ratios}
    unpriced = {
        programme: missing
        for programme, products in sorted(eligible.items())
        if (missing := sum((cost for sku, cost in products.items() if (programme, sku) not in known), Decimal(0)))
    }
    is_hourly = found.hourly_cost >= _MOSTLY * found.total_cost
    return Pool(
        *(key.source, found.provider, key.billing_account_id, key.currency),
        hours=_slots(found, window, is_hourly),
        commitments=commitments,
        offers=tuple(offer for offer in offers if offer.ratios),
        is_hourly=is_hourly,
        unpriced=unpriced,
    )  # fmt: skip


def _commitment(name: str, found: _Found, window: Window, term: Sequence[Any]) -> Commitment:
    kind, is_spend = found.types[name]
    period_end, payment, months = term
    ratios = {
        sku: ratio(paid, contracted)
        for (commitment, sku), (paid, contracted) in sorted(found.priced.items())
        if commitment == name and contracted > 0 and paid > 0
    }
    hours = window.days * 24
    used, unused = found.used[name], found.unused[name]
    return Commitment(name, kind, is_spend, ratios, (used + unused) / hours, used / hours, months, payment, period_end)


def _slots(found: _Found, window: Window, is_hourly: bool) -> tuple[Hours, ...]:
    """Every hour of the window, or every day where the bill has no hours. What was unused is put where less was used."""
    empty = _Hour()
    length = 1 if is_hourly else 24
    starts = [
        datetime.combine(window.first, time(), UTC) + number * _HOUR for number in range(0, window.days * 24, length)
    ]
    hours = [found.hours.get(start, empty) for start in starts]
    unused: list[dict[str, Decimal]] = [{} for _ in starts]
    for name, total in sorted(found.unused.items()):
        if total <= 0:
            continue
        level = (found.used[name] + total) / (window.days * 24)
        gaps = [max(level - hour.used.get(name, Decimal(0)), Decimal(0)) for hour in hours]
        whole = sum(gaps, Decimal(0)) * length
        for slot, gap in zip(unused, gaps, strict=True):
            if gap:
                slot[name] = total * gap / whole
    return tuple(
        Hours(start, length, dict(hour.uncovered), dict(hour.covered), slot)
        for start, hour, slot in zip(starts, hours, unused, strict=True)
    )


def window_for(connection: psycopg.Connection[Any], lookback_days: int) -> Window | None:
    """The last days of usage that commitments may cover; the newest may still be filling."""
    row = connection.execute(
        "select min(charge_date), max(charge_date) from finops.cost_records where pricing_category in ('Standard', 'Committed')"
    ).fetchone()
    if row is None or row[1] is None:
        return None
    oldest, newest = row
    last: date = max(newest - timedelta(days=1), oldest)
    return Window(max(oldest, last - timedelta(days=lookback_days - 1)), last)
