-- The ratios of the parts of each split charge add up to exactly 1, on some days that were delivered last.
{{ config(tags=['thorough']) }}
-- depends_on: {{ ref('stg_deliveries__scopes') }}
-- depends_on: {{ ref('stg_deliveries__days') }}
select
    x_cost_record_id,
    sum({{ focus_ratio('allocated_method_details') }}) as ratio
from {{ ref('focus_cost_and_usage') }}
where x_allocation_rule is not null and {{ in_recent_days('x_charge_date') }}
group by 1
having sum({{ focus_ratio('allocated_method_details') }}) is distinct from 1
