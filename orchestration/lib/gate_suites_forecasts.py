"""What must hold for forecasts and for budgets that are tracked by them."""

from __future__ import annotations

from itertools import pairwise

from orchestration.lib.gate_checks import Suite, filled, no_rows, one_of, unique

_SERIES = ("dimension", "dimension_value", "billing_currency")
_DIMENSIONS = ["total", "provider", "team", "cost_center", "project", "service", "account", "ai_model"]
_PERIODS = ["month", "quarter", "year"]
_ONE_RUN = no_rows(
    "all are of one run",
    "select count(distinct run_id) as runs from {batch} having count(distinct run_id) > 1",
)


def _ordered(expected: str, prefix: str = "") -> str:
    ends = [f"{prefix}lower_95", f"{prefix}lower_80", expected, f"{prefix}upper_80", f"{prefix}upper_95"]
    return " and ".join(f"{one} <= {other}" for one, other in pairwise(ends))


FORECASTS = Suite(
    for_closing=False,
    shown=(*_SERIES, "forecast_date"),
    checks=(
        unique(*_SERIES, "forecast_date"),
        *filled(*_SERIES, "forecast_date", "model", "model_version", "series_digest", "trained_to", "run_id", "mean"),
        one_of("dimension", _DIMENSIONS),
        no_rows(
            "bands hold what is expected, the wider the narrower",
            f"""
            select dimension, dimension_value, forecast_date, lower_95, lower_80, mean, upper_80, upper_95 from {{batch}}
            where not ({_ordered("mean")})
            """,  # noqa: S608
        ),
        no_rows(
            "values of a dimension add up to the total of the day to the last digit",
            """
            select dimension, forecast_date, billing_currency, sum(mean) as mean, max(total_mean) as total_mean
            from {batch} as batch
            left join (
                select forecast_date, billing_currency, mean as total_mean from {batch} as whole where dimension = 'total'
            ) as totals using (forecast_date, billing_currency)
            where dimension <> 'ai_model'
            group by dimension, forecast_date, billing_currency
            having sum(mean) is distinct from max(total_mean)
            """,
        ),
        no_rows(
            "nothing that has never been below zero is expected to be",
            """
            select batch.dimension, batch.dimension_value, batch.forecast_date, batch.mean
            from {batch} as batch
            left join (
                select distinct dimension, dimension_value, billing_currency from intermediate.int_daily_series
                where (curve_cost < 0 or scheduled_cost < 0) and exists (select 1 from {batch} as others where others.mean < 0)
            ) as negative using (dimension, dimension_value, billing_currency)
            where negative.dimension is null and batch.mean < 0 and batch.dimension_value <> 'other'
            """,
        ),
        no_rows(
            "each day after the last complete one is forecast, and no other",
            """
            select dimension, dimension_value, billing_currency, count(*) as days, min(forecast_date) as first, max(forecast_date) as last
            from {batch}
            group by dimension, dimension_value, billing_currency
            having min(forecast_date) <> max(trained_to) + 1 or max(forecast_date) - min(forecast_date) + 1 <> count(*)
            """,
        ),
        _ONE_RUN,
    ),
)
FORECAST_PERIODS = Suite(
    for_closing=False,
    shown=(*_SERIES, "period_kind", "period_start"),
    checks=(
        unique(*_SERIES, "period_kind", "period_start"),
        *filled(*_SERIES, "period_kind", "period_start", "period_end", "trained_to", "run_id"),
        one_of("dimension", _DIMENSIONS),
        one_of("period_kind", _PERIODS),
        no_rows(
            "bands hold what is expected, the wider the narrower",
            f"""
            select dimension, dimension_value, period_start, lower_95, lower_80, total_cost, upper_80, upper_95 from {{batch}}
            where not ({_ordered("total_cost")})
            """,  # noqa: S608
        ),
        no_rows(
            "total_cost is what was charged and what is expected, and that the sum of its days in forecasts",
            """
            select dimension, dimension_value, period_kind, period_start, actual_cost, forecast_cost, total_cost, days_cost
            from {batch} as batch
            left join lateral (
                select sum(days.mean) as days_cost from finops.forecasts as days
                where days.dimension = batch.dimension and days.dimension_value = batch.dimension_value
                    and days.billing_currency = batch.billing_currency
                    and days.forecast_date between batch.period_start and batch.period_end
            ) as days on true
            where total_cost is distinct from actual_cost + forecast_cost or forecast_cost is distinct from coalesce(days_cost, 0)
            """,
        ),
        _ONE_RUN,
    ),
)
FORECAST_SCORES = Suite(
    for_closing=False,
    shown=(*_SERIES, "model"),
    checks=(
        unique(*_SERIES, "model"),
        *filled(*_SERIES, "model", "folds", "is_chosen", "run_id"),
        no_rows(
            "errors are not negative, and shares between 0 and 1",
            """
            select dimension, dimension_value, model, wape, mase, coverage_80, coverage_95 from {batch}
            where wape < 0 or mase < 0 or coverage_80 not between 0 and 1 or coverage_95 not between 0 and 1 or folds < 0
            """,
        ),
        no_rows(
            "one model of a series is chosen",
            """
            select dimension, dimension_value, billing_currency, count(*) filter (where is_chosen) as chosen from {batch}
            group by dimension, dimension_value, billing_currency having count(*) filter (where is_chosen) <> 1
            """,
        ),
        _ONE_RUN,
    ),
)
BUDGET_TRACKING = Suite(
    for_closing=False,
    shown=("scope_type", "scope_name", "budget_currency", "period_kind", "period_start"),
    checks=(
        unique("scope_type", "scope_name", "budget_currency", "period_kind", "period_start"),
        *filled("scope_type", "scope_name", "owner", "budget_currency", "budget_cost", "actual_cost", "variance_cost"),
        one_of("period_kind", _PERIODS),
        no_rows(
            "bands hold what is expected, and the probability of an overrun is between 0 and 1",
            f"""
            select scope_type, scope_name, period_start, expected_cost, overrun_probability from {{batch}}
            where not ({_ordered("expected_cost", "expected_")}) or overrun_probability not between 0 and 1
            """,  # noqa: S608
        ),
        no_rows(
            "variances are costs above the budget",
            """
            select scope_type, scope_name, period_start, budget_cost, actual_cost, variance_cost from {batch}
            where variance_cost is distinct from actual_cost - budget_cost
                or expected_variance_cost is distinct from expected_cost - budget_cost
            """,
        ),
        no_rows(
            "months of a budget were charged what chargeback_budgets says",
            """
            select scope_type, scope_name, period_start, actual_cost, charged_cost
            from {batch} as batch
            left join (
                select scope_type, scope_name, budget_currency, billing_period as period_start, charged_cost from finops.chargeback_budgets
            ) as charged using (scope_type, scope_name, budget_currency, period_start)
            where period_kind = 'month' and charged_cost <> actual_cost
            """,
        ),
    ),
)
FORECAST_SUITES = {
    "forecasts": FORECASTS,
    "forecast_periods": FORECAST_PERIODS,
    "forecast_scores": FORECAST_SCORES,
    "budget_tracking": BUDGET_TRACKING,
}
