-- The ratios of the parts of each split charge add up to exactly 1, in the months delivered last.
select
    x_cost_record_id,
    sum({{ focus_ratio('allocated_method_details') }}) as ratio
from {{ ref('focus_cost_and_usage') }}
where
    x_allocation_rule is not null
    and x_billing_period in (
        select delivery_period
        from {{ ref('stg_deliveries__scopes') }}
        order by delivery_id desc
        limit 4
    )
group by 1
having sum({{ focus_ratio('allocated_method_details') }}) is distinct from 1
