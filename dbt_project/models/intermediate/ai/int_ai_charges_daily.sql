-- One row per scope, day and distinct attributes of charges of AI providers: which model and class of usage they are for.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    indexes=[{'columns': ['scope_id', 'charge_date']}],
) }}
{%- set changes = changed_days(parents=['int_focus_charges_daily', 'int_cur_charges_daily']) %}
{{ note_changes(changes) }}

with attributes as (
    select
        *,
        {{ ai_provider('service_provider_name', 'service_name') }} as provider
    from {{ ref('int_charge_attributes') }}
    where {{ in_changed_scopes(changes) }}
),

daily as (
    select * from {{ ref('int_charges_daily') }}
    where {{ in_changed_days(changes) }}
)

select
    daily.scope_id,
    daily.charge_date,
    daily.attributes_id,
    attributes.provider,
    attributes.sub_account_id as project_id,
    attributes.sub_account_name as project_name,
    {{ ai_charge_model('attributes.provider', 'attributes.service_name', 'attributes.sku_id', 'attributes.sku_meter') }} as model_key,
    {{ ai_meter_class('attributes.sku_meter') }} as usage_class,
    attributes.sku_meter,
    attributes.charge_category,
    attributes.billing_currency,
    cast(daily.line_count as bigint) as line_count,
    daily.consumed_quantity * {{ ai_units_in('attributes.consumed_unit') }} as consumed_count,
    daily.billed_cost,
    attributes.billing_period
from daily
inner join attributes
    on
        daily.scope_id = attributes.scope_id
        and daily.attributes_id = attributes.attributes_id
        and daily.is_unused_part = attributes.is_unused_part
where attributes.provider is not null and not attributes.is_breakdown and not attributes.is_unused_part
