-- One row per kind of saving and currency: what was promised of all that is done and measured for two weeks, and what came of it.
{{ config(materialized='view') }}

select
    kind,
    currency,
    count(*) as changes,
    count(*) filter (where is_in_band) as changes_in_band,
    sum(predicted_monthly_saving) as predicted_monthly_saving,
    sum(realised_monthly_saving) as realised_monthly_saving,
    sum(realised_monthly_saving) / nullif(sum(predicted_monthly_saving), 0) as realised_share
from {{ ref('stg_ml__realised_savings') }}
where realised_monthly_saving is not null and days_after >= 14
group by 1, 2
