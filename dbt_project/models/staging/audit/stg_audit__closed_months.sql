-- One row per close that was not taken back and billing month that its rows are of: its own, and those that they adjust.
select distinct
    closes.close_id,
    coalesce(cast({{ json_text('totals.value', 'adjusts_billing_period') }} as date), closes.billing_period) as billing_period
from {{ ref('stg_audit__closes') }} as closes
inner join {{ source('audit', 'closes') }} as records on closes.close_id = records.close_id
cross join lateral {{ json_items("records.record -> 'totals'") }} as totals (value, position)
