-- One row per scope, distinct attributes and part of the lines of every source: their texts as FOCUS names them.
with services as (
    select
        product_code,
        service_category,
        service_subcategory
    from {{ ref('aws_services') }}
),

focus as (
    select
        scope_id,
        attributes_id,
        false as is_unused_part,
        false as is_breakdown,
        billing_period,
        billing_account_id,
        billing_account_name,
        sub_account_id,
        sub_account_name,
        invoice_id,
        invoice_issuer_name,
        service_provider_name,
        host_provider_name,
        service_category,
        service_subcategory,
        service_name,
        region_id,
        region_name,
        availability_zone,
        resource_id,
        resource_name,
        resource_type,
        sku_id,
        sku_price_id,
        sku_meter,
        charge_category,
        charge_class,
        charge_frequency,
        charge_description,
        pricing_category,
        commitment_discount_id,
        commitment_discount_name,
        commitment_discount_category,
        commitment_discount_type,
        commitment_discount_status,
        consumed_unit,
        pricing_unit,
        billing_currency,
        tags_id,
        billing_account_type,
        sub_account_type,
        capacity_reservation_id,
        capacity_reservation_status,
        commitment_discount_unit,
        pricing_currency,
        publisher_name,
        invoice_detail_id,
        allocated_method_id,
        allocated_resource_id,
        allocated_resource_name,
        sku_price_details_id,
        contract_applied_id,
        commitment_program_eligibility_details_id,
        allocated_tags_id,
        allocated_method_details_id
    from {{ ref('stg_focus__charge_attributes') }}
),

cur_parts as (
    select
        *,
        line_item_line_item_type as line_type,
        false as is_unused_part,
        coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) as commitment_id
    from {{ ref('stg_cur__line_item_attributes') }}

    union all

    select
        *,
        line_item_line_item_type as line_type,
        true as is_unused_part,
        coalesce(savings_plan_savings_plan_a_r_n, reservation_reservation_a_r_n) as commitment_id
    from {{ ref('stg_cur__line_item_attributes') }}
    where line_item_line_item_type in ('SavingsPlanRecurringFee', 'RIFee')
),

