"""Look for incidents in the warehouse, and keep them in `ml`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from ml.anomalies.detection import Event, detect
from ml.anomalies.drivers import OTHER, Driver, Part, drivers, is_growth
from ml.anomalies.feedback import Feedback, bars, unexpected, verdict_on
from ml.anomalies.incident import MODEL_VERSION, Incident, incident_of
from ml.anomalies.incidents import one_each
from ml.anomalies.panel import panel_of
from ml.anomalies.settings import Settings
from orchestration.lib.anomalies.read import (
    days_of,
    read_cells,
    read_feedback,
    read_parts,
    read_rates,
    read_series,
)
from orchestration.lib.anomalies.tables import ANOMALIES, DAYS, ensure_anomalies


@dataclass(frozen=True)
class Found:
    """An incident with what moved in it."""

    incident: Incident
    drivers: tuple[Driver, ...]
    breakdown: dict[str, tuple[Driver, ...]]
    feedback: str | None

    @property
    def team(self) -> str | None:
        """Whose costs moved most."""
        if self.incident.key.dimension == "team":
            return self.incident.key.value
        return next((one.value for one in self.breakdown.get("team", ()) if one.value != OTHER), None)


@dataclass(frozen=True)
class Search:
    """What was looked at and found."""

    found: tuple[Found, ...]
    series: int
    last: date | None
    refused: tuple[str, ...] = ()


def search(connection: psycopg.Connection[Any], settings: Settings, basis: str) -> Search:
    """The incidents of all daily series, each told once, without what is expected or growth."""
    given = read_feedback(connection)
    series = read_series(connection)
    panel = panel_of(series, read_rates(connection))
    if not panel.keys:
        return Search((), 0, None)
    cells = read_cells(connection)
    amounts = {key: {day: cost for day, cost, _ in rows} for key, rows in series.items()}

    def without_growth(events: Sequence[Event]) -> list[tuple[Event, Incident]]:
        pairs = [(event, incident_of(panel, event, amounts[panel.keys[event.row]])) for event in events]
        # Corrected since, or in days that are not known.
        return _without_growth(connection, [(event, one) for event, one in pairs if one.impact > 0], basis)

    # Growth that creeps in explains nothing of a leak beside it.
    events = detect(panel, settings, bars(panel, given))
    slow = [event for event, _ in without_growth([event for event in events if event.is_slow])]
    events = one_each(panel, [*(event for event in events if not event.is_slow), *slow], cells)
    kept = without_growth(unexpected(panel, events, given, cells))
    creep = [event.is_slow for event, _ in kept]
    parts = read_parts(connection, [one for _, one in kept], creep, basis, {})
    found = [_found(one, own, given) for (_, one), own in zip(kept, parts, strict=True)]
    refused = tuple(f"{key}: {reason}" for key, reason in panel.refused.items())
    return Search(tuple(found), len(panel.keys), panel.days[-1].item(), refused)


def _without_growth(
    connection: psycopg.Connection[Any], pairs: Sequence[tuple[Event, Incident]], basis: str
) -> list[tuple[Event, Incident]]:
    """By the days until it was noticed, so that an incident does not come and go while it lasts."""
    until = {one.incident_id: min(one.noticed_on, one.last_seen_on) for _, one in pairs}
    parts = read_parts(connection, [one for _, one in pairs], [event.is_slow for event, _ in pairs], basis, until)
    return [
        (event, one)
        for event, one, own in ((*pair, own) for pair, own in zip(pairs, parts, strict=True))
        if not is_growth(
            own,
            (until[one.incident_id] - one.started_on).days + 1,
            Decimal(repr(event.least)),
            is_slow=event.is_slow,
        )
    ]


def _found(incident: Incident, parts: Sequence[Part], given: Sequence[Feedback]) -> Found:
    moved, levels = drivers(parts, len(incident.actual), incident.impact)
    return Found(incident, moved, levels, verdict_on(incident.incident_id, given))


def store(connection: psycopg.Connection[Any], found: Sequence[Found], method: str, granularity: str = "day") -> str:
    """Put these incidents in place of the former ones of the granularity, in one transaction, and return the run id."""
    rows = [_row(one, method, granularity) for one in sorted(found, key=lambda one: one.incident.incident_id)]
    # Of what the rows say, so that a run that finds the same leaves the same bytes.
    run_id = sha256(json.dumps(rows, default=_plain, ensure_ascii=False).encode()).hexdigest()[:32]
    with connection.transaction():
        ensure_anomalies(connection)
        connection.execute("lock table ml.anomalies in share row exclusive mode")
        connection.execute(
            "delete from ml.anomaly_days where anomaly_id in (select anomaly_id from ml.anomalies where granularity = %s)",
            [granularity],
        )
        connection.execute("delete from ml.anomalies where granularity = %s", [granularity])
        _copy(connection, "anomalies", ANOMALIES, [[*row, run_id] for row in rows])
        days = [
            [one.incident.incident_id, day, expected, actual, actual - expected]
            for one in found
            for day, expected, actual in zip(
                days_of(one.incident), one.incident.expected, one.incident.actual, strict=True
            )
        ]
        _copy(connection, "anomaly_days", DAYS, days)
    return run_id


def _copy(
    connection: psycopg.Connection[Any],
    table: str,
    columns: Sequence[tuple[str, str, str]],
    rows: Sequence[Sequence[Any]],
) -> None:
    names = sql.SQL(", ").join(sql.Identifier(name) for name, *_ in columns)
    statement = sql.SQL("copy {} ({}) from stdin").format(sql.Identifier("ml", table), names)
    with connection.cursor() as cursor, cursor.copy(statement) as out:
        for row in rows:
            out.write_row(row)


def _row(one: Found, method: str, granularity: str) -> list[Any]:
    """The values of an incident in the order of the columns, the run id left out."""
    incident = one.incident
    held: dict[str, Any] = {
        "anomaly_id": incident.incident_id,
        "dimension": incident.key.dimension,
        "dimension_value": incident.key.value,
        "billing_currency": incident.key.currency,
        "granularity": granularity,
        "started_on": incident.started_on,
        "noticed_on": incident.noticed_on,
        "ended_on": incident.ended_on,
        "last_seen_on": incident.last_seen_on,
        "state": "open" if incident.ended_on is None else "closed",
        "feedback": one.feedback,
        "severity": incident.severity,
        "method": method,
        "team": one.team,
        "expected_cost": sum(incident.expected, Decimal(0)),
        "actual_cost": sum(incident.actual, Decimal(0)),
        "impact_cost": incident.impact,
        "surprise": Decimal(repr(incident.surprise)),
        "drivers": Jsonb([_driver(driver) for driver in one.drivers]),
        "breakdown": Jsonb({level: [_driver(driver) for driver in own] for level, own in one.breakdown.items()}),
        "model_version": MODEL_VERSION,
    }
    return [held[name] for name, *_ in ANOMALIES if name != "run_id"]


def _driver(driver: Driver) -> dict[str, str]:
    """Amounts as texts: a JSON number would be read as a float."""
    return {"level": driver.level, "value": driver.value, "change": f"{driver.change:f}"}


def _plain(value: object) -> object:
    return value.obj if isinstance(value, Jsonb) else value.isoformat() if isinstance(value, date) else str(value)
