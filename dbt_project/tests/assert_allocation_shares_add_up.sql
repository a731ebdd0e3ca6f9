-- The shares of each pool add up to exactly 1.
select
    source_name,
    billing_period,
    billing_account_id,
    sub_account_id,
    billing_currency,
    charge_category,
    allocation_rule,
    sum(allocation_share) as allocation_share
from {{ ref('cost_allocations') }}
group by 1, 2, 3, 4, 5, 6, 7
having sum(allocation_share) <> 1
