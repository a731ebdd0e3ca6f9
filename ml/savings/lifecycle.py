"""What objects of a bucket would cost in other classes of storage: with moving, reading, minimum times and small objects counted in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from ml.savings.storage_prices import ClassPrices, Component

STANDARD, IA, GLACIER, DEEP = "STANDARD", "STANDARD_IA", "GLACIER", "DEEP_ARCHIVE"
TIERING, TIERING_IA = "INTELLIGENT_TIERING", "INTELLIGENT_TIERING_IA"
_ARCHIVES = (GLACIER, DEEP)
_MINIMUM_DAYS = {IA: 30, GLACIER: 90, DEEP: 180, TIERING: 0}
_SMALLEST = 128 * 1024
"""Smaller objects are not moved by a lifecycle rule: a class that charges for 128 KB of each would cost more."""
_ARCHIVE_OVERHEAD = (32 * 1024, 8 * 1024)
"""Of each archived object so many bytes are charged in its class, and so many in Standard, for its index."""
_READ_LIMIT = Decimal("0.01")
"""What is read more than this share a month does not belong in an archive, where a read takes hours."""
_TIERING_DAYS = 30
_OPEN_ENDED_DAYS = 365
_MONTH = Decimal(365) / 12
_GB = Decimal(1 << 30)


class UnknownPriceError(Exception):
    """Which price is not known."""


@dataclass(frozen=True)
class Band:
    """Objects of an age in days, and what is read of them in a month. `until` is the first age that is not in it."""

    since: int
    until: int
    size: Decimal
    objects: Decimal
    read: Decimal
    gets: Decimal

    @property
    def days(self) -> int:
        return self.until - self.since

    @property
    def is_small(self) -> bool:
        return self.objects > 0 and self.size / self.objects < _SMALLEST

    @property
    def read_share(self) -> Decimal:
        return min(self.read / self.size, Decimal(1)) if self.size else Decimal(0)

    def part(self, since: int, until: int) -> Band | None:
        """Those of it with these ages, taken to be spread evenly."""
        low, high = max(since, self.since), min(until, self.until)
        if low >= high:
            return None
        share = Decimal(high - low) / self.days
        return Band(low, high, self.size * share, self.objects * share, self.read * share, self.gets * share)


@dataclass(frozen=True)
class Step:
    """From this age on objects are in this class."""

    storage_class: str
    age: int


@dataclass(frozen=True)
class Outcome:
    """What a month costs with a policy and without it, at list price, and what moving what is there already costs once."""

    steps: tuple[Step, ...]
    now: Decimal
    then: Decimal
    once: Decimal

    @property
    def saving(self) -> Decimal:
        return self.now - self.then


def policies(ia_days: int, glacier_days: int, deep_days: int) -> list[tuple[Step, ...]]:
    """Every way through the classes at these ages, the simplest first."""
    steps = (Step(IA, ia_days), Step(GLACIER, glacier_days), Step(DEEP, deep_days))
    chosen = [tuple(step for bit, step in enumerate(steps) if number >> bit & 1) for number in range(1, 8)]
    return [*sorted(chosen, key=len), (Step(TIERING, 0),)]


def outcome(bands: Sequence[Band], steps: tuple[Step, ...], prices: ClassPrices) -> Outcome | None:
    """What a policy would cost; None where it would archive what is read. Raises UnknownPriceError."""
    now = then = once = Decimal(0)
    ages = [step.age for step in steps]
    for band in bands:
        for since, until, step in zip([0, *ages], [*ages, 10**6], [None, *steps], strict=True):
            part = band.part(since, until)
            if part is None:
                continue
            before = _kept(part, STANDARD, prices)
            now += before
            if step is None or part.is_small:
                then += before
                continue
            if step.storage_class in _ARCHIVES and part.read_share > _READ_LIMIT:
                return None
            then += _kept(part, step.storage_class, prices)
            once += part.objects * _price(prices, step.storage_class, "transition_request")
    for step, later in zip(steps, [*ages[1:], None], strict=True):
        then += _moving(bands, step, later, prices)
    return Outcome(steps, now, then, once)


def _kept(band: Band, storage_class: str, prices: ClassPrices) -> Decimal:
    """A month of objects in a class: what is stored, and what is read."""
    size = band.size / _GB
    if storage_class == TIERING:
        seldom = 1 - band.read_share if band.since >= _TIERING_DAYS else Decimal(0)
        rate = _price(prices, TIERING, "storage") * (1 - seldom) + _price(prices, TIERING_IA, "storage") * seldom
        stored = size * rate + band.objects * _price(prices, TIERING, "monitoring")
    else:
        stored = size * _price(prices, storage_class, "storage")
    if storage_class in _ARCHIVES:
        own, standard = _ARCHIVE_OVERHEAD
        stored += band.objects * own / _GB * _price(prices, storage_class, "storage")
        stored += band.objects * standard / _GB * _price(prices, STANDARD, "storage")
    read = band.read / _GB * _price(prices, storage_class, "retrieval")
    return stored + read + band.gets * _price(prices, storage_class, "get_request")


def _moving(bands: Sequence[Band], step: Step, later: int | None, prices: ClassPrices) -> Decimal:
    """What arrives at the age of a step in a month: its moves, and what is deleted or moved on before its minimum time is over."""
    at = next((band for band in bands if band.since <= step.age < band.until), None)
    if at is None or at.is_small or not at.size:
        return Decimal(0)
    objects, size = (amount / at.days * _MONTH for amount in (at.objects, at.size))
    minimum = _MINIMUM_DAYS[step.storage_class]
    left = _density(bands, step.age + minimum) / _density(bands, step.age) if minimum else Decimal(1)
    gone = Decimal(1) if later is not None and later < step.age + minimum else max(1 - left, Decimal(0))
    early = size / _GB * gone * _price(prices, step.storage_class, "storage") * minimum / _MONTH
    return objects * _price(prices, step.storage_class, "transition_request") + early


def _density(bands: Sequence[Band], age: int) -> Decimal:
    """Bytes of a day's objects at an age."""
    return next((band.size / band.days for band in bands if band.since <= age < band.until), Decimal(0))


def _price(prices: ClassPrices, storage_class: str, component: Component) -> Decimal:
    found = prices.get(storage_class, component)
    if found is None:
        raise UnknownPriceError(f"{component} of {storage_class}")
    return found


def end_of(since: int, until: int | None) -> int:
    """Ages without an end are taken to reach a year further."""
    return since + _OPEN_ENDED_DAYS if until is None else until
