-- One row per pool (source, billing month, accounts, currency, charge category and rule) and owner who pays a part of it, whatever steps
-- it took. The parts of a pool add up to it exactly. How they came about is in allocation_lineage.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_months',
    on_schema_change='append_new_columns',
    meta={'plan': 'bulk'},
    indexes=[{'columns': ['billing_period']}],
) }}
{%- set changes = changed_months(parent='allocation_lineage') %}
{{ note_changes(changes) }}
{%- set pool_columns = [
    'source_name', 'billing_period', 'billing_account_id', 'sub_account_id', 'billing_currency', 'charge_category', 'allocation_rule',
] %}
{%- set owner_columns = ['team', 'cost_center', 'project'] %}

with lineage as (
    select
        *,
        sum(effective_cost) over (partition by origin_id) as origin_cost,
        dense_rank() over (order by {{ pool_columns | join(', ') }}) as pool_number
    from {{ ref('allocation_lineage') }}
    where {{ in_changed_months(changes) }}
),

weighted as (
    -- Days and items of a pool can be divided in different ways. Its shares are then the mean by their effective cost, whatever its sign.
    select
        *,
        case
            when max(abs(origin_cost)) over (partition by pool_number) = 0 then origin_share
            else abs(origin_cost) * origin_share
        end as weight
    from lineage
),

summed as (
    select
        {{ (pool_columns + owner_columns) | join(', ') }},
        pool_number,
        max(allocation_method) as allocation_method,
        max(allocation_measure) as allocation_measure,
        bool_and(is_final) as is_final,
        sum(weight) as weight,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        sum(contracted_cost) as contracted_cost,
        sum(list_cost) as list_cost
    from weighted
    group by {{ (pool_columns + owner_columns) | join(', ') }}, pool_number
),

shares as (
    select
        *,
        weight as driver,
        sum(weight) over (partition by pool_number) as total_driver,
        row_number() over (
            partition by pool_number order by {{ bytewise('team') }}, {{ bytewise('cost_center') }}, {{ bytewise('project') }}
        ) as owner_number,
        cast(1 as numeric) as share
    from summed
),

parts as (
    {{ parts_of_pools('shares', ['share']) }}
)

select
    source_name,
    billing_account_id,
    sub_account_id,
    charge_category,
    allocation_rule,
    allocation_method,
    allocation_measure,
    team,
    cost_center,
    project,
    billing_currency,
    share_part as allocation_share,
    billed_cost,
    effective_cost,
    contracted_cost,
    list_cost,
    is_final,
    billing_period
from parts
