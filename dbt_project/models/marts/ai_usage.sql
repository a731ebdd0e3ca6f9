-- One row per source of AI usage, delivered month, day and distinct attributes: what was used, what it costs at the prices of the day,
-- and whose it is.
-- A view on a table of days; charge_date is indexed below.
{{ config(materialized='view') }}

with usage as (
    select * from {{ ref('int_ai_usage_daily') }}
),

sources as (
    select * from {{ ref('int_ai_usage_sources') }}
),

maps as (
    select * from {{ ref('stg_deliveries__maps') }}
)

select
    {{ uuid_of(['usage.source_name', 'usage.delivery_period', 'usage.charge_date', 'usage.attributes_id']) }} as ai_usage_id,
    split_part(usage.source_name, '/', 1) as source_name,
    usage.provider,
    usage.service_name,
    usage.operation,
    usage.model,
    usage.delivered_model,
    usage.service_tier,
    usage.context_window,
    usage.inference_geo,
    usage.region,
    usage.project_id,
    usage.project_name,
    usage.api_key_id,
    usage.user_id,
    usage.principal,
    usage.status,
    usage.team,
    usage.cost_center,
    usage.project,
    usage.environment,
    usage.owner_source,
    tags.map as tags,
    unknown_usage.map as unknown_usage,
    usage.price_version,
    case when sources.is_repeated then 'repeated' else usage.price_status end as price_status,
    usage.unpriced_classes,
    sources.is_repeated,
    'USD' as cost_currency,
    {%- for sum in ai_usage_sums() %}
    {%- if sum.endswith('_cost') and sum != 'reported_cost' %}
    case when not sources.is_repeated then usage.{{ sum }} end as {{ sum }},
    {%- else %}
    usage.{{ sum }},
    {%- endif %}
    {%- endfor %}
    {{ sum_of_columns(ai_token_classes(), 'usage') }} as token_count,
    usage.billing_period,
    usage.delivery_period,
    usage.charge_date
from usage
left join sources
    on
        usage.source_name = sources.source_name
        and usage.provider = sources.provider
        and usage.operation = sources.operation
        and usage.project_id is not distinct from sources.project_id
        and usage.charge_date = sources.charge_date
left join maps as tags on usage.tags_id = tags.map_id
left join maps as unknown_usage on usage.unknown_usage_id = unknown_usage.map_id
