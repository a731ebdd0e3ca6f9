-- One row per source, billing month, billed account, service provider, service and currency: how much of the eligible usage commitments cover.
-- Usage is eligible where the provider says so, where a commitment covered it, or where the bill shows a commitment of the same payer
-- cover the same product in the same month.
{{ config(materialized='view') }}

with usage_charges as (
    select
        *,
        commitment_discount_id is not null as is_covered,
        commitment_program_eligibility_details_id is not null as is_stated
    from {{ ref('cost_records') }}
    where
        charge_category = 'Usage'
        and coalesce(commitment_discount_status, 'Used') = 'Used'
        -- What a negation or a discount takes back is no usage.
        and coalesce(pricing_category, 'Standard') <> 'Other'
),

covered_products as (
    select distinct
        source_name,
        billing_period,
        billing_account_id,
        coalesce(sku_id, sku_meter) as product,
        coalesce(region_id, '') as region_id
    from usage_charges
    where is_covered and coalesce(sku_id, sku_meter) is not null
),

eligible as (
    select
        charges.*,
        charges.is_stated or charges.is_covered or products.product is not null as is_eligible
    from usage_charges as charges
    left join covered_products as products
        on
            charges.source_name = products.source_name
            and charges.billing_period = products.billing_period
            and charges.billing_account_id is not distinct from products.billing_account_id
            and coalesce(charges.sku_id, charges.sku_meter) = products.product
            and coalesce(charges.region_id, '') = products.region_id
            and charges.pricing_category = 'Standard'
),

summed as (
    select
        source_name,
        billing_account_id,
        service_provider_name,
        service_name,
        billing_currency,
        coalesce(sum(effective_cost) filter (where is_covered), 0) as covered_cost,
        coalesce(sum(effective_cost) filter (where not is_covered), 0) as uncovered_cost,
        coalesce(sum(effective_cost) filter (where is_stated and is_covered), 0) as stated_covered_cost,
        coalesce(sum(effective_cost) filter (where is_stated and not is_covered), 0) as stated_uncovered_cost,
        billing_period
    from eligible
    where is_eligible
    group by 1, 2, 3, 4, 5, 10
)

select
    source_name,
    billing_account_id,
    service_provider_name,
    service_name,
    billing_currency,
    covered_cost,
    uncovered_cost,
    covered_cost / nullif(covered_cost + uncovered_cost, 0) as coverage_share,
    stated_covered_cost,
    stated_uncovered_cost,
    stated_covered_cost / nullif(stated_covered_cost + stated_uncovered_cost, 0) as stated_coverage_share,
    billing_period
from summed
