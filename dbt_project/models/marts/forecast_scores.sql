-- One row per series and model that was compared: how well it foretold days that are known by now.
-- A view: the asset ml/forecasts works it out of the daily series, after the marts are made.
{{ config(materialized='view') }}

select
    dimension,
    dimension_value,
    billing_currency,
    model,
    reason,
    run_id,
    wape,
    mase,
    coverage_80,
    coverage_95,
    folds,
    is_chosen
from {{ ref('stg_ml__forecast_scores') }}
