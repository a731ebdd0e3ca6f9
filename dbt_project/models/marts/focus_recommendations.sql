-- One row per recommendation of the last run, in the columns that the FOCUS draft of 2026 proposes for recommendations.
-- The draft has no place for what counts and for bands: finops.recommendations has them. Names of accounts, regions and services are those
-- of the newest charge of the resource.
{{ config(materialized='view') }}

with recommendations as (
    select * from {{ ref('recommendations') }}
),

named as (
    select
        *,
        row_number() over (partition by resource_id order by attributes_id desc) as number_from_last
    from {{ ref('int_charge_attributes') }}
    where resource_id is not null
)

select
    named.billing_account_id,
    named.billing_account_name,
    case
        when recommendations.kind = 'commitment'
            then cast(substring(recommendations.proposed from '([0-9]+) months') as integer) / 12 || ' Year'
    end as contract_commitment_duration_type,
    case
        when recommendations.kind = 'commitment' then substring(recommendations.proposed from '(?:No|Partial|All) Upfront')
    end as contract_commitment_payment_model,
    case
        when recommendations.kind = 'commitment' then substring(recommendations.proposed from '^[^,]+')
    end as contract_commitment_type,
    recommendations.currency,
    case recommendations.origin
        when 'aws_cost_optimization_hub' then 'AWS Cost Optimization Hub'
        when 'aws_compute_optimizer' then 'AWS Compute Optimizer'
        else 'FinOps Platform'
    end as data_generator_name,
    case
        when recommendations.monthly_cost > 0 then -coalesce(recommendations.counted_saving, recommendations.monthly_saving)
    end as estimated_monthly_cost_impact,
    initcap(recommendations.effort) as implementation_effort,
    initcap(recommendations.risk) as implementation_risk,
    case when recommendations.kind = 'idle_key' then 'Security' else 'Cost' end as recommendation_category,
    cast(recommendations.found_on as timestamp) at time zone 'UTC' as recommendation_created,
    recommendations.change || ' ' || recommendations.reason as recommendation_description,
    recommendations.recommendation_id,
    cast(greatest(recommendations.as_of, recommendations.decided_on) as timestamp) at time zone 'UTC' as recommendation_last_updated,
    case
        when recommendations.state in ('done', 'verified') then 'Implemented'
        when recommendations.state = 'dismissed' and recommendations.dismissed_until is not null then 'Deferred'
        when recommendations.state = 'dismissed' then 'Dismissed'
        else 'Open'
    end as recommendation_status,
    case
        when recommendations.kind = 'right_sizing' then 'Rightsizing'
        when recommendations.kind = 'commitment' then 'Commitment Purchase'
        when recommendations.kind in ('idle_resource', 'orphaned_resource') then 'Idle Resource Removal'
        when recommendations.kind in ('generation_change', 'volume_type') then 'Modernization'
        when recommendations.kind = 'idle_key' then 'Other (Security)'
        else 'Other (Cost)'
    end as recommendation_subcategory,
    coalesce(recommendations.region_id, named.region_id) as region_id,
    named.region_name,
    jsonb_build_object('x_Configuration', recommendations.current) as resource_configuration_details_current,
    jsonb_build_object('x_Configuration', recommendations.proposed) as resource_configuration_details_recommended,
    recommendations.resource_id,
    named.resource_name,
    recommendations.resource_type,
    named.service_category,
    named.service_name,
    coalesce(named.service_provider_name, recommendations.provider) as service_provider_name,
    named.service_subcategory,
    recommendations.sub_account_id,
    named.sub_account_name
from recommendations
left join named on recommendations.resource_id = named.resource_id and named.number_from_last = 1
