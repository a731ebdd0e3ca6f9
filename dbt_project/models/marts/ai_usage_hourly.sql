-- One row per row of ai_usage and hour in which something was used.
-- A view: asked for when the course of a day is looked at.
{{ config(materialized='view') }}

with hourly as (
    select * from {{ ref('int_ai_usage_hourly') }}
),

-- Owners and names are those of the day.
daily as (
    select * from {{ ref('int_ai_usage_daily') }}
),

sources as (
    select * from {{ ref('int_ai_usage_sources') }}
)

select
    {{ uuid_of(['daily.source_name', 'daily.delivery_period', 'daily.charge_date', 'daily.attributes_id']) }} as ai_usage_id,
    split_part(daily.source_name, '/', 1) as source_name,
    daily.provider,
    daily.operation,
    daily.model,
    daily.service_tier,
    daily.project_id,
    daily.api_key_id,
    daily.user_id,
    daily.principal,
    daily.status,
    daily.team,
    daily.cost_center,
    daily.project,
    daily.environment,
    hourly.price_version,
    case when sources.is_repeated then 'repeated' else hourly.price_status end as price_status,
    sources.is_repeated,
    'USD' as cost_currency,
    {%- for sum in ai_usage_sums() %}
    {%- if sum.endswith('_cost') and sum != 'reported_cost' %}
    case when not sources.is_repeated then hourly.{{ sum }} end as {{ sum }},
    {%- else %}
    hourly.{{ sum }},
    {%- endif %}
    {%- endfor %}
    {{ sum_of_columns(ai_token_classes(), 'hourly') }} as token_count,
    hourly.charge_date,
    hourly.usage_hour
from hourly
inner join daily
    on
        hourly.scope_id = daily.scope_id
        and hourly.attributes_id = daily.attributes_id
        and hourly.charge_date = daily.charge_date
left join sources
    on
        daily.source_name = sources.source_name
        and daily.provider = sources.provider
        and daily.operation = sources.operation
        and daily.project_id is not distinct from sources.project_id
        and daily.charge_date = sources.charge_date
