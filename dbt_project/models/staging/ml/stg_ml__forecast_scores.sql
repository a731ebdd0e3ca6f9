-- One row per series and model that was compared.
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
from {{ source('ml', 'forecast_scores') }}
