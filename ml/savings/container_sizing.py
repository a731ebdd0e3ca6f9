"""Services of containers on Fargate: the cheapest size of their tasks that carries what they used, at what a vCPU and a GB are paid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from shlex import quote

from ml.savings.fargate import Size, sizes
from ml.savings.holdings import Entry, Holding, bare
from ml.savings.paid import Paid
from ml.savings.recommendation import Level, Recommendation, estimate
from ml.savings.sizing import CPU, MEMORY, Exclusion, SizingSettings, Use
from ml.savings.traffic import text

_VCPU, _GB = "Fargate-vCPU-Hours", "Fargate-GB-Hours"
_SAME = Decimal("0.01")
"""How far the GB of a vCPU on the bill may be from those of the listed size."""


@dataclass(frozen=True)
class Service:
    """What is listed of a service, what the bill charges for its tasks, and what they used of their size."""

    entry: Entry
    tasks: tuple[Paid, ...]
    use: Use | None

    @property
    def resource_id(self) -> str:
        return str(self.entry["resource_id"])

    @property
    def size(self) -> Size:
        return Size(self.entry["cpu_units"], self.entry["memory_mib"])

    def part(self, meter: str) -> Holding:
        """The charges of a meter. Those of arm64 and of spot capacity have its name with more around it."""
        return Holding(
            tuple(one for one in self.tasks if meter in (one.sku_meter or "").replace("Fargate-ARM-", "Fargate-"))
        )


def container_sizing(services: Iterable[Service], settings: SizingSettings) -> Iterator[Recommendation | Exclusion]:
    """For each service a smaller size of its tasks, or the reason why nothing can be said of it."""
    for service in services:
        if reason := _not_sizable(service, settings):
            yield Exclusion(service.resource_id, reason)
            continue
        assert service.use is not None
        if min(service.use.metrics[name].mean for name in (CPU, MEMORY)) < float(settings.utilization_threshold):
            yield from _smaller(service, service.use, settings)


def _not_sizable(service: Service, settings: SizingSettings) -> str | None:
    entry, use = service.entry, service.use
    if entry["launch_type"] != "FARGATE":
        return "its tasks run on instances: smaller ones make room there, and save only when an instance goes"
    if entry["cpu_units"] is None or entry["memory_mib"] is None:
        return "the size of its tasks is not known"
    if (entry.get("operating_system") or "LINUX").upper() != "LINUX":
        return "its tasks do not run on Linux, and only the sizes of those are known"
    if not service.tasks:
        return "the bill does not tell which tasks are its own: activate the cost allocation tag aws:ecs:serviceName"
    vcpu, memory = service.part(_VCPU).paid, service.part(_GB).paid
    if not vcpu or not memory:
        return "the bill does not tell what its tasks cost for vCPU and for memory"
    if not _is_of(service.size, vcpu, memory):
        return "the bill charges another size than is listed: it was changed in the window"
    if use is None or CPU not in use.metrics or MEMORY not in use.metrics:
        return "its use of CPU and of memory is not known"
    if use.days < settings.minimum_history_days:
        return f"its utilisation is known of {use.days} days; {settings.minimum_history_days} are needed"
    if not any(cost > 0 for cost in Holding(service.tasks).uncommitted.values()):
        return "it is fully covered by commitments: another size saves nothing until they end"
    return None


def _is_of(size: Size, vcpu: Sequence[Paid], memory: Sequence[Paid]) -> bool:
    hours, gb_hours = (sum((one.consumed_quantity for one in part), Decimal(0)) for part in (vcpu, memory))
    return hours > 0 and abs(gb_hours / hours / (Decimal(size.memory) / size.cpu) - 1) <= _SAME


def _smaller(service: Service, use: Use, settings: SizingSettings) -> Iterator[Recommendation]:
    now, room = service.size, 1 + float(settings.headroom) / 100
    need = {name: use.metrics[name].percentile(float(settings.percentile)) / 100 * room for name in (CPU, MEMORY)}
    carried = [
        (sum(saved.values(), Decimal(0)), size, saved)
        for size in sizes()
        if size.cpu >= need[CPU] * now.cpu and size.memory >= need[MEMORY] * now.memory
        for saved in (_saved(service, size),)
    ]
    # Of sizes that save the same the largest: it costs no more.
    best = max(carried, key=lambda one: one[:2], default=None)
    if best and best[0] > 0:
        yield _advice(service, use, best[1], best[2], settings)


def _saved(service: Service, size: Size) -> dict[date, Decimal]:
    """What each day would have cost less: vCPU and GB have prices of their own, and one may grow where the other shrinks."""
    saved: dict[date, Decimal] = {}
    for meter, now, then in (
        (_VCPU, service.size.cpu, size.cpu),
        (_GB, service.size.memory, size.memory),
    ):
        for day, cost in service.part(meter).uncommitted.items():
            saved[day] = saved.get(day, Decimal(0)) + cost * (1 - Decimal(then) / now)
    return saved


def _advice(
    service: Service, use: Use, size: Size, saved: dict[date, Decimal], settings: SizingSettings
) -> Recommendation:
    now, charged = service.size, Holding((*service.part(_VCPU).paid, *service.part(_GB).paid))
    main = charged.main
    limits = {CPU: 100 * size.cpu / now.cpu, MEMORY: 100 * size.memory / now.memory}
    fills = {
        name: 100 * use.metrics[name].percentile(float(settings.percentile)) / limit for name, limit in limits.items()
    }
    exceeded = min(sum(use.metrics[name].share_above(limit) for name, limit in limits.items()), 1.0)
    is_short = use.days < 2 * settings.minimum_history_days
    risk: Level = "low" if exceeded <= 0.001 else "medium" if exceeded <= 0.01 else "high"
    percent, spare = f"{settings.percentile.normalize():f}", f"{settings.headroom.normalize():f}"
    return Recommendation(
        kind="right_sizing",
        provider=main.provider,
        resource_type="container",
        resource_id=service.resource_id,
        sub_account_id=main.sub_account_id,
        owner=charged.owner,
        current=f"tasks of {now}, CPU {use.metrics[CPU].mean:.1f} % and memory {use.metrics[MEMORY].mean:.1f} % on average",
        proposed=f"tasks of {size}",
        change=(
            f"Register a revision of its task definition with cpu {size.cpu} and memory {size.memory}, and let the service run it."
        ),
        reason=(
            f"In {percent} % of the time tasks of {size} would be filled to at most {fills[CPU]:.0f} % of their CPU and "
            f"{fills[MEMORY]:.0f} % of their memory, with {spare} % to spare."
        ),
        estimate=estimate(main.window, charged.daily, saved),
        effort="low",
        risk=risk,
        risk_reason=f"They would have been too small in {100 * exceeded:.2f} % of the time that was measured.",
        confidence="low" if is_short else "medium",
        confidence_reason=(
            "vCPU and GB are priced as they are paid; use is that of all tasks together, and one of them may need more."
            + (f" Only {use.days} days of utilisation." if is_short else "")
        ),
        evidence={
            "percentile": text(settings.percentile),
            "headroom_percent": text(settings.headroom),
            "fills_proposed_percent": {name: f"{value:.1f}" for name, value in sorted(fills.items())},
            "exceeded_share": f"{exceeded:.6f}",
            "days_measured": use.days,
            "tasks": len({one.resource_id for one in charged.paid}),
            "rests_on": "utilisation of the service, size of its tasks, effective cost of vCPU and memory by day",
        },
        exclusive_group=f"resource/{main.provider}/{service.resource_id}",
        region_id=main.region_id,
        command=_command(service),
        acts_on=_costs(charged),
        currency=main.currency,
        window=main.window,
    )


def _costs(charged: Holding) -> tuple[tuple[str, Decimal], ...]:
    """What each task costs in a month."""
    costs: dict[str, Decimal] = {}
    for one in charged.paid:
        costs[one.resource_id] = costs.get(one.resource_id, Decimal(0)) + one.monthly_cost
    return tuple(sorted(costs.items()))


def _command(service: Service) -> str:
    # Ids come from lists, and the text is for a shell.
    cluster, name = cluster_of(service.resource_id), bare(service.resource_id)
    return (
        "aws ecs register-task-definition --cli-input-json file://task-definition.json && "
        f"aws ecs update-service --cluster {quote(cluster)} --service {quote(name)} --task-definition FAMILY"
    )


def cluster_of(resource_id: str) -> str:
    """The cluster in the ARN of a service or a task; empty where it has none.

    >>> cluster_of("arn:aws:ecs:eu-west-1:012345678901:service/shop/web")
    'shop'
    """
    parts = resource_id.rsplit(":", 1)[-1].split("/")
    return parts[1] if len(parts) == 3 else ""
