"""Where a month that is in progress will end: what it has cost, what it will have cost, and how far that can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from reports.formatting import to_cents
from reports.queries import Row

SHOWN_TEAMS = 25
_TOTAL = "total"
_NAMES = {"unallocated": "Unallocated", "other": "Too small to be foreseen alone"}

# One row per currency and team, and for the total. Months to come are forecast too: only one with complete days is in progress.
MONTH_ENDS = """
select
    periods.dimension, periods.dimension_value, periods.billing_currency, periods.actual_cost, periods.total_cost,
    periods.lower_80, periods.upper_80, periods.trained_to, scores.wape
from finops.forecast_periods as periods
left join finops.forecast_scores as scores
    on
        periods.dimension = scores.dimension
        and periods.dimension_value = scores.dimension_value
        and periods.billing_currency = scores.billing_currency
        and scores.is_chosen
where
    periods.dimension in ('total', 'team')
    and periods.period_kind = 'month'
    and periods.period_start = %(period)s
    and periods.trained_to >= periods.period_start
"""

# One row per currency and day that is complete.
ACTUAL_DAYS = """
select costs.billing_currency, costs.charge_date as day, coalesce(sum(costs.{basis}), 0) as cost
from finops.daily_costs as costs
inner join finops.forecast_periods as periods
    on
        costs.billing_currency = periods.billing_currency
        and costs.charge_date between periods.period_start and periods.trained_to
where periods.dimension = 'total' and periods.period_kind = 'month' and periods.period_start = %(period)s
group by 1, 2
order by 1, 2
"""

# One row per currency and day to come of the month.
EXPECTED_DAYS = """
select billing_currency, forecast_date as day, mean as cost, lower_80, upper_80
from finops.forecasts
where
    dimension = 'total'
    and forecast_date >= %(period)s
    and forecast_date < %(period)s + interval '1 month'
order by 1, 2
"""


@dataclass(frozen=True)
class EndLine:
    """What a team, or all of them, has cost and will have cost.

    `low`, `high`: the band that is meant to hold it 80 times of 100. `error`: of days foretold before they were known; None
    without any.
    """

    name: str
    actual: Decimal
    expected: Decimal
    low: Decimal
    high: Decimal
    error: Decimal | None


@dataclass(frozen=True)
class Day:
    """A day of the month: what it cost, or is expected to cost between `low` and `high`."""

    day: date
    cost: Decimal
    low: Decimal
    high: Decimal


@dataclass(frozen=True)
class MonthEnd:
    """Where the month ends in a currency. `others`: how many teams are not shown, what they have cost and will have cost."""

    currency: str
    trained_to: date
    total: EndLine
    teams: tuple[EndLine, ...]
    others: tuple[int, Decimal, Decimal]
    actual: tuple[Day, ...]
    expected: tuple[Day, ...]


def month_ends(rows: Sequence[Row], actual: Sequence[Row], expected: Sequence[Row]) -> tuple[MonthEnd, ...]:
    """The month in every currency that is forecast, in the order of the largest; none for a month that is over or to come."""
    found = []
    for total in (row for row in rows if row["dimension"] == _TOTAL):
        currency = total["billing_currency"]
        lines = [_line(row) for row in rows if row["dimension"] != _TOTAL and row["billing_currency"] == currency]
        # A team that has had no cost for long still has a series, of nothing.
        teams = sorted(
            (one for one in lines if to_cents(one.actual) or to_cents(one.expected)),
            key=lambda one: (-one.expected, one.name),
        )
        rest = teams[SHOWN_TEAMS:]
        found.append(
            MonthEnd(
                currency=currency,
                trained_to=total["trained_to"],
                total=_line(total),
                teams=tuple(teams[:SHOWN_TEAMS]),
                others=(
                    len(rest),
                    sum((one.actual for one in rest), Decimal(0)),
                    sum((one.expected for one in rest), Decimal(0)),
                ),
                actual=tuple(
                    Day(row["day"], row["cost"], row["cost"], row["cost"])
                    for row in actual
                    if row["billing_currency"] == currency
                ),
                expected=tuple(
                    Day(row["day"], row["cost"], row["lower_80"], row["upper_80"])
                    for row in expected
                    if row["billing_currency"] == currency
                ),
            )
        )
    return tuple(sorted(found, key=lambda end: (-end.total.expected, end.currency)))


def _line(row: Row) -> EndLine:
    name: str = row["dimension_value"]
    return EndLine(
        _NAMES.get(name, name), row["actual_cost"], row["total_cost"], row["lower_80"], row["upper_80"], row["wape"]
    )
