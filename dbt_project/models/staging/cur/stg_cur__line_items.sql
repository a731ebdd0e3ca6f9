-- One row per delivered line of an AWS cost and usage report: the numbers that a cost basis is made of.
select
    scope_id,
    charge_date,
    attributes_id,
    line_item_usage_amount,
    line_item_unblended_cost,
    pricing_public_on_demand_cost,
    savings_plan_savings_plan_effective_cost,
    savings_plan_total_commitment_to_date,
    savings_plan_used_commitment,
    reservation_effective_cost,
    reservation_unused_amortized_upfront_fee_for_billing_period,
    reservation_unused_recurring_fee,
    line_item_usage_start_date,
    line_item_usage_end_date,
    line_item_unblended_rate,
    pricing_public_on_demand_rate,
    reservation_unused_quantity,
    -- What a container used of its parent resource, and its part of what nobody used.
    coalesce(split_line_item_split_cost + coalesce(split_line_item_unused_cost, 0), split_line_item_unused_cost) as split_cost
from {{ source('raw', 'cur_line_items') }}
