"""What savings on waste rest on: what is paid for each resource, what is listed of it, and what it did."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import cached_property
from typing import Any

from ml.savings.hours import HoursOfWeek
from ml.savings.paid import Paid
from ml.savings.recommendation import Estimate, Owner, Window, estimate
from ml.savings.sizing import Use
from ml.savings.storage_prices import StoragePrices
from ml.savings.waste_settings import WasteSettings

Entry = Mapping[str, Any]
_STALE_DAYS = 31


def bare(resource_id: str) -> str:
    """The last part of an id: bills write ARNs where describe calls write ids, and the other way round.

    >>> bare("arn:aws:ec2:eu-west-1:012345678901:snapshot/snap-0abc")
    'snap-0abc'
    """
    return resource_id.rsplit(":", 1)[-1].rsplit("/", 1)[-1]


@dataclass(frozen=True)
class Holding:
    """A resource and all that is charged for it."""

    paid: tuple[Paid, ...]

    @property
    def main(self) -> Paid:
        """The dearest of its charges, which says what it is."""
        return max(self.paid, key=lambda one: (one.monthly_cost, one.sku_id or ""))

    @property
    def resource_id(self) -> str:
        return self.paid[0].resource_id

    @property
    def owner(self) -> Owner:
        return self.main.owner

    @property
    def daily(self) -> dict[date, Decimal]:
        """What each day cost."""
        return _added(one.daily for one in self.paid)

    @property
    def uncommitted(self) -> dict[date, Decimal]:
        """What of it no commitment pays."""
        return _added(one.uncommitted for one in self.paid)

    @property
    def is_covered(self) -> bool:
        """Whether a commitment pays all of its main charge."""
        return self.main.committed_share == 1

    def only(self, chosen: Sequence[Paid]) -> Holding:
        return Holding(tuple(chosen))

    def saved(self, share: Decimal, *, part: Decimal = Decimal(1), least: Decimal = Decimal(1)) -> Estimate:
        """A share of what it costs, or of what a part of it costs.

        Of what a commitment pays nothing is saved, except where it pays for all of the resource and the bill tells when it ends.
        """
        basis = self.daily if self.is_covered and self.main.committed_until else self.uncommitted
        cost = {day: cost * part for day, cost in self.daily.items()}
        saving = {day: max(cost, Decimal(0)) * part * share for day, cost in basis.items()}
        return estimate(self.main.window, cost, saving, least=least)


def _added(parts: Iterable[Mapping[date, Decimal]]) -> dict[date, Decimal]:
    total: dict[date, Decimal] = defaultdict(Decimal)
    for part in parts:
        for day, cost in part.items():
            total[day] += cost
    return dict(total)


@dataclass(frozen=True)
class Holdings:
    """All of it. `uses` and `hours` are by the ids that monitoring has."""

    window: Window
    paid: Sequence[Paid]
    lists: Mapping[str, Sequence[Entry]]
    settings: WasteSettings
    uses: Mapping[str, Use] = field(default_factory=dict)
    hours: Mapping[str, HoursOfWeek] = field(default_factory=dict)
    prices: StoragePrices = field(default_factory=lambda: StoragePrices(()))

    @cached_property
    def _by_id(self) -> dict[str, dict[str, list[Paid]]]:
        """Bare id -> full id -> what is charged."""
        found: dict[str, dict[str, list[Paid]]] = defaultdict(lambda: defaultdict(list))
        for one in self.paid:
            if one.is_current:
                found[bare(one.resource_id)][one.resource_id].append(one)
        return found

    def all(self) -> Iterator[Holding]:
        """Every resource that is still charged for."""
        for ids in self._by_id.values():
            for paid in ids.values():
                yield Holding(tuple(paid))

    def of(self, entry: Entry) -> Holding | None:
        """What is charged for a listed resource; None where nothing is, or where it cannot be told which of several it is."""
        ids = self._by_id.get(bare(entry["resource_id"]), {})
        account = entry.get("sub_account_id")
        found = [paid for paid in ids.values() if account is None or paid[0].sub_account_id in (None, account)]
        holding = Holding(tuple(found[0])) if len(found) == 1 else None
        return holding if holding and any(cost > 0 for cost in holding.daily.values()) else None

    def use_of(self, resource_id: str) -> Use | None:
        """What a resource did, by its id or the last part of it where no other resource has the same."""
        found = self.uses.get(resource_id)
        short = bare(resource_id)
        return found or (self.uses.get(short) if len(self._by_id.get(short, {})) <= 1 else None)

    def hours_of(self, resource_id: str) -> HoursOfWeek | None:
        found = self.hours.get(resource_id)
        short = bare(resource_id)
        return found or (self.hours.get(short) if len(self._by_id.get(short, {})) <= 1 else None)

    def is_stale(self, entry: Entry) -> bool:
        """Whether what is listed is too old to be believed."""
        return bool((self.window.last - entry["observed_on"]).days > _STALE_DAYS)
