"""The review of a week: one HTML page with what it cost, what moved, what was unusual, which budgets are at risk, what to change."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from psycopg.rows import dict_row

from reports import figures, formatting, words
from reports.files import write_whole
from reports.page import environment, to_script
from reports.queries import COST_BASES, Row, one_view, settings

WEEKS = 8
"""How many weeks the figure shows, the reviewed one last."""
_USUAL = 4
_MOVERS = 6
_SHOWN = 10
_AT_RISK = Decimal("0.8")
_OTHERS = "all others"

# The last day that is complete in every currency: what the forecasts were trained to; without any, what was delivered.
_LAST_DAY = """
select coalesce(
    (select min(trained_to) from finops.forecast_periods where dimension = 'total'),
    (select max(charge_date) from finops.daily_costs)
)
"""

# One row per currency, week (its Monday), owner, service and whether it is usage: purchases, taxes and credits have days of their own.
_WEEKS = """
select
    billing_currency,
    date_trunc('week', charge_date)::date as monday,
    coalesce(allocation_rule, team) as owner,
    coalesce(service_name, '(no service named)') as service,
    charge_category = 'Usage' as is_usage,
    coalesce(sum({basis}), 0) as cost
from finops.daily_costs
where charge_date between %(first)s and %(sunday)s
group by 1, 2, 3, 4, 5
"""

# One row per incident that began in the week or lasted into it.
_ANOMALIES = """
select dimension, dimension_value, billing_currency, severity, state, feedback, started_on, ended_on, impact_cost, drivers
from finops.anomalies
where
    started_on <= %(sunday)s
    and coalesce(ended_on, last_seen_on) >= %(monday)s
    and feedback is distinct from 'false'
    and feedback is distinct from 'expected'
order by abs(impact_cost) desc, anomaly_id
"""

# One row per budget of the periods in which the week ends that is nearly used or will be passed.
_BUDGETS = """
select
    scope_type, scope_name, owner, budget_currency, period_kind, period_start, budget_cost, actual_cost, expected_cost,
    overrun_probability, runs_out_on
from finops.budget_tracking
where
    %(sunday)s between period_start and period_end
    and (used_share >= %(at_risk)s or expected_cost > budget_cost)
