"""The resources behind a bill as arrays: what each costs on a usual day, how that grows, what commitment covers it."""

import zlib
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np
from numpy.typing import NDArray

from .anomalies import Anomaly, planned
from .calendar import FLAT, day_number
from .catalogue import AWS, AZURE, Service, Sku
from .charges import COVERED, USAGE, Charge, Plan
from .commitments import reserved_fleets, savings_plan, savings_plan_terms
from .organization import TEAM, Account, Source
from .tagging import owner_of, tags_for
from .units import FloatArray, IntArray

FOREVER = 10**7
# Shares of the instances that the older and the newer savings plan cover.
_OLD_PLAN, _NEW_PLAN = 0.38, 0.22
# How many times its usual cost a resource has on the day of the spike that is asked for.
_SPIKE = 15.0


@dataclass(frozen=True)
class Resource:
    """One series of lines: `daily` is its list cost on a mean day at the end of the window, in currency units."""

    charge: Charge
    daily: float
    growth: float
    noise: float
    weekly: int
    first_day: int = -FOREVER
    last_day: int = FOREVER
    capped: bool = False
    anomaly: Anomaly | None = None


@dataclass
class Estate:
    """A source's resources as arrays of length S (series), in the order of `resources`; account and plan are indexes.

    Where `slots_of_last` is set, the last series has lines in that many first slots of a month only.
    """

    source: Source
    anchor: int
    resources: list[Resource]
    plans: list[Plan]
    daily: FloatArray = field(init=False)
    growth: FloatArray = field(init=False)
    noise: FloatArray = field(init=False)
    price: FloatArray = field(init=False)
    discount: FloatArray = field(init=False)
    weekly: IntArray = field(init=False)
    account: IntArray = field(init=False)
    plan: IntArray = field(init=False)
    first_day: IntArray = field(init=False)
    last_day: IntArray = field(init=False)
    capped: NDArray[np.bool_] = field(init=False)
    slots_of_last: int | None = None

    def __post_init__(self) -> None:
        self.refresh()

    def refresh(self) -> None:
        """Take the arrays from the resources again, after some were appended."""
        accounts = {account.account_id: index for index, account in enumerate(self.source.accounts)}
        plans = {plan.key: index for index, plan in enumerate(self.plans)}
        rows = self.resources
        self.daily = np.array([row.daily for row in rows])
        self.growth = np.array([row.growth for row in rows])
        self.noise = np.array([row.noise for row in rows])
        self.price = np.array([row.charge.sku.price for row in rows])
        self.discount = np.array([row.charge.plan.discount if row.charge.plan else 0.0 for row in rows])
        self.weekly = np.array([row.weekly for row in rows], dtype=np.int64)
        self.account = np.array([accounts[row.charge.account.account_id] for row in rows], dtype=np.int64)
        self.plan = np.array([plans[row.charge.plan.key] if row.charge.plan else -1 for row in rows], dtype=np.int64)
        self.first_day = np.array([row.first_day for row in rows], dtype=np.int64)
        self.last_day = np.array([row.last_day for row in rows], dtype=np.int64)
        self.capped = np.array([row.capped for row in rows])

    @property
    def size(self) -> int:
        """How many series there are."""
        return len(self.resources)


def seeded(seed: int, *parts: str | int) -> np.random.Generator:
    """Return a generator for one named purpose: the same seed and names always give the same numbers."""
    words = [part if isinstance(part, int) else zlib.crc32(part.encode()) for part in parts]
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, *words])))


def _cells(source: Source) -> list[tuple[Account, str, Service]]:
    services = AZURE if source.name == "azure" else AWS
    return [(account, key, services[key]) for account in source.accounts for key in account.mix]


def _counts(source: Source, series: int) -> list[int]:
    """Series per (account, service), at least one each, that sum to `series`; larger cells get more."""
    cells = _cells(source)
    if series < len(cells):
        raise ValueError(f"{source.name} needs at least {len(cells)} resources, not {series}")
    weights = np.array([service.lines * (account.monthly * account.mix[key]) ** 0.5 for account, key, service in cells])
    exact = weights / weights.sum() * (series - len(cells))
    counts = np.floor(exact).astype(int)
    counts[np.argsort(counts - exact, kind="stable")[: series - len(cells) - counts.sum()]] += 1
    return [int(count) + 1 for count in counts]


def _sku(rng: np.random.Generator, service: Service, daily: float) -> tuple[Sku, bool]:
    """Return the SKU of a resource: for instances the smallest size that its daily cost fits in."""
    if not service.skus[0].hourly:
        return service.skus[int(rng.integers(len(service.skus)))], False
    fitting = [sku for sku in service.skus if sku.price * 24 >= daily * 1.2]
    return (fitting[0], True) if fitting else (service.skus[-1], False)


def identity(
    rng: np.random.Generator, source: Source, account: Account, sku: Sku, project: str
) -> tuple[str, str, str]:
    """(resource id, name, region) of a new resource."""
    number = f"{int(rng.integers(1 << 60)):017x}"[-17:]
    region = source.regions[0] if rng.random() < 0.85 else source.regions[-1]
    name = f"{project}-{sku.resource_type.lower().replace(' ', '-')}-{number[-5:]}"
    resource_id = sku.resource.format(
        id=number,
        short=number[-12:],
        name=name,
        region=region,
        account=account.account_id.rsplit("/", 1)[-1],
        group=project,
    )
    return resource_id, name, region


