-- One row per source of AI usage, delivered month, day and distinct attributes: the sums over its hours, and its owner.
{{ config(
    materialized='incremental',
    tags=['near_real_time'],
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    meta={'replace_by': 'delivery_days'},
    indexes=[{'columns': ['charge_date']}],
) }}
{%- set changes = changed_days(parents=['int_ai_usage_hourly', 'int_charge_owners'], format='ai_usage') %}
{{ note_changes(changes) }}

with daily as (
    select
        scope_id,
        charge_date,
        attributes_id,
        {%- for sum in ai_usage_sums() %}
        sum({{ sum }}) as {{ sum }},
        {%- endfor %}
        {{ unpriced_in_any('unpriced_classes') }} as unpriced_classes,
        -- One on all hours of a day.
        max(price_version) as price_version
    from {{ ref('int_ai_usage_hourly') }}
    where {{ in_changed_days(changes) }}
    group by 1, 2, 3
),

attributes as (
    select * from {{ ref('stg_ai__usage_attributes') }}
    where {{ in_changed_scopes(changes) }}
),

owners as (
    select * from {{ ref('int_charge_owners') }}
    where {{ in_changed_scopes(changes) }}
)

-- Left joins: usage without its attributes or its owner is found by the tests rather than vanish from the sum.
select
    scopes.source_name,
    scopes.delivery_period,
    daily.scope_id,
    daily.attributes_id,
    attributes.provider,
    attributes.operation,
    attributes.model,
    attributes.delivered_model,
    attributes.model_key,
    attributes.service_name,
    attributes.service_tier,
    attributes.context_window,
    attributes.inference_geo,
    attributes.region,
    attributes.project_id,
    attributes.project_name,
    attributes.api_key_id,
    attributes.user_id,
    attributes.principal,
    attributes.status,
    owners.team,
    owners.cost_center,
    owners.project,
    owners.environment,
    owners.owner_source,
    attributes.tags_id,
    attributes.unknown_usage_id,
    daily.price_version,
    {{ ai_price_status('daily') }} as price_status,
    daily.unpriced_classes,
    {%- for sum in ai_usage_sums() %}
    {{ 'cast(daily.record_count as bigint) as record_count' if sum == 'record_count' else 'daily.' ~ sum }},
    {%- endfor %}
    attributes.billing_period,
    daily.charge_date
from daily
inner join {{ ref('stg_deliveries__scopes') }} as scopes on daily.scope_id = scopes.scope_id
left join attributes on daily.scope_id = attributes.scope_id and daily.attributes_id = attributes.attributes_id
left join owners
    on
        daily.scope_id = owners.scope_id
        and daily.attributes_id = owners.attributes_id
        and daily.charge_date >= owners.valid_from
        and daily.charge_date < owners.valid_to
