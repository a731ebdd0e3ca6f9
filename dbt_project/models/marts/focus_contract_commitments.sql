-- One row per source and commitment that a delivered charge names: FOCUS 1.4 ContractCommitment.
{{ config(materialized='view') }}

with commitments as (
    select * from {{ ref('int_charge_attributes') }}
    where commitment_discount_id is not null
),

terms as (
    select * from {{ ref('stg_cur__commitment_terms') }}
)

select
    max(commitments.billing_currency) as billing_currency,
    cast(null as jsonb) as contract_commitment_applicability,
    cast(null as text) as contract_commitment_benefit_category,
    max(commitments.commitment_discount_category) as contract_commitment_category,
    cast(null as numeric) as contract_commitment_cost,
    cast(null as timestamptz) as contract_commitment_created,
    max(commitments.commitment_discount_name) as contract_commitment_description,
    cast(null as numeric) as contract_commitment_discount_percentage,
    cast(null as text) as contract_commitment_duration_type,
    cast(null as text) as contract_commitment_fulfillment_interval,
    commitments.commitment_discount_id as contract_commitment_id,
    cast(null as timestamptz) as contract_commitment_last_updated,
    cast(null as text) as contract_commitment_lifecycle_status,
    cast(null as text) as contract_commitment_model,
    cast(null as text) as contract_commitment_offer_category,
    cast(null as text) as contract_commitment_payment_interval,
    cast(null as text) as contract_commitment_payment_model,
    cast(
        case max(terms.payment_option) when 'All Upfront' then 100 when 'No Upfront' then 0 end as numeric
    ) as contract_commitment_payment_upfront_percentage,
    max(terms.period_end) as contract_commitment_period_end,
    max(terms.period_start) as contract_commitment_period_start,
    cast(null as numeric) as contract_commitment_quantity,
    max(commitments.commitment_discount_type) as contract_commitment_type,
    max(commitments.commitment_discount_unit) as contract_commitment_unit,
    cast(null as text) as contract_id,
    cast(null as timestamptz) as contract_period_end,
    cast(null as timestamptz) as contract_period_start,
    max(commitments.invoice_issuer_name) as invoice_issuer_name,
    max(commitments.pricing_currency) as pricing_currency,
    cast(null as numeric) as pricing_currency_contract_commitment_cost,
    max(commitments.service_provider_name) as service_provider_name,
    scopes.source_name as x_source_name,
    max(terms.payment_option) as x_payment_option,
    max(terms.purchase_term) as x_purchase_term
from commitments
inner join {{ ref('stg_deliveries__scopes') }} as scopes on commitments.scope_id = scopes.scope_id
left join terms on commitments.scope_id = terms.scope_id and commitments.commitment_discount_id = terms.commitment_id
group by scopes.source_name, commitments.commitment_discount_id
