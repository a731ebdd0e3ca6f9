"""Forecasts and tracked budgets by hand, and the statements that break each rule of their gates."""

from __future__ import annotations

from typing import Any

import psycopg

_MADE = """
create schema if not exists intermediate;
create table intermediate.int_daily_series (
    dimension text, dimension_value text, billing_currency text, curve_cost numeric, scheduled_cost numeric, irregular_cost numeric,
    cost numeric, is_complete boolean, charge_date date
);
insert into intermediate.int_daily_series values ('team', 'Refunds', 'USD', -1, 0, 0, -1, true, '2026-10-29');

drop table if exists finops.forecasts, finops.forecast_periods, finops.forecast_scores, finops.budget_tracking;
create table finops.forecasts as
select
    series.dimension, series.dimension_value, 'USD' as billing_currency, 'median' as model, 'v1' as model_version, 'd' as series_digest,
    'r' as run_id, series.cost as mean, series.cost - 1 as lower_80, series.cost + 1 as upper_80, series.cost - 2 as lower_95,
    series.cost + 2 as upper_95, 0::numeric as scheduled_mean, days::date as forecast_date, date '2026-10-29' as trained_to
from (values ('total', 'all', 10.5), ('team', 'Search', 11.5), ('team', 'Refunds', -1), ('ai_model', 'gpt', 2))
    as series (dimension, dimension_value, cost)
cross join generate_series(timestamp '2026-10-30', timestamp '2026-10-31', interval '1 day') as days;

create table finops.forecast_periods as
select
    dimension, dimension_value, billing_currency, 'month' as period_kind, run_id, 100::numeric as actual_cost, sum(mean) as forecast_cost,
    100 + sum(mean) as total_cost, 90 + sum(mean) as lower_80, 110 + sum(mean) as upper_80, 80 + sum(mean) as lower_95,
    120 + sum(mean) as upper_95, date '2026-10-01' as period_start, date '2026-10-31' as period_end, trained_to
from finops.forecasts group by dimension, dimension_value, billing_currency, run_id, trained_to;

create table finops.forecast_scores as
select
    'total' as dimension, 'all' as dimension_value, 'USD' as billing_currency, model, '' as reason, 'r' as run_id, 0.1 as wape, 0.8 as mase,
    0.8 as coverage_80, 0.95 as coverage_95, 12 as folds, model = 'median' as is_chosen
from (values ('median'), ('prophet')) as models (model);

create table finops.budget_tracking as
select
    scope_type, scope_name, owner, budget_currency, counted_currencies, left_out_currencies, 'month' as period_kind, budget_cost,
    charged_cost as actual_cost, 1::numeric as committed_cost, charged_cost + 5 as expected_cost, charged_cost + 3 as expected_lower_80,
    charged_cost + 7 as expected_upper_80, charged_cost + 1 as expected_lower_95, charged_cost + 9 as expected_upper_95,
    variance_cost, variance_cost + 5 as expected_variance_cost, 0.5 as overrun_probability, billing_period as period_start
from finops.chargeback_budgets;
"""


def make_forecast_marts(connection: psycopg.Connection[Any]) -> None:
    """Make them, in place of empty ones; tracked are the budgets of chargeback_budgets."""
    connection.execute(_MADE)


_DAY = "update finops.forecasts set {} where dimension_value = 'Search' and forecast_date = '2026-10-30'"
_PERIOD = "update finops.forecast_periods set {} where dimension = 'total'"
_SCORE = "update finops.forecast_scores set {} where model = 'prophet'"
_BUDGET = "update finops.budget_tracking set {} where scope_type = 'team'"
_BANDS = "bands hold what is expected, the wider the narrower"
_ALL_DAYS = "each day after the last complete one is forecast, and no other"

