-- One row per source, billing month, service provider, service, currency and commitment program: usage that the provider says is eligible.
-- The same usage may be eligible for several programs: rows of different programs must not be added up.
{{ config(materialized='view') }}

with eligible as (
    select
        records.source_name,
        records.service_provider_name,
        records.service_name,
        {{ json_text('programs.value', 'ProgramType') }} as program_type,
        records.billing_currency,
        records.commitment_discount_id is not null as is_covered,
        records.billed_cost,
        records.effective_cost,
        records.billing_period
    from {{ ref('cost_records') }} as records
    inner join {{ ref('stg_deliveries__maps') }} as maps
        on records.commitment_program_eligibility_details_id = maps.map_id
    cross join lateral {{ json_items("maps.map -> 'CommitmentPrograms'") }} as programs (value, position)
    where records.charge_category = 'Usage' and coalesce(records.commitment_discount_status, 'Used') = 'Used'
)

select
    source_name,
    service_provider_name,
    service_name,
    program_type,
    billing_currency,
    coalesce(sum(effective_cost) filter (where is_covered), 0) as covered_cost,
    coalesce(sum(effective_cost) filter (where not is_covered), 0) as uncovered_cost,
    coalesce(sum(billed_cost) filter (where not is_covered), 0) as uncovered_billed_cost,
    billing_period
from eligible
where program_type is not null
group by 1, 2, 3, 4, 5, 9
