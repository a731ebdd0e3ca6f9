"""What a unit of each class of AI usage costs, by model, tier, context and day: the catalogue, then own prices and discounts."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from decimal import Decimal, localcontext
from fnmatch import fnmatchcase
from itertools import pairwise

from orchestration.lib.ai import catalogue
from orchestration.lib.ai.catalogue import Match, Quote, UnknownPriceError
from orchestration.lib.config_ai import TIER_PRICES, AiPrices, PriceRule, TierPrice
from orchestration.lib.formats.ai_usage import TOKEN_CLASSES

# Days before and after all others, that every SQL dialect and Python know.
ALWAYS, FOR_EVER = date(1, 1, 1), date(9999, 12, 31)
_BOUND = re.compile(r"\s*(\d+)\s*([km]?)\s*(?:-|\+|$)\s*(?:(\d+)\s*([km]?))?", re.IGNORECASE)
_UNITS = {"": 1, "k": 1_000, "m": 1_000_000}
_STANDARD_NAMES = ("", "default", "auto", "on_demand")


@dataclass(frozen=True)
class Key:
    """What has one price on a day, as it is delivered. Without a context, nothing is known about the sizes of the requests."""

    provider: str
    model: str | None
    service_tier: str = catalogue.STANDARD
    context_window: str | None = None

    @property
    def tier(self) -> str:
        """The tier under the one name that it has in prices."""
        return standard_tier(self.service_tier)


@dataclass(frozen=True)
class Period:
    """Unit prices of the catalogue from a day on, until the day before `valid_to`. `version`: where they are from."""

    valid_from: date
    valid_to: date
    unit_prices: dict[str, Decimal]
    version: str


@dataclass(frozen=True)
class PriceRow:
    """A row of config.ai_prices but for its key."""

    price_class: str
    valid_from: date
    valid_to: date
    unit_price: Decimal
    list_unit_price: Decimal
    catalogue_unit_price: Decimal | None
    discount: Decimal
    price_version: str
    catalogue_version: str | None
    origin: str


def unit_prices(
    provider: str,
    model: str | None,
    day: date,
    settings: AiPrices | None = None,
    *,
    service_tier: str = catalogue.STANDARD,
    context_window: str | None = None,
    at: time = time(),
) -> dict[str, Decimal]:
    """Class -> US dollars for one unit, of any model of the catalogue or with own prices.

    Raises UnknownPriceError that says why there is none, and what is near.
    """
    settings = settings or AiPrices()
    key = Key(provider, model, service_tier, context_window)
    periods: list[Period] = []
    missing: UnknownPriceError | None = None
    try:
        found = catalogue_quote(key, day, settings.tier_prices, at=at)
        periods = [Period(ALWAYS, FOR_EVER, found.unit_prices, "")]
    except UnknownPriceError as error:
        missing = error
    prices = {
        row.price_class: row.unit_price
        for row in price_rows(key, periods, settings)
        if row.valid_from <= day < row.valid_to
    }
    if missing and not prices:
        raise missing
    return prices


def standard_tier(service_tier: str) -> str:
    """A tier without its provider's ways to say that it is the usual one."""
    tier = service_tier.lower()
    return catalogue.STANDARD if tier in _STANDARD_NAMES else tier


def catalogue_quote(key: Key, day: date, tier_prices: Sequence[TierPrice] = TIER_PRICES, *, at: time = time()) -> Quote:
    """What the catalogue says of a day. Where it does not know a tier, what is published about the tier of all models.

    Raises UnknownPriceError.
    """
    if key.model is None:
        raise UnknownPriceError("the usage names no model")
    match = catalogue.find(key.provider, key.model)
    input_tokens, context_note = _request_size(key.context_window, match)
    if key.tier == catalogue.STANDARD or catalogue.tier_variants(match, key.tier):
        found = catalogue.quote(match, key.tier, day, at=at, input_tokens=input_tokens)
    else:
        found = _by_tier_price(key, match, day, tier_prices, at, input_tokens)
    if not found.unit_prices:
        raise UnknownPriceError(f"the catalogue has {match.name} without a price")
    return replace(found, note=_joined(match.name, found.note, context_note))


