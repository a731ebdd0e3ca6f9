-- One row per scope, day and distinct attributes of FOCUS lines: the sums of their measures.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_days',
    on_schema_change='sync_all_columns',
    indexes=[{'columns': ['scope_id', 'charge_date']}],
) }}
{%- set changes = changed_days(format='focus') %}
{{ note_changes(changes) }}

-- A sum leaves unknown costs out and is unknown itself where all are.
{%- for line_filter in changed_line_filters(changes) %}
select
    scope_id,
    charge_date,
    attributes_id,
    false as is_unused_part,
    count(*) as line_count,
    sum(consumed_quantity) as consumed_quantity,
    sum(pricing_quantity) as pricing_quantity,
    sum(billed_cost) as billed_cost,
    sum(effective_cost) as effective_cost,
    sum(contracted_cost) as contracted_cost,
    sum(list_cost) as list_cost,
    min(charge_period_start) as charge_period_start,
    max(charge_period_end) as charge_period_end,
    {{ common_price('contracted_unit_price') }} as contracted_unit_price,
    {{ common_price('list_unit_price') }} as list_unit_price,
    sum(commitment_discount_quantity) as commitment_discount_quantity,
    {{ common_price('pricing_currency_contracted_unit_price') }} as pricing_currency_contracted_unit_price,
    sum(pricing_currency_effective_cost) as pricing_currency_effective_cost,
    {{ common_price('pricing_currency_list_unit_price') }} as pricing_currency_list_unit_price
from {{ ref('stg_focus__charges') }}
where {{ line_filter }}
group by 1, 2, 3
{% if not loop.last %}union all{% endif %}
{%- endfor %}
