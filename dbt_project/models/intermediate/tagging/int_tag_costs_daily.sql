-- One row per scope, day, subject, team, currency and whether such charges can be tagged: their effective cost.
-- What tag rules are measured by, without the prices and quantities of cost_records.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    indexes=[{'columns': ['scope_id', 'charge_date']}],
) }}
{%- set changes = changed_days(parents=['int_focus_charges_daily', 'int_cur_charges_daily', 'int_charge_owners']) %}
{{ note_changes(changes) }}

with daily as (
    select * from {{ ref('int_charges_daily') }}
    where {{ in_changed_days(changes) }}
),

attributes as (
    select
        charge_attributes.*,
        {{ subject_id('charge_attributes') }} as subject_id
    from {{ ref('int_charge_attributes') }} as charge_attributes
    where {{ in_changed_scopes(changes) }}
),

owners as (
    select * from {{ ref('int_charge_owners') }}
    where {{ in_changed_scopes(changes) }}
)

select
    daily.scope_id,
    daily.charge_date,
    attributes.subject_id,
    owners.team,
    attributes.billing_currency,
    -- Taxes, credits, fees and what commitments did not cover belong to no resource that somebody could tag.
    attributes.charge_category = 'Usage'
    and coalesce(attributes.commitment_discount_status, '') <> 'Unused'
    and coalesce(attributes.resource_id, cast(attributes.tags_id as text)) is not null as is_taggable,
    sum(daily.effective_cost) as effective_cost
from daily
inner join attributes
    on
        daily.scope_id = attributes.scope_id
        and daily.attributes_id = attributes.attributes_id
        and daily.is_unused_part = attributes.is_unused_part
inner join owners
    on
        daily.scope_id = owners.scope_id
        and daily.attributes_id = owners.attributes_id
        and daily.is_unused_part = owners.is_unused_part
        and daily.charge_date >= owners.valid_from
        and daily.charge_date < owners.valid_to
where not attributes.is_breakdown
group by 1, 2, 3, 4, 5, 6
