-- One row per kind of saving, resource and reason why nothing could be recommended for it in the last run.
-- A view: the asset ml/recommendations fills what it shows, after the marts are made.
{{ config(materialized='view') }}

select
    kind,
    resource_id,
    reason
from {{ ref('stg_ml__recommendation_exclusions') }}
