"""What was unusual in a month: incidents that cost more than was expected, the gravest first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reports.queries import Row

SHOWN = 10
DRIVERS_SHOWN = 3
_SEVERITIES = ("critical", "high", "medium", "low")

# One row per incident that began in the month or lasted into it, but for those that a person has called expected or none at all.
# An incident may have begun long before: `month_impact` is what it cost beyond what was expected on the days of this month alone.
INCIDENTS = """
select
    anomaly_id, dimension, dimension_value, billing_currency, severity, feedback, team, drivers, impact_cost, started_on, ended_on,
    (
        select sum(days.impact_cost)
        from finops.anomaly_days as days
        where
            days.anomaly_id = incidents.anomaly_id
            and days.charge_date >= %(period)s
            and days.charge_date < %(period)s + interval '1 month'
    ) as month_impact
from finops.anomalies as incidents
where
    started_on < %(period)s + interval '1 month'
    and coalesce(ended_on, last_seen_on) >= %(period)s
    and feedback is distinct from 'false'
    and feedback is distinct from 'expected'
"""

# One row per day of these incidents, those before and after the month too.
INCIDENT_DAYS = """
select days.anomaly_id, days.charge_date, days.expected_cost, days.actual_cost
from finops.anomaly_days as days
inner join finops.anomalies as incidents using (anomaly_id)
where
    incidents.started_on < %(period)s + interval '1 month'
    and coalesce(incidents.ended_on, incidents.last_seen_on) >= %(period)s
order by days.anomaly_id, days.charge_date
"""


@dataclass(frozen=True)
class Driver:
    """What moved in an incident: a service, an account or the like (`level`), and by how much."""

    level: str
    name: str
    change: Decimal


@dataclass(frozen=True)
class Incident:
    """An incident. `impact`: what it cost beyond what was expected; `month_impact`: on the days of this month, None if not known.

    `level`: what the name is of, a team or a service for example. `ended`: None while it lasts.
    """

    name: str
    level: str
    currency: str
    severity: str
    feedback: str
    team: str
    started: date
    ended: date | None
    impact: Decimal
    month_impact: Decimal | None
    drivers: tuple[Driver, ...]

    @property
    def grave(self) -> bool:
        return self.severity in ("critical", "high")


@dataclass(frozen=True)
class IncidentDay:
    """A day of an incident: what was expected, and what it cost."""

    day: date
    expected: Decimal
    actual: Decimal


@dataclass(frozen=True)
class Unusual:
    """The gravest incidents of a month and the days of the first one. `others`: how many are not shown."""

    incidents: tuple[Incident, ...] = ()
    days: tuple[IncidentDay, ...] = ()
    others: int = 0


def unusual_of(rows: Sequence[Row], days: Sequence[Row]) -> Unusual:
    """The incidents of a month: by severity, then by what they cost."""
    if not rows:
        return Unusual()
    ranked = sorted(rows, key=_rank)
    return Unusual(
        incidents=tuple(_incident(row) for row in ranked[:SHOWN]),
        days=tuple(
            IncidentDay(row["charge_date"], row["expected_cost"], row["actual_cost"])
            for row in days
            if row["anomaly_id"] == ranked[0]["anomaly_id"]
        ),
        others=len(ranked[SHOWN:]),
    )


def _rank(row: Row) -> tuple[int, Decimal, str]:
    return _SEVERITIES.index(row["severity"]), -abs(row["impact_cost"]), row["anomaly_id"]


def _incident(row: Row) -> Incident:
    return Incident(
        name=row["dimension_value"],
        level=_words(row["dimension"]),
        currency=row["billing_currency"],
        severity=row["severity"],
        feedback=row["feedback"] or "",
        team=row["team"] or "",
        started=row["started_on"],
        ended=row["ended_on"],
        impact=row["impact_cost"],
        month_impact=row["month_impact"],
        drivers=tuple(
            Driver(_words(one["level"]), one["value"], Decimal(one["change"])) for one in row["drivers"][:DRIVERS_SHOWN]
        ),
    )


def _words(level: str) -> str:
    return {"account_service": "account and service", "ai_model": "AI model"}.get(level, level.replace("_", " "))
