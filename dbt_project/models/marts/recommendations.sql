-- One row per recommendation of the last run: what could be changed, what that would save and why it is believed.
-- A view: the asset ml/recommendations works it out of the marts, after they are made. What people decide shows at once; what counts in
-- place of what they dismiss is worked out in the next run.
{{ config(materialized='view') }}

with recommendations as (
    select * from {{ ref('stg_ml__recommendations') }}
),

states as (
    select * from {{ ref('stg_ml__recommendation_states') }}
)

select
    recommendations.recommendation_id,
    recommendations.kind,
    recommendations.provider,
    recommendations.resource_type,
    recommendations.resource_id,
    recommendations.sub_account_id,
    recommendations.region_id,
    recommendations.team,
    recommendations.cost_center,
    recommendations.project,
    recommendations.environment,
    recommendations.current,
    recommendations.proposed,
    recommendations.change,
    recommendations.command,
    recommendations.reason,
    recommendations.currency,
    recommendations.effort,
    recommendations.risk,
    recommendations.risk_reason,
    recommendations.confidence,
    recommendations.confidence_reason,
    recommendations.evidence,
    recommendations.acts_on,
    recommendations.exclusive_group,
    recommendations.origin,
    coalesce(states.state, 'open') as state,
    states.state_reason,
    states.decided_by,
    recommendations.model_version,
    recommendations.run_id,
    recommendations.monthly_cost,
    recommendations.monthly_saving,
    recommendations.monthly_saving_low,
    recommendations.monthly_saving_high,
    recommendations.one_off_cost,
    recommendations.counted_saving,
    recommendations.group_rank,
    recommendations.overall_rank,
    (recommendations.counted_saving is not null and coalesce(states.state, 'open') in ('open', 'accepted')) as is_counted,
    recommendations.window_start,
    recommendations.as_of,
    recommendations.effective_from,
    states.dismissed_until,
    states.decided_on,
    coalesce(states.found_on, recommendations.as_of) as found_on
from recommendations
left join states on recommendations.recommendation_id = states.recommendation_id