order by coalesce(overrun_probability, 0) desc, used_share desc, scope_type, scope_name, period_kind
"""

# One row per recommendation that counts, the first first.
_RECOMMENDATIONS = """
select change, current, resource_id, reason, team, currency, monthly_cost, monthly_saving, confidence, as_of
from finops.recommendations
where is_counted and monthly_saving > 0
order by overall_rank
limit %(shown)s
"""


@dataclass(frozen=True)
class Mover:
    """Usage of an owner or a service: in the week, in the week before, and the mean of the four weeks before."""

    name: str
    cost: Decimal
    previous: Decimal
    usual: Decimal

    @property
    def change(self) -> Decimal:
        return self.cost - self.usual


@dataclass(frozen=True)
class WeekCosts:
    """A currency in a week. `weeks`: Monday -> usage and all else. `owners`, `services`: what moved most, their changes the whole."""

    currency: str
    weeks: Mapping[date, tuple[Decimal, Decimal]]
    owners: tuple[Mover, ...]
    services: tuple[Mover, ...]


@dataclass(frozen=True)
class Review:
    """What the page of a week shows."""

    organization: str
    basis: str
    monday: date
    costs: tuple[WeekCosts, ...]
    anomalies: tuple[Row, ...]
    budgets: tuple[Row, ...]
    savings: tuple[Row, ...]

    @property
    def sunday(self) -> date:
        return self.monday + timedelta(days=6)


def read_review(connection: psycopg.Connection[Any]) -> Review | None:
    """The last week that is complete, from the marts; None where there is none yet."""
    with one_view(connection):
        last = connection.execute(_LAST_DAY).fetchone()
        if last is None or last[0] is None:
            return None
        sunday = last[0] - timedelta(days=last[0].isoweekday() % 7)
        monday = sunday - timedelta(days=6)
        chosen = settings(connection)
        basis = chosen.get("reports", {}).get("cost_basis", "effective_cost")
        asked = {
            "first": monday - timedelta(weeks=WEEKS - 1),
            "monday": monday,
            "sunday": sunday,
            "at_risk": _AT_RISK,
            "shown": _SHOWN,
        }
        return Review(
            organization=chosen.get("organization", {}).get("name", ""),
            basis=basis,
            monday=monday,
            costs=_costs(_ask(connection, _WEEKS, asked, basis), monday),
            anomalies=tuple(_ask(connection, _ANOMALIES, asked, basis)),
            budgets=tuple(_ask(connection, _BUDGETS, asked, basis)),
            savings=tuple(_ask(connection, _RECOMMENDATIONS, asked, basis)),
        )


def _ask(
    connection: psycopg.Connection[Any], query: LiteralString, asked: Mapping[str, object], basis: str
) -> list[Row]:
    if basis not in COST_BASES:
        raise ValueError(f"{basis!r} is no cost basis: {', '.join(COST_BASES)}")
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(sql.SQL(query).format(basis=sql.Identifier(basis)), asked).fetchall()


def _costs(rows: Sequence[Row], monday: date) -> tuple[WeekCosts, ...]:
    mondays = [monday - timedelta(weeks=weeks) for weeks in reversed(range(WEEKS))]
    found = []
    for currency in sorted({row["billing_currency"] for row in rows}):
        own = [row for row in rows if row["billing_currency"] == currency]
        weeks = {
            one: (
                sum((row["cost"] for row in own if row["monday"] == one and row["is_usage"]), Decimal(0)),
                sum((row["cost"] for row in own if row["monday"] == one and not row["is_usage"]), Decimal(0)),
            )
            for one in mondays
        }
        usage = [row for row in own if row["is_usage"]]
        found.append(WeekCosts(currency, weeks, _movers(usage, "owner", mondays), _movers(usage, "service", mondays)))
    return tuple(sorted(found, key=lambda one: (-sum(one.weeks[monday]), one.currency)))


def _movers(rows: Sequence[Row], name: str, mondays: Sequence[date]) -> tuple[Mover, ...]:
    """Those that moved most against the four weeks before, and all others as one, so that the changes are the whole."""
    by_week: dict[str, dict[date, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for row in rows:
        by_week[row[name]][row["monday"]] += row["cost"]
    *before, this = mondays
    movers = [
        Mover(one, costs[this], costs[before[-1]], sum((costs[week] for week in before[-_USUAL:]), Decimal(0)) / _USUAL)
        for one, costs in by_week.items()
    ]
    movers.sort(key=lambda mover: (-abs(mover.change), mover.name))
    rest = movers[_MOVERS:]
    if rest:
        sums = [sum((getattr(one, field) for one in rest), Decimal(0)) for field in ("cost", "previous", "usual")]
        return (*movers[:_MOVERS], Mover(_OTHERS, *sums))
    return tuple(movers)


def render_review(review: Review) -> str:
    """The page as HTML. Every text is escaped; it asks for nothing outside itself."""
    import pandas as pd
    from plotly.offline import get_plotlyjs

    parts = []
    for number, costs in enumerate(review.costs, start=1):
        frame = pd.DataFrame(
            {0: [usage for usage, _ in costs.weeks.values()], 1: [other for _, other in costs.weeks.values()]},
            index=[f"{monday.day} {formatting.short_month(monday)}" for monday in costs.weeks],
        )
        parts.append((costs, f"figure-{number}", to_script(figures.weeks(frame, costs.currency))))
    return (
        environment()
        .get_template("weekly_review.html.j2")
        .render(review=review, basis=words.BASES[review.basis], parts=parts, plotlyjs=get_plotlyjs())
    )


def write_weekly_review(connection: psycopg.Connection[Any], out_dir: Path) -> Path | None:
    """Write the page of the last complete week into a folder, over the former one; None where no week is complete.

    The same marts give the same bytes. Raises psycopg.Error where the marts cannot be read, OSError where it cannot be written.
    """
    review = read_review(connection)
    if review is None:
        return None
    year, week, _ = review.monday.isocalendar()
    path = out_dir / f"week-{year}-{week:02}.html"
    out_dir.mkdir(parents=True, exist_ok=True)
    write_whole(path, render_review(review).encode())
    return path
