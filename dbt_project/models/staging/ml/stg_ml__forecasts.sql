-- One row per series and day to come.
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
from {{ source('ml', 'forecasts') }}