def build(source: Source, *, seed: int, series: int, end: date, first: date, eventful: bool = True) -> Estate:
    """Return the estate of a source with `series` on-demand and covered resources, as it stands at `end`.

    `first` is the first delivered day: anomalies before it are left out. Without `eventful` nothing starts, stops or
    misbehaves, so that the number of lines is known beforehand. Raises ValueError when `series` is below the number of
    accounts' services.
    """
    rng = seeded(seed, source.name, "estate")
    anchor = day_number(end)
    resources: list[Resource] = []
    covered: list[tuple[int, int]] = []
    for (account, key, service), count in zip(_cells(source), _counts(source, series), strict=True):
        shares = rng.lognormal(0.0, 0.7, count)
        shares *= account.monthly * account.mix[key] / 30.4 / shares.sum()
        for index, daily in enumerate(shares):
            team = owner_of(rng, account)
            sku, capped = _sku(rng, service, float(daily))
            resource_id, name, region = identity(rng, source, account, sku, str(rng.choice(team.projects)))
            charge = Charge(
                USAGE,
                account,
                sku,
                region,
                resource_id,
                name,
                tags_for(rng, account, team),
                principal=f"arn:aws:iam::{account.account_id}:role/{name}" if key == "bedrock" else None,
            )
            growth = TEAM[account.mapped_to].growth if account.mapped_to else 0.01
            growth = 0.09 if key == "bedrock" else growth + float(rng.normal(0, 0.004))
            born, died = _lifetime(rng, anchor) if eventful and index else (-FOREVER, FOREVER)
            row = Resource(charge, float(daily), growth / 30.4, service.noise, service.weekly, born, died, capped)
            share = (index + 0.5) / count
            if service.plan_eligible and share < _OLD_PLAN + _NEW_PLAN:
                covered.append((len(resources), 0 if share < _OLD_PLAN else 1))
                # Commitments are bought for what always runs.
                row = Resource(charge, float(daily), 0.0, service.noise, service.weekly, capped=capped)
            resources.append(row)
    plans = _cover(source, resources, covered, end, eventful)
    for plan, fleet in reserved_fleets(source, rng, end):
        plans.append(plan)
        for charge, daily in fleet:
            before = Resource(replace(charge, kind=USAGE, plan=None), daily, 0.0, 0.02, FLAT, capped=True)
            resources.extend(_since(plan.start, before, charge) if eventful else [replace(before, charge=charge)])
    events = planned(source.name, end, first) if eventful else []
    resources.extend(_anomalous(rng, source, anomaly) for anomaly in events)
    return Estate(source, anchor, resources, plans)


def _lifetime(rng: np.random.Generator, anchor: int) -> tuple[int, int]:
    born = anchor - int(rng.integers(15, 420)) if rng.random() < 0.30 else -FOREVER
    died = max(born, anchor - 400) + int(rng.integers(20, 400)) if rng.random() < 0.10 else FOREVER
    return born, died


def _cover(
    source: Source, resources: list[Resource], covered: list[tuple[int, int]], end: date, eventful: bool
) -> list[Plan]:
    """Turn the marked resources into covered ones; what a later plan covers ran on demand before it began."""
    plans: list[Plan] = []
    for number, start in enumerate(savings_plan_terms(end)):
        rows = [index for index, plan in covered if plan == number]
        if not rows:
            continue
        plan = savings_plan(source, number, start, sum(resources[index].daily for index in rows))
        plans.append(plan)
        for index in rows:
            charge = replace(resources[index].charge, kind=COVERED, plan=plan)
            resources[index], *before = (
                _since(start, resources[index], charge) if eventful else [replace(resources[index], charge=charge)]
            )
            resources.extend(before)
    return plans


def _since(start: date, before: Resource, charge: Charge) -> list[Resource]:
    """Return a resource with a new charge from `start` on, and the same resource as it was until then."""
    day = day_number(start)
    return [replace(before, charge=charge, first_day=day), replace(before, last_day=day - 1)]


def _anomalous(rng: np.random.Generator, source: Source, anomaly: Anomaly) -> Resource:
    account = next(account for account in source.accounts if account.name == anomaly.account_name)
    service = (AZURE if source.name == "azure" else AWS)[anomaly.service]
    team = owner_of(rng, account)
    sku = service.skus[anomaly.sku]
    resource_id, name, region = identity(rng, source, account, sku, team.projects[0])
    charge = Charge(USAGE, account, sku, region, resource_id, name, (("team", team.name),))
    first_day = day_number(anomaly.start) if anomaly.kind == "new_service" else -FOREVER
    return Resource(charge, anomaly.daily, 0.0, 0.03, service.weekly, first_day, anomaly=anomaly)


def plant_spike(estate: Estate, day: date) -> None:
    """Let the dearest resource on demand cost `_SPIKE` times as much on `day`; instances cannot, their hours are bounded."""
    number = day_number(day)
    alive = [
        row
        for row in estate.resources
        if row.charge.kind == USAGE and not (row.capped or row.anomaly) and row.first_day <= number <= row.last_day
    ]
    row = max(alive, key=lambda one: one.daily)
    charge = row.charge
    spike = Anomaly("spike", estate.source.name, charge.account.name, charge.sku.name, 0, day, day, row.daily, _SPIKE)
    estate.resources[estate.resources.index(row)] = replace(row, anomaly=spike)
