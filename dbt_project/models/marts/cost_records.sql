-- One row per source, delivered month, day, distinct charge attributes and part: what it cost, and who owns it.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='append_new_columns',
    meta={'replace_by': 'delivery_days'},
    indexes=[{'columns': ['charge_date']}, {'columns': ['billing_period']}],
) }}
{%- set changes = changed_days(parents=['int_focus_charges_daily', 'int_cur_charges_daily', 'int_charge_owners']) %}
{{ note_changes(changes) }}

with daily as (
    select * from {{ ref('int_charges_daily') }}
    where {{ in_changed_days(changes) }}
),

attributes as (
    select
        scopes.source_name,
        scopes.delivery_period,
        charge_attributes.*
    from {{ ref('int_charge_attributes') }} as charge_attributes
    inner join {{ ref('stg_deliveries__scopes') }} as scopes on charge_attributes.scope_id = scopes.scope_id
    where {{ in_changed_scopes(changes, 'charge_attributes') }}
),

owners as (
    select * from {{ ref('int_charge_owners') }}
    where {{ in_changed_scopes(changes) }}
),

maps as (
    select * from {{ ref('stg_deliveries__maps') }}
)

-- Left joins: a charge without its attributes or its owner breaks the contract below rather than vanish from the sum.
select
    {{ uuid_of([
        'attributes.source_name', 'attributes.delivery_period', 'daily.charge_date', 'daily.attributes_id', 'daily.is_unused_part',
    ]) }} as cost_record_id,
    attributes.source_name,
    attributes.billing_account_id,
    attributes.billing_account_name,
    attributes.sub_account_id,
    attributes.sub_account_name,
    attributes.invoice_id,
    attributes.invoice_issuer_name,
    attributes.service_provider_name,
    attributes.host_provider_name,
    attributes.service_category,
    attributes.service_subcategory,
    attributes.service_name,
    attributes.region_id,
    attributes.region_name,
    attributes.availability_zone,
    attributes.resource_id,
    attributes.resource_name,
    attributes.resource_type,
    attributes.sku_id,
    attributes.sku_price_id,
    attributes.sku_meter,
    attributes.charge_category,
    attributes.charge_class,
    attributes.charge_frequency,
    attributes.charge_description,
    attributes.pricing_category,
    attributes.commitment_discount_id,
    attributes.commitment_discount_name,
    attributes.commitment_discount_category,
    attributes.commitment_discount_type,
    attributes.commitment_discount_status,
    attributes.consumed_unit,
    attributes.pricing_unit,
    owners.team,
    owners.cost_center,
    owners.project,
    owners.environment,
    owners.owner_source,
    owners.cost_type,
    owners.allocation_rule,
    maps.map as tags,
    attributes.billing_currency,
    daily.line_count,
    daily.consumed_quantity,
    daily.pricing_quantity,
    daily.billed_cost,
    daily.effective_cost,
    daily.contracted_cost,
    daily.list_cost,
    attributes.billing_account_type,
    attributes.sub_account_type,
    attributes.capacity_reservation_id,
    attributes.capacity_reservation_status,
    attributes.commitment_discount_unit,
    attributes.pricing_currency,
    attributes.publisher_name,
    attributes.invoice_detail_id,
    attributes.allocated_method_id,
    attributes.allocated_resource_id,
    attributes.allocated_resource_name,
    attributes.sku_price_details_id,
    attributes.contract_applied_id,
    attributes.commitment_program_eligibility_details_id,
    attributes.allocated_tags_id,
    attributes.allocated_method_details_id,
    daily.contracted_unit_price,
    daily.list_unit_price,
    daily.commitment_discount_quantity,
    daily.pricing_currency_contracted_unit_price,
    daily.pricing_currency_effective_cost,
    daily.pricing_currency_list_unit_price,
    daily.charge_period_start,
    daily.charge_period_end,
    attributes.billing_period,
    attributes.delivery_period,
    daily.charge_date
from daily
left join attributes
    on
        daily.scope_id = attributes.scope_id
        and daily.attributes_id = attributes.attributes_id
        and daily.is_unused_part = attributes.is_unused_part
left join owners
    on
        daily.scope_id = owners.scope_id
        and daily.attributes_id = owners.attributes_id
        and daily.is_unused_part = owners.is_unused_part
        and daily.charge_date >= owners.valid_from
        and daily.charge_date < owners.valid_to
left join maps on attributes.tags_id = maps.map_id
where not coalesce(attributes.is_breakdown, false)
