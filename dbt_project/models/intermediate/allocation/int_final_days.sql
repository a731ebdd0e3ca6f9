-- One row per billing month: the last day that every source with charges in it has delivered.
with source_progress as (
    select
        source_name,
        billing_period,
        cast(billing_period + interval '1 month' - interval '1 day' as date) as month_end,
        max(charge_date) as last_day,
        max(billing_period) over (partition by source_name) > billing_period as has_later_months
    from {{ ref('int_charge_totals_daily') }}
    where not is_breakdown
    group by 1, 2
)

select
    billing_period,
    min(case when has_later_months then month_end else last_day end) as final_day
from source_progress
group by 1
