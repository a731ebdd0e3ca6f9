"""What the resources of an estate did in each hour of the last month, as monitoring exports it."""

from collections.abc import Iterator
from datetime import timedelta

import numpy as np
import pyarrow as pa

from ..calendar import HOURLY, OFFICE, WEEKLY, day_number, milliseconds
from ..estate import seeded
from ..units import FloatArray
from .planted import ON_HOURS, Plan

DAYS = 30
_HOUR_MS = 3_600_000
_MB = 1_000_000


def utilisation(plan: Plan, seed: int) -> pa.Table:
    """One row for each resource, metric and hour, in the order of the resources."""
    first = plan.end - timedelta(days=DAYS - 1)
    hours = np.arange(DAYS * 24)
    weekday = (day_number(first) + 3 + hours // 24) % 7
    rng = seeded(seed, plan.estate.source.name, "utilisation")
    ids, metrics, units, values = [], [], [], []
    for index, role in plan.roles.items():
        charge = plan.estate.resources[index].charge
        for metric, unit, series in _metrics(charge.sku.resource_type, role.behaviour, hours % 24, weekday, rng):
            ids.append(charge.resource_id)
            metrics.append(metric)
            units.append(unit)
            values.append(series)
    moments = milliseconds(first) + hours * _HOUR_MS
    each = np.repeat(np.arange(len(values)), len(hours))
    stamps = pa.array(np.tile(moments, len(values)), pa.timestamp("ms", tz="UTC"))
    return pa.table(
        {
            "resource_id": pa.array(ids, pa.string()).take(pa.array(each)),
            "metric": pa.array(metrics, pa.string()).take(pa.array(each)),
            "unit": pa.array(units, pa.string()).take(pa.array(each)),
            "timestamp": stamps,
            "value": np.round(np.concatenate(values), 2) if values else pa.array([], pa.float64()),
        }
    )


def _metrics(
    kind: str, behaviour: str, hour: np.ndarray, weekday: np.ndarray, rng: np.random.Generator
) -> Iterator[tuple[str, str, FloatArray]]:
    """(metric, unit, value of each hour) of a resource, in the words of CloudWatch."""
    scatter = 1 + 0.06 * rng.standard_normal(len(hour)).clip(-2, 2)
    low = rng.random(len(hour))
    shape = HOURLY[OFFICE, hour] * WEEKLY[OFFICE, weekday]
    busy = scatter * shape / shape.max()
    is_idle = behaviour.startswith(("idle", "empty"))
    if kind in ("NAT Gateway", "Load Balancer"):
        flow = np.zeros(len(hour)) if is_idle else busy * float(rng.uniform(2_000, 90_000))
        if kind == "NAT Gateway":
            yield "BytesOutToDestination", "Bytes", np.round(flow * _MB)
        else:
            yield "RequestCount", "Count", np.round(flow)
    if kind not in ("Instance", "DB Instance"):
        return
    peak = float(rng.uniform(58, 72))
    on = np.isin(hour, ON_HOURS) & (weekday < 5)
    if behaviour == "office hours":
        cpu = np.where(on, peak * (0.8 + 0.2 * low), 0.4 + 0.6 * low)
    elif is_idle:
        cpu = 0.5 + 1.5 * low
    else:
        cpu = busy * (float(rng.uniform(13.0, 14.5)) if behaviour == "oversized" else peak)
    yield "CPUUtilization", "Percent", cpu
    if kind == "DB Instance":
        yield "DatabaseConnections", "Count", np.zeros(len(hour)) if is_idle else np.ceil(busy * 80)
        return
    used = 12.0 if behaviour == "oversized" else 4.0 if is_idle else float(rng.uniform(52, 66))
    yield "mem_used_percent", "Percent", used * (0.95 + 0.05 * low)
    traffic = np.where(on, 1.0, 0.001) if behaviour == "office hours" else 0.001 * low if is_idle else busy
    yield "NetworkIn", "Bytes/Second", traffic * 25_000 * scatter
    yield "NetworkOut", "Bytes/Second", traffic * 66_000 * scatter
