-- One row per series and month, quarter or year that is not over: what it has cost, and what it will have cost at its end.
-- A view: the asset ml/forecasts works it out of the daily series, after the marts are made.
{{ config(materialized='view') }}

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
from {{ ref('stg_ml__forecast_periods') }}