cur as (
    select
        parts.scope_id,
        parts.attributes_id,
        parts.is_unused_part,
        parts.is_breakdown,
        parts.billing_period,
        parts.bill_payer_account_id as billing_account_id,
        parts.bill_payer_account_name as billing_account_name,
        parts.line_item_usage_account_id as sub_account_id,
        parts.line_item_usage_account_name as sub_account_name,
        parts.bill_invoice_id as invoice_id,
        coalesce(parts.bill_invoicing_entity, parts.line_item_legal_entity, 'AWS') as invoice_issuer_name,
        case
            when parts.bill_billing_entity = 'AWS Marketplace' then coalesce(parts.line_item_legal_entity, 'AWS Marketplace')
            else 'AWS'
        end as service_provider_name,
        'AWS' as host_provider_name,
        coalesce(services.service_category, 'Other') as service_category,
        coalesce(services.service_subcategory, 'Other (Other)') as service_subcategory,
        coalesce({{ json_text('products.map', 'product_name') }}, parts.line_item_product_code) as service_name,
        coalesce(parts.product_region_code, {{ json_text('products.map', 'region') }}) as region_id,
        coalesce({{ json_text('products.map', 'location') }}, regions.region_name) as region_name,
        parts.line_item_availability_zone as availability_zone,
        parts.line_item_resource_id as resource_id,
        cast(null as text) as resource_name,
        cast(null as text) as resource_type,
        parts.product_sku as sku_id,
        -- The code names product, term and rate, as AWS itself shows it in FOCUS; older reports have the id alone.
        coalesce(parts.pricing_rate_code, parts.pricing_rate_id) as sku_price_id,
        parts.line_item_usage_type as sku_meter,
        case
            when parts.is_unused_part then 'Usage'
            when parts.is_commitment_purchase or parts.is_commitment_refund or parts.line_type = 'Fee' then 'Purchase'
            when parts.line_type in ('Tax', 'Credit') then parts.line_type
            when parts.line_type = 'Refund' then 'Credit'
            when
                parts.line_type in ('Usage', 'DiscountedUsage', 'SavingsPlanCoveredUsage', 'SavingsPlanNegation', 'FlatRateSubscription')
                or parts.line_type like '%Discount'
                then 'Usage'
            else 'Adjustment'
        end as charge_category,
        case when parts.line_type = 'Refund' then 'Correction' end as charge_class,
        case
            when parts.is_unused_part or parts.line_type in ('RIFee', 'SavingsPlanRecurringFee', 'FlatRateSubscription') then 'Recurring'
            when parts.line_type in ('Fee', 'SavingsPlanUpfrontFee', 'Tax', 'Credit', 'Refund') then 'One-Time'
            else 'Usage-Based'
        end as charge_frequency,
        parts.line_item_line_item_description as charge_description,
        case
            when parts.is_unused_part or parts.line_type in ('DiscountedUsage', 'SavingsPlanCoveredUsage') then 'Committed'
            when parts.line_type = 'Usage' and parts.line_item_usage_type like '%SpotUsage%' then 'Dynamic'
            when parts.line_type = 'Usage' then 'Standard'
            -- Fees, discounts and the negation of covered usage: priced, but in none of these ways.
            when
                parts.line_type like '%Fee'
                or parts.line_type like '%Discount'
                or parts.line_type in ('SavingsPlanNegation', 'FlatRateSubscription')
                then 'Other'
        end as pricing_category,
        parts.commitment_id as commitment_discount_id,
        cast(null as text) as commitment_discount_name,
        case
            when parts.savings_plan_savings_plan_a_r_n is not null then 'Spend'
            when parts.reservation_reservation_a_r_n is not null then 'Usage'
        end as commitment_discount_category,
        case
            when parts.savings_plan_savings_plan_a_r_n is not null then 'Savings Plan'
            when parts.reservation_reservation_a_r_n is not null then 'Reservation'
        end as commitment_discount_type,
        case
            when parts.is_unused_part then 'Unused'
            when parts.line_type in ('DiscountedUsage', 'SavingsPlanCoveredUsage') then 'Used'
        end as commitment_discount_status,
        parts.pricing_unit as consumed_unit,
        parts.pricing_unit,
        parts.line_item_currency_code as billing_currency,
        parts.resource_tags_id as tags_id,
        cast(null as text) as billing_account_type,
        cast(null as text) as sub_account_type,
        cast(null as text) as capacity_reservation_id,
        cast(null as text) as capacity_reservation_status,
        case
            when parts.savings_plan_savings_plan_a_r_n is not null then parts.line_item_currency_code
            when parts.reservation_reservation_a_r_n is not null then coalesce(parts.pricing_unit, 'Hrs')
        end as commitment_discount_unit,
        parts.pricing_currency,
        parts.line_item_legal_entity as publisher_name,
        cast(null as text) as invoice_detail_id,
        cast(null as text) as allocated_method_id,
        cast(null as text) as allocated_resource_id,
        cast(null as text) as allocated_resource_name,
        {{ aws_price_details_id('parts.product_id', 'parts.product_instance_type') }} as sku_price_details_id,
        cast(null as bigint) as contract_applied_id,
        cast(null as bigint) as commitment_program_eligibility_details_id,
        cast(null as bigint) as allocated_tags_id,
        cast(null as bigint) as allocated_method_details_id
    from cur_parts as parts
    left join {{ ref('stg_deliveries__maps') }} as products on parts.product_id = products.map_id
    left join services on parts.line_item_product_code = services.product_code
    left join {{ ref('aws_regions') }} as regions
        on coalesce(parts.product_region_code, {{ json_text('products.map', 'region') }}) = regions.region_id
)

select * from focus
union all
select * from cur
