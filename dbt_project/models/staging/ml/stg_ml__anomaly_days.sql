-- One row per incident of the last run and day.
select
    anomaly_id,
    charge_date,
    expected_cost,
    actual_cost,
    impact_cost
from {{ source('ml_anomalies', 'anomaly_days') }}
