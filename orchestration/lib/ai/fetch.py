"""Fetch what the API of a source has to tell, into its landing folder: days that are not there, or may have changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime, timedelta

from orchestration.lib import paths
from orchestration.lib.ai import anthropic_api, openai_api
from orchestration.lib.ai.bedrock_metrics_fetch import KIND as METRICS
from orchestration.lib.ai.bedrock_metrics_fetch import fetch_metrics
from orchestration.lib.ai.http import Api, Client, ExpiredCursorError, UnusableError
from orchestration.lib.ai.landing import DEFAULT_REFETCH_DAYS, Endpoint, Landing, days_between
from orchestration.lib.config_sources import Source
from orchestration.lib.errors import FinopsError

APIS: dict[str, tuple[Api, tuple[Endpoint, ...]]] = {
    "openai": (openai_api.API, openai_api.ENDPOINTS),
    "anthropic": (anthropic_api.API, anthropic_api.ENDPOINTS),
}
Note = Callable[[str], None]


def _quiet(_text: str) -> None:
    """Progress that nobody watches."""


def fetch(
    source: Source,
    first_month: date,
    months: Collection[date],
    *,
    only_open: bool = False,
    note: Note = _quiet,
    sleep: Callable[[float], None] = time.sleep,
    now: datetime | None = None,
) -> list[FinopsError]:
    """Bring the days of these months up to date; returns what could not be fetched, and why.

    `only_open`: only what is told by the hour, of days that were in progress when they were last asked for.
    Kinds do not wait for each other. In one kind the first day that fails is the last, so that no day is left out between others.
    """
    now = now or datetime.now(UTC)
    refetch_days = source.refetch_days or DEFAULT_REFETCH_DAYS
    if source.format == "bedrock_metrics":
        # CloudWatch is paid by the request, and tells how complete the logs are: not every few minutes.
        return [] if only_open else _fetch_metrics(source, first_month, months, refetch_days, now)
    api, endpoints = APIS[source.format]
    settled_after = timedelta(days=refetch_days)
    errors: list[FinopsError] = []
    with Client(source, api, sleep=sleep) as client:
        for endpoint in endpoints:
            if only_open and not endpoint.is_hourly:
                continue
            landing = Landing(paths.landing_dir(source.name), endpoint.kind)
            days = [day for day in days_between(first_month, now.date()) if day.replace(day=1) in months]
            if only_open:
                days = days[-2:]
            try:
                for day in landing.due(days, now, timedelta() if only_open else settled_after):
                    _fetch_day(client, endpoint, landing, day, now)
                    note(f"{source.name}: {endpoint.kind} {day}, {client.requests_sent} requests")
            except UnusableError as error:
                return [*errors, error]
            except FinopsError as error:
                errors.append(error)
            except OSError as error:
                return [*errors, FinopsError(f"{source.name}: {landing.root} cannot be written: {error.strerror}.")]
    return errors


def _fetch_metrics(
    source: Source, first_month: date, months: Collection[date], refetch_days: int, now: datetime
) -> list[FinopsError]:
    root = paths.landing_dir(source.name)
    try:
        fetch_metrics(source, root, first_month, months, refetch_days=refetch_days, now=now)
    except FinopsError as error:
        return [error]
    return []


def _fetch_day(client: Client, endpoint: Endpoint, landing: Landing, day: date, now: datetime) -> None:
    """Every page of a day, then the file: a day that breaks off leaves the former one."""
    for is_last in (False, True):
        try:
            found = list(client.pages(endpoint.path, endpoint.parameters(day)))
        except ExpiredCursorError:
            if is_last:
                raise
            continue
        landing.put(day, [body for body, _ in found], [page for _, page in found], now)
        return


def months_to_fetch(source: Source, first_month: date) -> list[date]:
    """The months of which a day is not there or may have changed. Asks nobody."""
    return sorted(
        {day.replace(day=1) for day in _due(source, first_month, source.refetch_days or DEFAULT_REFETCH_DAYS)}
    )


def unfinished_days(source: Source, month: date) -> list[date]:
    """The days of a month that were not asked for since they ended."""
    return [day for day in _due(source, month, 0) if day.replace(day=1) == month]


def _due(source: Source, first_month: date, refetch_days: int) -> list[date]:
    now = datetime.now(UTC)
    days = days_between(first_month, now.date())
    kinds = [METRICS] if source.format == "bedrock_metrics" else [endpoint.kind for endpoint in APIS[source.format][1]]
    root = paths.landing_dir(source.name)
    found = {day for kind in kinds for day in Landing(root, kind).due(days, now, timedelta(days=refetch_days))}
    return sorted(found)
