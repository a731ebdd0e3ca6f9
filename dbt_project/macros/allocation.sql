{#-
    How a pool of costs is divided, and how pools of later steps hold what earlier ones gave. allocation_lineage is made of these.

    Each step has its named subqueries, numbered: pools_2 are the pools of step 2, held_2 is what everyone holds after it.
-#}

{% macro allocation_steps() %}
    {#- As many as the configuration has. -#}
    {% set rules = ref('stg_config__allocation_rules') %}
    {% if not execute %}
        {{ return(1) }}
    {% endif %}
    {{ return(run_query("select coalesce(max(step), 1) as steps from " ~ rules)[0][0] | int) }}
{% endmacro %}


{% macro parts_of_pools(portions, bases) %}
    {#-
        Divides every pool exactly, by the largest remainder. portions: rows of pool_number, owner_number, driver, total_driver and, for
        each basis, the amount of the whole pool. Adds <basis>_part.

        Each part is cut to ten decimals towards zero, and the units left over go one each to the largest remainders, then by
        owner. What a pool holds beyond ten decimals goes to the first of them.
    -#}
    {%- set unit = '0.0000000001' -%}
    {%- set units_in_one = '10000000000' -%}
    with divided as (
        select
            portions.*,
            {%- for basis in bases %}
            {%- set product = 'trunc(abs(' ~ basis ~ ') * ' ~ units_in_one ~ ') * driver' %}
            {{ whole_quotient(product, 'total_driver') }} as {{ basis }}_units,
            mod({{ product }}, total_driver) as {{ basis }}_remainder{{ ',' if not loop.last }}
            {%- endfor %}
        from {{ portions }} as portions
    ),

    ranked as (
        select
            divided.*,
            {%- for basis in bases %}
            row_number() over (partition by pool_number order by {{ basis }}_remainder desc, owner_number asc) as {{ basis }}_rank,
            {{ whole_quotient('sum(' ~ basis ~ '_remainder) over (partition by pool_number)', 'total_driver') }} as {{ basis }}_left
            {{- ',' if not loop.last }}
            {%- endfor %}
        from divided
    )

    select
        ranked.*,
        {%- for basis in bases %}
        sign({{ basis }}) * (
            ({{ basis }}_units + case when {{ basis }}_rank <= {{ basis }}_left then 1 else 0 end) * {{ unit }}
            + case when {{ basis }}_rank = 1 then abs({{ basis }}) - trunc(abs({{ basis }}), 10) else 0 end
        ) as {{ basis }}_part{{ ',' if not loop.last }}
        {%- endfor %}
    from ranked
{% endmacro %}


{% macro steps_of_allocation(last_step, bases) %}
{%- for step in range(1, last_step + 1) %}
{{ step_of_allocation(step, bases) }}{{ ',' if not loop.last }}
{%- endfor %}
{%- endmacro %}


{% macro step_of_allocation(step, bases) %}
    {#- The pools of a step, their drivers, and what everyone holds afterwards. -#}
    {%- set held = 'held_' ~ (step - 1) -%}
    {%- if step > 1 %}
takers_{{ step }} as (
    -- The rule that takes what earlier steps gave a team. That has no service and no commitment, so a rule that asks for these takes none.
    select
        held.origin_number,
        held.team,
        min(rules.position) as rule_position
    from {{ held }} as held
    inner join origins on held.origin_number = origins.origin_number
    inner join rule_teams on held.team = rule_teams.team
    inner join rules on rule_teams.rule_position = rules.position
    where
        rules.step = {{ step }}
        and rules.service_names is null
        and rules.commitment_discount_status is null
        and {{ list_allows('rules.charge_categories', 'origins.charge_category') }}
        and {{ list_allows('rules.sub_account_ids', 'origins.sub_account_id') }}
        and origins.last_day >= rules.valid_from
        and origins.last_day < rules.valid_to
    group by 1, 2
),

{% endif %}
gathered_{{ step }} as (
    select
        origin_number,
        rule_position,
        allocation_rule as allocation_path,
        origin_item as driver_item,
        coalesce(origin_team, 'unallocated') as rest_team,
        origin_cost_center as rest_cost_center,
        origin_project as rest_project,
        {{ bases | join(', ') }}
    from origins
    where step = {{ step }}
    {%- if step > 1 %}

    union all

    select
        held.origin_number,
        takers.rule_position,
        held.allocation_path || ' > ' || held.team || ' > ' || rules.allocation_rule as allocation_path,
        cast(null as text) as driver_item,
        case when rules.keeps_rest then held.team else 'unallocated' end as rest_team,
        case when rules.keeps_rest then teams.cost_center end as rest_cost_center,
        cast(null as text) as rest_project,
        {%- for basis in bases %}
        sum(held.{{ basis }}) as {{ basis }}{{ ',' if not loop.last }}
        {%- endfor %}
    from {{ held }} as held
    inner join takers_{{ step }} as takers on held.origin_number = takers.origin_number and held.team = takers.team
    inner join rules on takers.rule_position = rules.position
    left join teams on held.team = teams.team
    group by 1, 2, 3, 4, 5, 6, 7
    {%- endif %}
),

pools_{{ step }} as (
    select
        gathered.*,
        row_number() over (order by gathered.origin_number, {{ bytewise('gathered.allocation_path') }}) as pool_number,
        rules.driver_set,
        origins.billing_period,
        origins.billing_currency,
        coalesce(case when rules.basis = 'day' then origins.charge_date end, {{ whole_month() }}) as driver_date
    from gathered_{{ step }} as gathered
    inner join origins on gathered.origin_number = origins.origin_number
    left join rules on gathered.rule_position = rules.position
),

{{ drivers_of_step(step) }},

portions_{{ step }} as (
    select
        pools.pool_number,
        {%- for basis in bases %}
        pools.{{ basis }},
        {%- endfor %}
        drivers.is_fallback,
        coalesce(drivers.owner_number, 1) as owner_number,
        -- What no driver takes goes to the owner of the rest.
        coalesce(drivers.team, pools.rest_team) as team,
        case when drivers.team is null then pools.rest_cost_center else drivers.cost_center end as cost_center,
        case when drivers.team is null then pools.rest_project else drivers.project end as project,
        coalesce(drivers.driver, 1) as driver,
        coalesce(drivers.total_driver, 1) as total_driver
    from pools_{{ step }} as pools
    left join drivers_{{ step }} as drivers
        on
            pools.driver_set = drivers.driver_set
            and pools.billing_period = drivers.billing_period
            and pools.billing_currency = drivers.billing_currency
            and pools.driver_date = drivers.driver_date
            and coalesce(pools.driver_item, '') = drivers.driver_item
),

parts_{{ step }} as (
    {{ parts_of_pools('portions_' ~ step, bases) }}
),

held_{{ step }} as (
    select
        pools.origin_number,
        pools.rule_position,
        pools.allocation_path,
        cast({{ step }} as integer) as step,
        parts.is_fallback,
        parts.team,
        parts.cost_center,
        parts.project,
        sum(parts.driver) as driver,
        parts.total_driver,
        {%- for basis in bases %}
        sum(parts.{{ basis }}_part) as {{ basis }}{{ ',' if not loop.last }}
        {%- endfor %}
    from parts_{{ step }} as parts
    inner join pools_{{ step }} as pools on parts.pool_number = pools.pool_number
    group by 1, 2, 3, 4, 5, 6, 7, 8, parts.total_driver
    {%- if step > 1 %}

    union all

    select held.*
    from {{ held }} as held
    left join takers_{{ step }} as takers on held.origin_number = takers.origin_number and held.team = takers.team
    where takers.rule_position is null
    {%- endif %}
)
{%- endmacro %}
