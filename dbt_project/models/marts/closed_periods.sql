-- One row per closed billing month.
{{ config(materialized='view') }}

select
    close_id,
    billing_period,
    closed_at,
    closed_by,
    row_count,
    content_hash
from {{ ref('stg_audit__closes') }}
