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
    sum(list_cost) as list_cost
from {{ ref('stg_focus__charges') }}
where {{ line_filter }}
group by 1, 2, 3
{% if not loop.last %}union all{% endif %}
{%- endfor %}
