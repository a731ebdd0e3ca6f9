-- One row per recommendation that was done.
select
    recommendation_id,
    kind,
    resource_id,
    team,
    currency,
    method,
    note,
    days_before,
    days_after,
    predicted_monthly_saving,
    predicted_low,
    predicted_high,
    counterfactual_cost,
    actual_cost,
    realised_saving,
    realised_monthly_saving,
    is_in_band,
    done_on,
    measured_to
from {{ source('ml', 'realised_savings') }}
