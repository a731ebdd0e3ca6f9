-- One row per series (a value of a dimension, in a currency) and day to come: what it is expected to cost.
-- A view: the asset ml/forecasts works it out of the daily series, after the marts are made.
{{ config(materialized='view') }}

select
    dimension,
    dimension_value,
    billing_currency,
    model,
    model_version,
    series_digest,
    run_id,
    mean,
    lower_80,
    upper_80,
    lower_95,
    upper_95,
    scheduled_mean,
    forecast_date,
    trained_to
from {{ ref('stg_ml__forecasts') }}