def _by_tier_price(
    key: Key, match: Match, day: date, tier_prices: Sequence[TierPrice], at: time, input_tokens: int
) -> Quote:
    for tier in tier_prices:
        if (tier.provider, tier.service_tier) == (match.provider.id, key.tier) and holds(tier, day):
            standard = catalogue.quote(match, catalogue.STANDARD, day, at=at, input_tokens=input_tokens)
            prices = {
                name: _times(price, tier.percent / 100) if name in (*TOKEN_CLASSES, "reasoning_tokens") else price
                for name, price in standard.unit_prices.items()
            }
            return Quote(prices, f"{key.tier} = {tier.percent.normalize():f} % of standard ({tier.source})")
    raise UnknownPriceError(
        f"neither the catalogue nor ai_prices.tier_prices knows what {match.name} costs in the tier {key.tier} on {day}"
    )


def catalogue_periods(key: Key, tier_prices: Sequence[TierPrice] = TIER_PRICES) -> list[Period]:
    """The prices of all days, in stretches of days with the same ones; days without a price are in none.

    Raises UnknownPriceError where no day has a price, and where one price a day would be wrong.
    """
    missing: UnknownPriceError | None = None
    periods: list[Period] = []
    changes: list[date] = []
    if key.model is not None:
        match = catalogue.find(key.provider, key.model)
        if catalogue.has_times_of_day(match):
            raise UnknownPriceError(
                f"the price of {match.name} depends on the time of day, and usage is priced by the day"
            )
        changes = catalogue.starts(match)
    days = _days([*changes, *_bounds(tier_prices)])
    for first, end in pairwise(days):
        try:
            found = catalogue_quote(key, first, tier_prices)
        except UnknownPriceError as error:
            missing = error
            continue
        periods.append(Period(first, end, found.unit_prices, f"{catalogue.catalogue_version()}: {found.note}"))
    if missing and not periods:
        raise missing
    return merged(periods)


def merged(periods: Iterable[Period]) -> list[Period]:
    """Neighbours with the same prices and version as one."""
    result: list[Period] = []
    for period in periods:
        last = result[-1] if result else None
        if (
            last
            and last.valid_to == period.valid_from
            and last.unit_prices == period.unit_prices
            and last.version == period.version
        ):
            result[-1] = replace(last, valid_to=period.valid_to)
        else:
            result.append(period)
    return result


def price_rows(key: Key, periods: Sequence[Period], settings: AiPrices) -> list[PriceRow]:
    """What the usage of a key costs: own prices first, else the catalogue's less what was negotiated."""
    names = _names(key)
    overrides = [rule for rule in settings.overrides if _is_for(rule, key, names)]
    discounts = [rule for rule in settings.discounts if _is_for(rule, key, names)]
    bounds = [day for period in periods for day in (period.valid_from, period.valid_to)]
    rows: list[PriceRow] = []
    for first, end in pairwise(_days([*bounds, *_bounds([*overrides, *discounts])])):
        period = next((period for period in periods if period.valid_from <= first < period.valid_to), None)
        known = period.unit_prices if period else {}
        origin = period.version if period else ""
        discount = next((rule for rule in discounts if holds(rule, first)), None)
        share = discount.percent / 100 if discount else Decimal(0)
        version = _joined(origin, f"discount {discount.name}" if discount else "")
        own: dict[str, tuple[Decimal, str]] = {}
        for rule in overrides:
            for name, price in rule.unit_prices.items() if holds(rule, first) else ():
                own.setdefault(name, (price, f"override {rule.name}"))
        for name, price in known.items():
            if name not in own:
                net = _times(price, 1 - share)
                rows.append(PriceRow(name, first, end, net, price, price, share, version, origin, "catalogue"))
        for name, (price, rule_name) in own.items():
            listed = known.get(name)
            kept = origin if listed is not None else None
            rows.append(PriceRow(name, first, end, price, price, listed, Decimal(0), rule_name, kept, "override"))
    return _merged_rows(rows)


