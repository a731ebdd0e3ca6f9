"""Who is told of an alert, and when: pure functions of the settings and a time that is given in."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from orchestration.lib.alerts.alert import KINDS, SEVERITIES, Alert
from orchestration.lib.config_alerting import Alerting, QuietHours, Route


def default_route(receiver: str) -> Route | None:
    """What a receiver is told where no routes are given: what the name of its list says. None for a name that says nothing.

    >>> default_route("email.critical_alerts").severities
    ('critical',)
    >>> default_route("slack.operators").kinds
    ('gate', 'run_failure')
    """
    channel, _, name = receiver.partition(".")
    said = name.removesuffix("_alerts")
    if channel == "pagerduty":
        return Route(to=(receiver,), severities=("critical",))
    if channel == "webhooks" or said in ("", "all"):
        return Route(to=(receiver,))
    if severities := tuple(one for one in SEVERITIES if one == said):
        return Route(to=(receiver,), severities=severities)
    if kinds := tuple(one for one in KINDS if one == said):
        return Route(to=(receiver,), kinds=kinds)
    if said == "operators":
        return Route(to=(receiver,), kinds=("gate", "run_failure"))
    return None


def routes_of(settings: Alerting) -> tuple[Route, ...]:
    """The routes in force."""
    return settings.routes or tuple(filter(None, map(default_route, settings.receivers)))


def matches(route: Route, alert: Alert) -> bool:
    """Whether an alert is in every list that a route gives."""
    return (
        (route.severities is None or alert.severity in route.severities)
        and (route.kinds is None or alert.kind in route.kinds)
        and (route.teams is None or alert.team in route.teams)
    )


def receivers_of(settings: Alerting, alert: Alert, now: datetime, zone: ZoneInfo) -> dict[str, datetime]:
    """Receiver -> when it is to be told, the earliest time where several routes lead to it."""
    if alert.resolves:
        # Whoever opens something for an alert closes it then; to people an end is no news.
        return {"pagerduty": now} if settings.pagerduty else {}
    due: dict[str, datetime] = {}
    receivers = settings.receivers
    for route in routes_of(settings):
        if not matches(route, alert):
            continue
        when = due_at(settings, route, alert, now, zone)
        for name in route.to:
            for receiver in receivers[name]:
                due[receiver] = min(when, due.get(receiver, when))
    return due


def due_at(settings: Alerting, route: Route, alert: Alert, now: datetime, zone: ZoneInfo) -> datetime:
    """When an alert may be sent along a route. What is critical waits for no quiet hours, and for a digest only where asked to."""
    if route.digest == "hourly":
        now = (now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    elif route.digest == "daily":
        now = _next(settings.digest_time, now, zone)
    if settings.quiet_hours and alert.severity != "critical" and _is_quiet(settings.quiet_hours, now, zone):
        return _next(settings.quiet_hours.end, now, zone)
    return now


def _is_quiet(quiet: QuietHours, now: datetime, zone: ZoneInfo) -> bool:
    clock = now.astimezone(zone).time()
    if quiet.start < quiet.end:
        return quiet.start <= clock < quiet.end
    return clock >= quiet.start or clock < quiet.end


def _next(clock: time, now: datetime, zone: ZoneInfo) -> datetime:
    """The next time that the clock shows this in the zone."""
    day = now.astimezone(zone).date()
    today = datetime.combine(day, clock, zone)
    # Compared as moments: clocks of one zone would be compared as they look, also where summer time ends between them.
    found = today if today.timestamp() > now.timestamp() else datetime.combine(day + timedelta(days=1), clock, zone)
    return found.astimezone(now.tzinfo)
