-- One row per scope and distinct set of texts of AI usage.
select
    scope_id,
    attributes_id,
    provider,
    operation,
    model,
    delivered_model,
    -- What no tier is told of is standard: most APIs name only the others.
    coalesce(service_tier, 'standard') as service_tier,
    context_window,
    inference_geo,
    region,
    project_id,
    project_name,
    api_key_id,
    user_id,
    principal,
    status,
    tags_id,
    unknown_usage_id,
    {{ ai_service_name('provider') }} as service_name,
    {{ ai_model_key('coalesce(model, delivered_model)') }} as model_key,
    {{ utc_month('billing_period_start') }} as billing_period
from {{ source('raw', 'ai_usage_attributes') }}
