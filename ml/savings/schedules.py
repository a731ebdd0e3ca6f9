"""Instances that are not of production, off while nobody works with them."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from ml.savings.holdings import Entry, Holding, Holdings
from ml.savings.hours import off_share, on_time
from ml.savings.recommendation import Recommendation
from ml.savings.sizing import Exclusion
from ml.savings.traffic import text
from ml.savings.waste_advice import Words, advice

_LEAST_OFF = 0.25
"""A schedule that saves less than a quarter of the time is not worth the trouble."""


def schedules(holdings: Holdings) -> Iterator[Recommendation | Exclusion]:
    """For each running instance of a non-production environment: the shortest time of the week that covers all its use."""
    environments = {name.lower() for name in holdings.settings.schedule_environments}
    for entry in holdings.lists.get("instances", ()):
        holding = holdings.of(entry) if entry["state"] == "running" else None
        if holding and (holding.owner.environment or "").lower() in environments and not holding.main.is_spot:
            yield from _scheduled(holding, holdings, entry)


def _scheduled(holding: Holding, holdings: Holdings, entry: Entry) -> Iterator[Recommendation | Exclusion]:
    hours, settings = holdings.hours_of(holding.resource_id), holdings.settings
    if hours is None or hours.days < settings.idle_days:
        days = 0 if hours is None else int(hours.days)
        yield Exclusion(
            holding.resource_id, f"its CPU by hour is known of {days} days; a schedule needs {settings.idle_days}"
        )
        return
    on = on_time(hours, float(settings.schedule_cpu_percent))
    share = 0.0 if on is None else off_share(hours, on)
    if on is None or share < _LEAST_OFF:
        return
    # Only what runs by the hour stops being charged; storage and addresses stay.
    running = holding.only([one for one in holding.paid if one.instance_type]) if _has_hours(holding) else holding
    yield advice(
        holding,
        "schedule",
        "instance",
        running.saved(Decimal(str(round(share, 6))), least=Decimal("0.8")),
        Words(
            current=f"{entry.get('instance_type') or 'instance'}, {holding.owner.environment}, runs all the time",
            proposed=f"runs {on.words}",
            change="Let a scheduler stop and start it; keep a way to start it by hand.",
            reason=(
                f"In all other hours of the week its CPU was never above {settings.schedule_cpu_percent:f} % in "
                f"{hours.days:.0f} days: {100 * share:.0f} % of the time that it runs."
            ),
            risk_reason="Whoever works late has to start it; jobs at night would not run.",
            confidence_reason="CPU is measured in every hour of the week. Holidays would save more.",
        ),
        evidence={
            "off_share": text(Decimal(str(round(share, 6)))),
            "days_measured": int(hours.days),
            "rests_on": "CPU by hour of the week, effective cost by day",
        },
        effort="medium",
        confidence="high",
    )


def _has_hours(holding: Holding) -> bool:
    return any(one.instance_type for one in holding.paid)
