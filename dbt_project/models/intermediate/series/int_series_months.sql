-- One row per billing month, source, dimension, value of it, currency and day: what the value cost, owners with their part of the pools.
-- A pool is divided day by day with the shares of its month, so that the days of an owner add up to what the month charges back.
{{ config(
    materialized='incremental',
    incremental_strategy='replace_months',
    on_schema_change='sync_all_columns',
    meta={'plan': 'bulk'},
    indexes=[{'columns': ['billing_period']}],
) }}
{%- set changes = changed_months(digests='int_billing_months', parent='cost_allocations', sections=['reports']) %}
{{ note_changes(changes) }}
{%- set pool_columns = [
    'source_name', 'billing_period', 'billing_account_id', 'sub_account_id', 'billing_currency', 'charge_category', 'allocation_rule',
] %}
{%- set kinds = ['curve_cost', 'scheduled_cost', 'irregular_cost'] %}

with costs as (
    select * from {{ ref('int_series_costs') }}
    where {{ in_changed_months(changes) }}
),

-- The part of each owner of a pool as a stretch of the way from 0 to 1.
shares as (
    select
        *,
        sum(allocation_share) over (
            partition by {{ pool_columns | join(', ') }}
            order by {{ bytewise('team') }}, {{ bytewise('cost_center') }}, {{ bytewise('project') }}
            rows unbounded preceding
        ) as share_to
    from {{ ref('cost_allocations') }}
    where allocation_share <> 0 and {{ in_changed_months(changes) }}
),

pools as (
    select
        {{ pool_columns | join(', ') }},
        charge_date,
        {%- for kind in kinds %}
        sum({{ kind }}) as {{ kind }}{{ ',' if not loop.last }}
        {%- endfor %}
    from costs
    where cost_type = 'shared'
    group by {{ pool_columns | join(', ') }}, charge_date
),

owned as (
    select
        source_name,
        billing_period,
        billing_currency,
        team,
        cost_center,
        project,
        charge_date,
        {{ kinds | join(', ') }}
    from costs
    where cost_type <> 'shared'

    union all

    -- A pool of which no share is known stays whole, without an owner.
    select
        pools.source_name,
        pools.billing_period,
        pools.billing_currency,
        coalesce(shares.team, 'unallocated') as team,
        shares.cost_center,
        shares.project,
        pools.charge_date,
        {%- for kind in kinds %}
        {{ allocated_part('pools.' ~ kind) }} as {{ kind }}{{ ',' if not loop.last }}
        {%- endfor %}
    from pools
    left join shares
        on
            pools.source_name = shares.source_name
            and pools.billing_period = shares.billing_period
            and pools.billing_currency = shares.billing_currency
            and pools.charge_category = shares.charge_category
            and pools.allocation_rule = shares.allocation_rule
            and pools.billing_account_id is not distinct from shares.billing_account_id
            and pools.sub_account_id is not distinct from shares.sub_account_id
),

owner_values as (
    select
        dimensions.dimension,
        coalesce(dimensions.dimension_value, 'unallocated') as dimension_value,
        owned.*
    from owned
    cross join lateral (
        values ('team', owned.team), ('cost_center', owned.cost_center), ('project', owned.project)
    ) as dimensions (dimension, dimension_value)
),

charged_values as (
    select
        dimensions.dimension,
        coalesce(dimensions.dimension_value, 'unknown') as dimension_value,
        costs.*
    from costs
    cross join lateral (
        values
            ('total', 'all'),
            ('provider', costs.provider),
            ('service', costs.service_name),
            ('account', costs.sub_account_id),
            ('ai_model', costs.ai_model)
    ) as dimensions (dimension, dimension_value)
    where dimensions.dimension <> 'ai_model' or costs.ai_model is not null
)
{% for values in ['owner_values', 'charged_values'] %}
select
    source_name,
    dimension,
    dimension_value,
    billing_currency,
    {%- for kind in kinds %}
    sum({{ kind }}) as {{ kind }},
    {%- endfor %}
    billing_period,
    charge_date
from {{ values }}
group by source_name, dimension, dimension_value, billing_currency, billing_period, charge_date
{{ 'union all' if not loop.last }}
{%- endfor %}
