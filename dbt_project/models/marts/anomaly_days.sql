-- One row per incident and day: what it was expected to cost, and what it cost.
-- A view: the asset ml/anomalies works it out of the daily series, after they are made.
{{ config(materialized='view') }}

select
    anomaly_id,
    expected_cost,
    actual_cost,
    impact_cost,
    charge_date
from {{ ref('stg_ml__anomaly_days') }}
