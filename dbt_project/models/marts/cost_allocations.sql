-- One row per pool (source, billing month, accounts, currency, charge category and rule) and owner who pays a part of it.
-- The parts of a pool add up to it exactly: each is cut to ten decimals towards zero, and the units left over go one each to the
-- largest remainders. What a pool holds beyond ten decimals goes to the first of them.
-- Emptied and filled, not swapped: focus_cost_and_usage is a view on it.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    pre_hook="{{ empty_table() }}",
    post_hook="analyze {{ this }}",
) }}
{%- set unit = '0.0000000001' %}
{%- set units_in_one = '10000000000' %}
{%- set bases = ['share', 'billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'] %}
{%- set pool_columns = [
    'source_name', 'billing_period', 'billing_account_id', 'sub_account_id', 'billing_currency', 'charge_category', 'allocation_rule',
] %}
{%- set owner_columns = ['team', 'cost_center', 'project'] %}

with costs as (
    select
        {{ (pool_columns + owner_columns) | join(', ') }},
        cost_type,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        sum(contracted_cost) as contracted_cost,
        sum(list_cost) as list_cost
    from {{ ref('daily_costs') }}
    where cost_type <> 'unallocated'
    group by {{ (pool_columns + owner_columns) | join(', ') }}, cost_type
),

pools as (
    select
        {{ pool_columns | join(', ') }},
        cast(1 as numeric) as share,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        sum(contracted_cost) as contracted_cost,
        sum(list_cost) as list_cost
    from costs
    where cost_type = 'shared'
    group by {{ pool_columns | join(', ') }}
),

numbered_pools as (
    select
        pools.*,
        row_number() over (order by pools.{{ pool_columns | join(', pools.') }}) as pool_number,
        rules.allocation_method,
        rules.measure
    from pools
    left join {{ ref('stg_config__allocation_rules') }} as rules on pools.allocation_rule = rules.allocation_rule
),

direct_costs as (
    select
        billing_period,
        billing_currency,
        {{ owner_columns | join(', ') }},
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        sum(contracted_cost) as contracted_cost,
        sum(list_cost) as list_cost
    from costs
    where cost_type = 'direct'
    group by 1, 2, 3, 4, 5
),

drivers as (
    {%- for measure in bases[1:] %}
    select
        billing_period,
        billing_currency,
        '{{ measure }}' as measure,
        {{ owner_columns | join(', ') }},
        {{ measure }} as driver
    from direct_costs
    -- Who was credited more than they used pays no part of a pool.
    where {{ measure }} > 0
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
),

numbered_drivers as (
    select
        *,
        sum(driver) over (partition by billing_period, billing_currency, measure) as total_driver,
        row_number() over (
            partition by billing_period, billing_currency, measure
            order by {{ bytewise('team') }}, {{ bytewise('cost_center') }}, {{ bytewise('project') }}
        ) as owner_number
    from drivers
),

portions as (
    select
        {%- for basis in bases %}
        trunc(abs(pools.{{ basis }}) * {{ units_in_one }}) * coalesce(drivers.driver, 1) as {{ basis }}_product,
        {%- endfor %}
        pools.pool_number,
        coalesce(drivers.owner_number, 1) as owner_number,
        coalesce(drivers.team, 'unallocated') as team,
        drivers.cost_center,
        drivers.project,
        coalesce(drivers.total_driver, 1) as total_driver
    from numbered_pools as pools
    left join numbered_drivers as drivers
        on
            pools.billing_period = drivers.billing_period
            and pools.billing_currency = drivers.billing_currency
            and pools.measure = drivers.measure
),

divided as (
    select
        {%- for basis in bases %}
        {{ whole_quotient(basis ~ '_product', 'total_driver') }} as {{ basis }}_units,
        mod({{ basis }}_product, total_driver) as {{ basis }}_remainder,
        {%- endfor %}
        pool_number,
        owner_number,
        team,
        cost_center,
        project,
        total_driver
    from portions
),

ranked as (
    select
        {%- for basis in bases %}
        {{ basis }}_units,
        row_number() over (partition by pool_number order by {{ basis }}_remainder desc, owner_number asc) as {{ basis }}_rank,
        {{ whole_quotient('sum(' ~ basis ~ '_remainder) over (partition by pool_number)', 'total_driver') }} as {{ basis }}_left,
        {%- endfor %}
        pool_number,
        team,
        cost_center,
        project
    from divided
)

select
    pools.source_name,
    pools.billing_account_id,
    pools.sub_account_id,
    pools.charge_category,
    pools.allocation_rule,
    pools.allocation_method,
    pools.measure as allocation_measure,
    ranked.team,
    ranked.cost_center,
    ranked.project,
    pools.billing_currency,
    {%- for basis in bases %}
    sign(pools.{{ basis }}) * (
        (ranked.{{ basis }}_units + case when ranked.{{ basis }}_rank <= ranked.{{ basis }}_left then 1 else 0 end) * {{ unit }}
        + case when ranked.{{ basis }}_rank = 1 then abs(pools.{{ basis }}) - trunc(abs(pools.{{ basis }}), 10) else 0 end
    ) as {{ 'allocation_share' if basis == 'share' else basis }},
    {%- endfor %}
    pools.billing_period
from ranked
inner join numbered_pools as pools on ranked.pool_number = pools.pool_number
