-- One row per source, billing month, commitment and currency: how much of what was paid for a commitment was used.
{{ config(materialized='view') }}

with months as (
    select
        source_name,
        billing_account_id,
        service_provider_name,
        commitment_discount_id,
        max(commitment_discount_name) as commitment_discount_name,
        max(commitment_discount_type) as commitment_discount_type,
        max(commitment_discount_category) as commitment_discount_category,
        billing_currency,
        coalesce(sum(effective_cost) filter (where commitment_discount_status = 'Used'), 0) as used_cost,
        coalesce(sum(effective_cost) filter (where commitment_discount_status = 'Unused'), 0) as unused_cost,
        billing_period
    from {{ ref('cost_records') }}
    where
        charge_category = 'Usage'
        and commitment_discount_id is not null
        and commitment_discount_status is not null
    group by 1, 2, 3, 4, 8, 11
)

select
    months.source_name,
    months.billing_account_id,
    months.service_provider_name,
    months.commitment_discount_id,
    months.commitment_discount_name,
    months.commitment_discount_type,
    months.commitment_discount_category,
    months.billing_currency,
    months.used_cost,
    months.unused_cost,
    months.used_cost / nullif(months.used_cost + months.unused_cost, 0) as utilization_share,
    months.billing_period,
    commitments.contract_commitment_period_end as commitment_ends_at
from months
left join {{ ref('focus_contract_commitments') }} as commitments
    on
        months.source_name = commitments.x_source_name
        and months.commitment_discount_id = commitments.contract_commitment_id
