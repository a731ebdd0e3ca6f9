-- One row per series and month, quarter or year that is not over.
select
    dimension,
    dimension_value,
    billing_currency,
    period_kind,
    run_id,
    actual_cost,
    forecast_cost,
    total_cost,
    lower_80,
    upper_80,
    lower_95,
    upper_95,
    period_start,
    period_end,
    trained_to
from {{ source('ml', 'forecast_periods') }}
