-- One row per source, delivered month, day, account, invoice, currency, service, charge category, commitment, unit and owner: cost_records
-- without resources.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='append_new_columns',
    meta={'replace_by': 'delivery_days'},
    indexes=[{'columns': ['charge_date']}, {'columns': ['billing_period']}],
) }}
{%- set changes = changed_days(parents=['cost_records']) %}
{{ note_changes(changes) }}

select
    source_name,
    billing_account_id,
    sub_account_id,
    invoice_issuer_name,
    invoice_id,
    service_category,
    service_name,
    charge_category,
    commitment_discount_id,
    commitment_discount_status,
    consumed_unit,
    team,
    cost_center,
    project,
    cost_type,
    allocation_rule,
    billing_currency,
    cast(sum(line_count) as bigint) as line_count,
    sum(consumed_quantity) as consumed_quantity,
    sum(billed_cost) as billed_cost,
    sum(effective_cost) as effective_cost,
    sum(contracted_cost) as contracted_cost,
    sum(list_cost) as list_cost,
    billing_period,
    delivery_period,
    charge_date
from {{ ref('cost_records') }}
where {{ in_changed_days(changes, 'delivery') }}
group by
    source_name, billing_account_id, sub_account_id, invoice_issuer_name, invoice_id, service_category, service_name, charge_category,
    commitment_discount_id, commitment_discount_status, consumed_unit, team, cost_center, project, cost_type, allocation_rule,
    billing_currency, billing_period, delivery_period, charge_date
