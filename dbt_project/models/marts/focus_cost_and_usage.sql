-- One row per row of cost_records, or per owner's part of it where an allocation rule shares it: FOCUS 1.4 CostAndUsage, and x_ columns.
-- A view: a run pays nothing for it. x_charge_date and x_billing_period are indexed below; a query that names neither reads everything.
{{ config(materialized='view') }}
{%- set pool_columns = [
    'source_name', 'billing_period', 'billing_account_id', 'sub_account_id', 'billing_currency', 'charge_category', 'allocation_rule',
] %}

with records as (
    select * from {{ ref('cost_records') }}
),

-- The part of each owner of a pool as a stretch of the way from 0 to 1.
shares as (
    select
        *,
        sum(allocation_share) over (
            partition by {{ pool_columns | join(', ') }}
            order by {{ bytewise('team') }}, {{ bytewise('cost_center') }}, {{ bytewise('project') }}
            rows unbounded preceding
        ) as share_to
    from {{ ref('cost_allocations') }}
    where allocation_share <> 0
)

select
    case
        when shares.share_to is null then method_details.map
        else {{ focus_elements('shares.allocation_share') }}
    end as allocated_method_details,
    case when shares.share_to is null then records.allocated_method_id else records.allocation_rule end as allocated_method_id,
    case
        when shares.share_to is null then records.allocated_resource_id
        else concat_ws('/', shares.team, shares.cost_center, shares.project)
    end as allocated_resource_id,
    case when shares.share_to is null then records.allocated_resource_name else shares.team end as allocated_resource_name,
    case
        when shares.share_to is null then allocated_tags.map
        else {{ json_object({'team': 'shares.team', 'cost_center': 'shares.cost_center', 'project': 'shares.project'}) }}
    end as allocated_tags,
    records.availability_zone,
    {{ allocated_part('records.billed_cost') }} as billed_cost,
    records.billing_account_id,
    records.billing_account_name,
    records.billing_account_type,
    records.billing_currency,
    {{ utc_time("(records.billing_period + interval '1 month')") }} as billing_period_end,
    {{ utc_time('records.billing_period') }} as billing_period_start,
    records.capacity_reservation_id,
    records.capacity_reservation_status,
    records.charge_category,
    records.charge_class,
    records.charge_description,
    records.charge_frequency,
    coalesce(records.charge_period_end, {{ utc_time('(records.charge_date + 1)') }}) as charge_period_end,
    records.charge_period_start,
    records.commitment_discount_category,
    records.commitment_discount_id,
    records.commitment_discount_name,
    case
        when records.commitment_discount_id is not null then {{ allocated_part('records.commitment_discount_quantity') }}
    end as commitment_discount_quantity,
    records.commitment_discount_status,
    records.commitment_discount_type,
    case
        when records.commitment_discount_id is not null and records.commitment_discount_quantity is not null
            then records.commitment_discount_unit
    end as commitment_discount_unit,
    eligibility.map as commitment_program_eligibility_details,
    {{ allocated_part('records.consumed_quantity') }} as consumed_quantity,
    case when records.consumed_quantity is not null then records.consumed_unit end as consumed_unit,
    contracts.map as contract_applied,
    {{ allocated_part('records.contracted_cost') }} as contracted_cost,
    case when records.charge_category <> 'Tax' then records.contracted_unit_price end as contracted_unit_price,
    {{ allocated_part('records.effective_cost') }} as effective_cost,
    records.host_provider_name,
    records.invoice_detail_id,
    records.invoice_id,
    records.invoice_issuer_name,
    {{ allocated_part('records.list_cost') }} as list_cost,
    case when records.charge_category <> 'Tax' then records.list_unit_price end as list_unit_price,
    case when records.charge_category <> 'Tax' then records.pricing_category end as pricing_category,
    records.pricing_currency,
    case
        when records.charge_category = 'Tax' then null
        when records.pricing_currency = records.billing_currency
            then coalesce(records.pricing_currency_contracted_unit_price, records.contracted_unit_price)
        else records.pricing_currency_contracted_unit_price
    end as pricing_currency_contracted_unit_price,
    case
        when records.pricing_currency_effective_cost is not null then {{ allocated_part('records.pricing_currency_effective_cost') }}
        when records.pricing_currency = records.billing_currency then {{ allocated_part('records.effective_cost') }}
    end as pricing_currency_effective_cost,
    case
        when records.charge_category = 'Tax' then null
        when records.pricing_currency = records.billing_currency
            then coalesce(records.pricing_currency_list_unit_price, records.list_unit_price)
        else records.pricing_currency_list_unit_price
    end as pricing_currency_list_unit_price,
    case when records.charge_category <> 'Tax' then {{ allocated_part('records.pricing_quantity') }} end as pricing_quantity,
    case when records.pricing_quantity is not null and records.charge_category <> 'Tax' then records.pricing_unit end as pricing_unit,
    records.region_id,
    records.region_name,
    records.resource_id,
    records.resource_name,
    records.resource_type,
    records.service_category,
    records.service_name,
    records.service_provider_name,
    records.service_subcategory,
    case when records.charge_category <> 'Tax' then records.sku_id end as sku_id,
    case when records.charge_category <> 'Tax' then records.sku_meter end as sku_meter,
    case
        when records.charge_category <> 'Tax' and records.sku_price_id is not null
            then coalesce(price_details.map, aws_price_details.price_details)
    end as sku_price_details,
    case when records.charge_category <> 'Tax' then records.sku_price_id end as sku_price_id,
    records.sub_account_id,
    records.sub_account_name,
    records.sub_account_type,
    records.tags,
    records.source_name as x_source_name,
    records.cost_record_id as x_cost_record_id,
    records.publisher_name as x_publisher_name,
    coalesce(shares.team, records.team) as x_team,
    case when shares.share_to is null then records.cost_center else shares.cost_center end as x_cost_center,
    case when shares.share_to is null then records.project else shares.project end as x_project,
    records.environment as x_environment,
    records.owner_source as x_owner_source,
    case
        when records.cost_type = 'shared' and coalesce(shares.team, 'unallocated') = 'unallocated' then 'unallocated'
        else records.cost_type
    end as x_cost_type,
    records.allocation_rule as x_allocation_rule,
    records.line_count as x_line_count,
    records.billing_period as x_billing_period,
    records.delivery_period as x_delivery_period,
    records.charge_date as x_charge_date
