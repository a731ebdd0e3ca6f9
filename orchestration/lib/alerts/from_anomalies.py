"""Alerts of cost incidents: rows of finops.anomalies in words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from orchestration.lib.alerts.alert import SEVERITIES, Alert, Figure, Severity, rank
from orchestration.lib.alerts.money import amount, percent

# Older incidents are history: a first run over a year of bills tells of those that can still be acted on. A delivery may be
# late by as much and is still told of.
_RECENT = timedelta(days=31)
_MOST_DRIVERS = 5
_WORDS = {"ai_model": "AI model", "cost_center": "cost centre"}


def from_anomalies(
    rows: Iterable[Mapping[str, Any]],
    newest: date,
    known: frozenset[str],
    figures: Mapping[str, Figure],
    link: str | None = None,
) -> list[Alert]:
    """An alert for each recent incident that nobody has judged yet, and one more each time that it gets more severe.

    `newest`: the last day with costs. `known`: ids of all former alerts. `figures`: anomaly id -> its picture.
    """
    return [
        _alert(row, figures.get(row["anomaly_id"]), link)
        for row in rows
        if row["feedback"] is None
        and row["last_seen_on"] >= newest - _RECENT
        and not any(
            _alert_id(row, severity) in known for severity in SEVERITIES if rank(severity) >= rank(row["severity"])
        )
    ]


def _alert_id(row: Mapping[str, Any], severity: Severity) -> str:
    return f"anomaly:{row['anomaly_id']}:{severity}"


def _alert(row: Mapping[str, Any], figure: Figure | None, link: str | None) -> Alert:
    currency, impact = row["billing_currency"], Decimal(row["impact_cost"])
    expected, actual = Decimal(row["expected_cost"]), Decimal(row["actual_cost"])
    what = subject(row["dimension"], row["dimension_value"])
    days = (row["last_seen_on"] - row["started_on"]).days + 1
    when = f"on {row['started_on']}" if days == 1 else f"from {row['started_on']} to {row['last_seen_on']}"
    change = f"{amount(abs(impact), currency)} {'more' if impact >= 0 else 'less'} than expected"
    drivers = _named(row["drivers"])
    cause = f" Mostly {subject(drivers[0]['level'], drivers[0]['value'])}." if drivers else ""
    # Beside what moved most, the one value of other levels that stands for at least half of it.
    told = {driver["level"] for driver in drivers}
    also = [
        found[0]
        for level, listed in sorted((row["breakdown"] or {}).items())
        if level not in told and (found := _named(listed)) and abs(_change(found[0])) * 2 >= abs(impact)
    ]
    return Alert(
        alert_id=_alert_id(row, row["severity"]),
        kind="anomaly",
        severity=row["severity"],
        team=row["team"],
        title=f"{capital(what)}: {change}",
        facts=(
            ("cost", f"{amount(actual, currency)}, expected {amount(expected, currency)}{percent(actual, expected)}"),
            ("days", f"{days}, {'still going on' if row['state'] == 'open' else 'over'}"),
            *(
                (subject(driver["level"], driver["value"]), _signed(_change(driver), currency))
                for driver in (*drivers[:_MOST_DRIVERS], *also)
            ),
        ),
        text=f"{capital(what)} cost {change} {when}.{cause}",
        occurred_on=row["started_on"],
        link=link and link.replace("{month}", f"{row['started_on']:%Y-%m}"),
        figure=figure,
    )


def subject(dimension: str, value: str) -> str:
    """What a series is of, in words.

    >>> subject("cost_center", "CC-1"), subject("total", "all")
    ('cost centre CC-1', 'all costs')
    >>> subject("account_service", "000123456789 / Amazon EC2")
    'Amazon EC2 in account 000123456789'
    """
    if dimension == "total":
        return "all costs"
    if dimension == "account_service":
        account, _, service = value.partition(" / ")
        return f"{service} in account {account}"
    return f"{_WORDS.get(dimension, dimension.replace('_', ' '))} {value}"


def capital(text: str) -> str:
    """As at the beginning of a sentence."""
    return text[:1].upper() + text[1:]


def _named(drivers: Sequence[Mapping[str, Any]] | None) -> list[Mapping[str, Any]]:
    """The drivers that have a name, the largest first: not the rest of an incident, and not what is without one."""
    return [driver for driver in drivers or () if driver["value"] not in ("", "other") and _change(driver)]


def _change(driver: Mapping[str, Any]) -> Decimal:
    return Decimal(str(driver["change"]))


def _signed(change: Decimal, currency: str) -> str:
    return f"{'+' if change > 0 else '−'}{amount(abs(change), currency)}"