BROKEN = [
    ("forecasts", "insert into finops.forecasts select * from finops.forecasts where dimension = 'total'",
     "dimension, dimension_value, billing_currency, forecast_date together are unique", "total"),
    ("forecasts", _DAY.format("dimension = 'region'"),
     "dimension is one of total, provider, team, cost_center, project, service, account, ai_model", "region"),
    ("forecasts", _DAY.format("lower_80 = 9, lower_95 = 9.1"), _BANDS, "Search"),
    ("forecasts", _DAY.format("upper_80 = mean - 0.0000000001"), _BANDS, "Search"),
    ("forecasts", _DAY.format("mean = mean + 0.0000000001"),
     "values of a dimension add up to the total of the day to the last digit", "2026-10-30"),
    ("forecasts", "update finops.forecasts set mean = -0.5, lower_80 = -1 where dimension = 'ai_model'",
     "nothing that has never been below zero is expected to be", "gpt"),
    ("forecasts", "delete from finops.forecasts where forecast_date = '2026-10-30'", _ALL_DAYS, "Search"),
    ("forecasts", _DAY.format("run_id = 'other'"), "all are of one run", "2"),
    ("forecast_periods", _PERIOD.format("lower_95 = total_cost + 1"), _BANDS, "all"),
    ("forecast_periods", _PERIOD.format("actual_cost = 99"),
     "total_cost is what was charged and what is expected, and that the sum of its days in forecasts", "99"),
    ("forecast_periods", _PERIOD.format("forecast_cost = forecast_cost + 1, actual_cost = actual_cost - 1"),
     "total_cost is what was charged and what is expected, and that the sum of its days in forecasts", "99"),
    ("forecast_periods", _PERIOD.format("period_kind = 'week'"), "period_kind is one of month, quarter, year", "week"),
    ("forecast_scores", _SCORE.format("coverage_80 = 1.01"), "errors are not negative, and shares between 0 and 1", "prophet"),
    ("forecast_scores", _SCORE.format("is_chosen = true"), "one model of a series is chosen", "2"),
    ("budget_tracking", _BUDGET.format("expected_upper_80 = 0"),
     "bands hold what is expected, and the probability of an overrun is between 0 and 1", "Search"),
    ("budget_tracking", _BUDGET.format("overrun_probability = 1.01"),
     "bands hold what is expected, and the probability of an overrun is between 0 and 1", "Search"),
    ("budget_tracking", _BUDGET.format("expected_variance_cost = 0"), "variances are costs above the budget", "Search"),
    ("budget_tracking", _BUDGET.format("actual_cost = actual_cost + 1, variance_cost = variance_cost + 1"),
     "months of a budget were charged what chargeback_budgets says", "Search"),
    ("forecast_periods", "insert into finops.forecast_periods select * from finops.forecast_periods where dimension = 'total'",
     "dimension, dimension_value, billing_currency, period_kind, period_start together are unique", "total"),
    ("forecast_periods", _PERIOD.format("dimension = 'region'"),
     "dimension is one of total, provider, team, cost_center, project, service, account, ai_model", "region"),
    ("forecast_periods", _PERIOD.format("run_id = 'other'"), "all are of one run", "2"),
    ("forecast_scores", "insert into finops.forecast_scores select * from finops.forecast_scores where model = 'prophet'",
     "dimension, dimension_value, billing_currency, model together are unique", "prophet"),
    ("forecast_scores", _SCORE.format("run_id = 'other'"), "all are of one run", "2"),
    ("budget_tracking", "insert into finops.budget_tracking select * from finops.budget_tracking where scope_type = 'team'",
     "scope_type, scope_name, budget_currency, period_kind, period_start together are unique", "Search"),
    ("budget_tracking", _BUDGET.format("period_kind = 'week'"), "period_kind is one of month, quarter, year", "week"),
]  # fmt: skip
EMPTY = {
    "forecasts": [
        *(
            "dimension",
            "dimension_value",
            "billing_currency",
            "forecast_date",
            "model",
            "model_version",
            "series_digest",
        ),
        *("trained_to", "run_id", "mean"),
    ],
    "forecast_periods": [
        *(
            "dimension",
            "dimension_value",
            "billing_currency",
            "period_kind",
            "period_start",
            "period_end",
            "trained_to",
            "run_id",
        ),
    ],
    "forecast_scores": ["dimension", "dimension_value", "billing_currency", "model", "folds", "is_chosen", "run_id"],
    "budget_tracking": [
        *("scope_type", "scope_name", "owner", "budget_currency", "budget_cost", "actual_cost", "variance_cost"),
    ],
}