from records
-- A pool of which no share is known yet stays whole, so that no query ever misses a charge.
left join shares
    on
        records.cost_type = 'shared'
        and records.source_name = shares.source_name
        and records.billing_period = shares.billing_period
        and records.billing_currency = shares.billing_currency
        and records.charge_category = shares.charge_category
        and records.allocation_rule = shares.allocation_rule
        and records.billing_account_id is not distinct from shares.billing_account_id
        and records.sub_account_id is not distinct from shares.sub_account_id
-- Each by its key, so that PostgreSQL leaves out the maps that a query does not ask for.
left join {{ ref('stg_deliveries__maps') }} as price_details on records.sku_price_details_id = price_details.map_id
left join {{ ref('int_aws_price_details') }} as aws_price_details on records.sku_price_details_id = aws_price_details.price_details_id
left join {{ ref('stg_deliveries__maps') }} as contracts on records.contract_applied_id = contracts.map_id
left join {{ ref('stg_deliveries__maps') }} as eligibility on records.commitment_program_eligibility_details_id = eligibility.map_id
left join {{ ref('stg_deliveries__maps') }} as allocated_tags on records.allocated_tags_id = allocated_tags.map_id
left join {{ ref('stg_deliveries__maps') }} as method_details on records.allocated_method_details_id = method_details.map_id
