-- One row per incident: what cost more than expected, when, by how much and why.
-- A view: the asset ml/anomalies works it out of the daily series, after they are made.
{{ config(materialized='view') }}

select
    anomaly_id,
    dimension,
    dimension_value,
    billing_currency,
    granularity,
    state,
    feedback,
    severity,
    method,
    team,
    drivers,
    breakdown,
    model_version,
    run_id,
    expected_cost,
    actual_cost,
    impact_cost,
    surprise,
    started_on,
    noticed_on,
    ended_on,
    last_seen_on
from {{ ref('stg_ml__anomalies') }}
