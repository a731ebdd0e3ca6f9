-- One row per scope, day, distinct attributes and part of AWS line items: their measures as FOCUS defines them.
-- Attributes fix the type of a line, so costs follow from the sums. A recurring commitment fee has two parts, the purchase (billed)
-- and the unused commitment (effective), because FOCUS shows what a commitment did not cover as usage of its own.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    indexes=[{'columns': ['scope_id', 'charge_date']}],
) }}
{%- set changes = changed_days(format='cur') %}
{{ note_changes(changes) }}

with lines as (
    {%- for line_filter in changed_line_filters(changes) %}
    select
        scope_id,
        charge_date,
        attributes_id,
        count(*) as line_count,
        sum(line_item_usage_amount) as usage_amount,
        sum(line_item_unblended_cost) as unblended_cost,
        sum(pricing_public_on_demand_cost) as on_demand_cost,
        sum(savings_plan_savings_plan_effective_cost) as savings_plan_cost,
        sum(savings_plan_total_commitment_to_date) as savings_plan_commitment,
        sum(savings_plan_used_commitment) as savings_plan_used,
        sum(reservation_effective_cost) as reservation_cost,
        sum(reservation_unused_amortized_upfront_fee_for_billing_period) as reservation_unused_upfront,
        sum(reservation_unused_recurring_fee) as reservation_unused_recurring,
        sum(reservation_unused_quantity) as reservation_unused_quantity,
        {{ common_price('line_item_unblended_rate') }} as unblended_rate,
        {{ common_price('pricing_public_on_demand_rate') }} as on_demand_rate,
        min(line_item_usage_start_date) as charge_period_start,
        max(line_item_usage_end_date) as charge_period_end,
        sum(split_cost) as split_cost
    from {{ ref('stg_cur__line_items') }}
    where {{ line_filter }}
    group by 1, 2, 3
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

attributes as (
    select
        scope_id,
        attributes_id,
        line_item_line_item_type as line_type,
        is_commitment_purchase or is_commitment_refund as is_commitment_fee
    from {{ ref('stg_cur__line_item_attributes') }}
    where {{ in_changed_scopes(changes) }}
),

typed as (
    select
        lines.*,
        attributes.line_type,
        attributes.is_commitment_fee,
        coalesce(lines.unblended_cost, 0) as billed_cost,
        case attributes.line_type
            when 'SavingsPlanRecurringFee' then coalesce(lines.savings_plan_commitment, 0) - coalesce(lines.savings_plan_used, 0)
            when 'RIFee' then coalesce(lines.reservation_unused_upfront, 0) + coalesce(lines.reservation_unused_recurring, 0)
        end as unused_cost
    from lines
    left join attributes on lines.scope_id = attributes.scope_id and lines.attributes_id = attributes.attributes_id
),

charged as (
    select
        scope_id,
        charge_date,
        attributes_id,
        false as is_unused_part,
        line_count,
        case when line_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'FlatRateSubscription') then usage_amount end as usage_amount,
        billed_cost,
        case
            when line_type = 'SavingsPlanCoveredUsage' then coalesce(savings_plan_cost, 0)
            when line_type = 'DiscountedUsage' then coalesce(reservation_cost, 0)
            when line_type = 'SavingsPlanNegation' or is_commitment_fee then 0
            else billed_cost
        end as effective_cost,
        case
            when line_type = 'DiscountedUsage' then coalesce(on_demand_cost, reservation_cost)
            when line_type = 'SavingsPlanNegation' or is_commitment_fee then 0
            else billed_cost
        end as contracted_cost,
        case
            when line_type = 'SavingsPlanNegation' or is_commitment_fee then 0
            when line_type in ('Tax', 'Credit', 'Refund', 'Fee') then billed_cost
            when line_type like '%Discount' then coalesce(on_demand_cost, 0)
            else on_demand_cost
        end as list_cost,
        charge_period_start,
        charge_period_end,
        -- The price whose product with the quantity is the contracted cost above.
        case
            when line_type in ('Usage', 'SavingsPlanCoveredUsage', 'FlatRateSubscription') then unblended_rate
            when line_type = 'DiscountedUsage' and on_demand_cost is not null then on_demand_rate
        end as contracted_unit_price,
        case
            when line_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'FlatRateSubscription') then on_demand_rate
        end as list_unit_price,
        -- A savings plan is an amount of money, a reservation a number of hours.
        case line_type
            when 'SavingsPlanCoveredUsage' then savings_plan_cost
            when 'SavingsPlanRecurringFee' then savings_plan_commitment
            when 'DiscountedUsage' then usage_amount
            when 'RIFee' then usage_amount
        end as commitment_discount_quantity,
        split_cost
    from typed
),

unused as (
    select
        scope_id,
        charge_date,
        attributes_id,
        true as is_unused_part,
        -- The lines are counted with their purchase.
        cast(0 as bigint) as line_count,
        cast(null as numeric) as usage_amount,
        cast(0 as numeric) as billed_cost,
        unused_cost as effective_cost,
        cast(0 as numeric) as contracted_cost,
        cast(0 as numeric) as list_cost,
        charge_period_start,
        charge_period_end,
        cast(null as numeric) as contracted_unit_price,
        cast(null as numeric) as list_unit_price,
        case line_type when 'RIFee' then reservation_unused_quantity else unused_cost end as commitment_discount_quantity,
        cast(null as numeric) as split_cost
    from typed
    where unused_cost <> 0
),

parts as (
    select * from charged
    union all
    select * from unused
)

select
    scope_id,
    charge_date,
    attributes_id,
    is_unused_part,
    line_count,
    usage_amount as consumed_quantity,
    usage_amount as pricing_quantity,
    billed_cost,
    effective_cost,
    contracted_cost,
    list_cost,
    charge_period_start,
    charge_period_end,
    contracted_unit_price,
    list_unit_price,
    commitment_discount_quantity,
    cast(null as numeric) as pricing_currency_contracted_unit_price,
    cast(null as numeric) as pricing_currency_effective_cost,
    cast(null as numeric) as pricing_currency_list_unit_price,
    split_cost
from parts