def context_class(provider: str, model: str, input_tokens: int) -> str | None:
    """The context class of one request: `0-200k`, `200k-`, …; None for a model whose price does not depend on it."""
    try:
        limits = catalogue.thresholds(catalogue.find(provider, model))
    except UnknownPriceError:
        return None
    for lower, upper in pairwise((0, *limits, None)):
        if upper is None or input_tokens <= upper:
            return f"{_short(lower or 0)}-{_short(upper) if upper else ''}" if limits else None
    return None


def holds(rule: PriceRule | TierPrice, day: date) -> bool:
    """Whether a dated rule holds on a day."""
    return (rule.valid_from or ALWAYS) <= day < (rule.valid_to or FOR_EVER)


def _is_for(rule: PriceRule, key: Key, names: Sequence[str]) -> bool:
    return (
        rule.provider.lower() == key.provider.lower()
        and (rule.model is None or any(fnmatchcase(name, rule.model.lower()) for name in names))
        and (rule.service_tier is None or standard_tier(rule.service_tier) == key.tier)
        and (rule.context_window is None or rule.context_window == key.context_window)
    )


def _names(key: Key) -> list[str]:
    """What a pattern may match: the model as it is named, and as the catalogue names it."""
    if key.model is None:
        return []
    try:
        return [key.model.lower(), catalogue.find(key.provider, key.model).model.id.lower()]
    except UnknownPriceError:
        return [key.model.lower()]


def _request_size(window: str | None, match: Match) -> tuple[int, str]:
    """A size in the context class, and what the class leaves open: then the prices of smaller requests hold."""
    limits = catalogue.thresholds(match)
    bounds = _BOUND.match(window) if window else None
    if not bounds:
        return 0, f"context not told: price up to {limits[0]} input tokens" if limits else ""
    lower = int(bounds[1]) * _UNITS[bounds[2].lower()]
    upper = int(bounds[3]) * _UNITS[bounds[4].lower()] if bounds[3] else None
    open_limits = [limit for limit in limits if limit > lower and (upper is None or limit < upper)]
    note = f"context {window}: price up to {open_limits[0]} input tokens" if open_limits else ""
    # A request of exactly the limit is below it still: the smallest one of a class has a token more.
    return (lower + 1 if lower else 0), note


def _bounds(rules: Iterable[PriceRule | TierPrice]) -> list[date]:
    return [day for rule in rules for day in (rule.valid_from, rule.valid_to) if day]


def _days(changes: Iterable[date]) -> list[date]:
    return sorted({ALWAYS, *changes, FOR_EVER})


def _joined(*texts: str) -> str:
    return "; ".join(text for text in texts if text)


def _short(tokens: int) -> str:
    return f"{tokens // 1000}k" if tokens and tokens % 1000 == 0 else str(tokens)


def _times(price: Decimal, share: Decimal) -> Decimal:
    """Exact: no price has so many digits as to be rounded here."""
    with localcontext(prec=80):
        return (price * share).normalize()


def _merged_rows(rows: Iterable[PriceRow]) -> list[PriceRow]:
    """Sorted by class and day, neighbours that differ in their days only as one."""
    result: list[PriceRow] = []
    for row in sorted(rows, key=lambda row: (row.price_class, row.valid_from)):
        last = result[-1] if result else None
        if (
            last
            and last.valid_to == row.valid_from
            and replace(last, valid_from=row.valid_from, valid_to=row.valid_to) == row
        ):
            result[-1] = replace(last, valid_to=row.valid_to)
        else:
            result.append(row)
    return result
