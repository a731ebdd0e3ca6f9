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


{% macro whole_month() -%}
    {#- Stands for the whole month where drivers are kept by day. -#}
    {{ return("date '0001-01-01'") }}
{%- endmacro %}


{% macro drivers_of_step(step) %}
    {#- What the pools of a step are divided by: rows of driver_set, key (month, day, currency, item), owner and driver. An owner of null is that of the rest. -#}
    {%- set key = 'driver_set, billing_period, billing_currency, driver_date, driver_item' -%}
sets_{{ step }} as (
    select distinct
        driver_set,
        allocation_method,
        measure,
        consumed_unit,
        driver,
        basis,
        fallback,
        shares,
        over_teams,
        over_service_names,
        over_sub_account_ids,
        over_charge_categories
    from rules
    where step = {{ step }}
),

keys_{{ step }} as (
    select distinct
        driver_set,
        billing_period,
        billing_currency,
        driver_date,
        coalesce(driver_item, '') as driver_item
    from pools_{{ step }}
),

borne_{{ step }} as (
    -- What owners bear when the step begins: own costs that no pool has taken by then, and what earlier steps gave them for good.
    select
        billing_period,
        billing_currency,
        charge_date,
        sub_account_id,
        service_name,
        charge_category,
        case when commitment_discount_status = 'Used' then commitment_discount_id end as used_commitment_id,
        consumed_unit,
        team,
        cost_center,
        project,
        consumed_quantity,
        billed_cost,
        effective_cost,
        contracted_cost,
        list_cost
    from daily
    where team <> 'unallocated' and (step is null or step > {{ step }})
    {%- if step > 1 %}

    union all

    select
        origins.billing_period,
        origins.billing_currency,
        origins.charge_date,
        origins.sub_account_id,
        cast(null as text) as service_name,
        origins.charge_category,
        cast(null as text) as used_commitment_id,
        cast(null as text) as consumed_unit,
        held.team,
        held.cost_center,
        held.project,
        cast(null as numeric) as consumed_quantity,
        held.billed_cost,
        held.effective_cost,
        held.contracted_cost,
        held.list_cost
    from held_{{ step - 1 }} as held
    inner join origins on held.origin_number = origins.origin_number
    left join takers_{{ step }} as takers on held.origin_number = takers.origin_number and held.team = takers.team
    where takers.rule_position is null and held.team <> 'unallocated'
    {%- endif %}
),

measured_{{ step }} as (
    select
        sets.driver_set,
        borne.billing_period,
        borne.billing_currency,
        case when spans.is_day then borne.charge_date else {{ whole_month() }} end as driver_date,
        case when sets.allocation_method = 'commitment_users' then borne.used_commitment_id else '' end as driver_item,
        borne.team,
        borne.cost_center,
        borne.project,
        sum(
            case sets.measure
                when 'billed_cost' then borne.billed_cost
                when 'effective_cost' then borne.effective_cost
                when 'contracted_cost' then borne.contracted_cost
                when 'list_cost' then borne.list_cost
                when 'consumed_quantity' then borne.consumed_quantity
            end
        ) as driver
    from borne_{{ step }} as borne
    inner join sets_{{ step }} as sets
        on
            (
                sets.allocation_method = 'proportional'
                or (sets.allocation_method = 'commitment_users' and borne.used_commitment_id is not null)
            )
            and (sets.consumed_unit is null or sets.consumed_unit = borne.consumed_unit)
            and {{ list_allows('sets.over_teams', 'borne.team') }}
            and {{ list_allows('sets.over_service_names', 'borne.service_name') }}
            and {{ list_allows('sets.over_sub_account_ids', 'borne.sub_account_id') }}
            and {{ list_allows('sets.over_charge_categories', 'borne.charge_category') }}
    inner join (values (false), (true)) as spans (is_day)
        on not spans.is_day or (sets.basis = 'day' and borne.charge_date is not null)
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

metric_{{ step }} as (
    select
        keys.driver_set,
        keys.billing_period,
        keys.billing_currency,
        keys.driver_date,
        keys.driver_item,
        quantities.team,
        coalesce(quantities.cost_center, teams.cost_center) as cost_center,
        quantities.project,
        sum(quantities.quantity) as driver
    from keys_{{ step }} as keys
    inner join sets_{{ step }} as sets on keys.driver_set = sets.driver_set
    inner join {{ ref('stg_config__allocation_drivers') }} as quantities on sets.driver = quantities.driver
    left join teams on quantities.team = teams.team
    where
        -- A quantity of a month counts on each of its days.
        case
            when keys.driver_date = {{ whole_month() }} then cast(date_trunc('month', quantities.valid_on) as date) = keys.billing_period
            when quantities.is_monthly then quantities.valid_on = cast(date_trunc('month', keys.driver_date) as date)
            else quantities.valid_on = keys.driver_date
        end
        and {{ list_allows('sets.over_teams', 'quantities.team') }}
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

fixed_{{ step }} as (
    select
        keys.driver_set,
        keys.billing_period,
        keys.billing_currency,
        keys.driver_date,
        keys.driver_item,
        shares.team,
        teams.cost_center,
        cast(null as text) as project,
        shares.share as driver
    from keys_{{ step }} as keys
    inner join sets_{{ step }} as sets on keys.driver_set = sets.driver_set
    cross join lateral (
        select
            given.key as team,
            cast(given.value as numeric) as share
        from {{ json_text_pairs('sets.shares') }} as given (key, value)
        union all
        -- The rest stays where it is.
        select
            null as team,
            1 - sum(cast(given.value as numeric)) as share
        from {{ json_text_pairs('sets.shares') }} as given (key, value)
    ) as shares
    left join teams on shares.team = teams.team
),

split_{{ step }} as (
    select
        sets.driver_set,
        splits.billing_period,
        splits.billing_currency,
        case when sets.basis = 'day' then splits.charge_date else {{ whole_month() }} end as driver_date,
        splits.parent_resource_id as driver_item,
        nullif(splits.team, 'unallocated') as team,
        case when splits.team <> 'unallocated' then splits.cost_center end as cost_center,
        case when splits.team <> 'unallocated' then splits.project end as project,
        sum(splits.split_cost) as driver
    from {{ ref('int_container_splits') }} as splits
    inner join sets_{{ step }} as sets on sets.allocation_method = 'split'
    where exists (select 1 from split_rules)
    group by 1, 2, 3, 4, 5, 6, 7, 8
),

even_{{ step }} as (
    select distinct
        keys.driver_set,
        keys.billing_period,
        keys.billing_currency,
        keys.driver_date,
        keys.driver_item,
        teams.team,
        teams.cost_center,
        cast(null as text) as project,
        cast(1 as numeric) as driver,
        sets.allocation_method <> 'even' as is_fallback
    from keys_{{ step }} as keys
    inner join sets_{{ step }} as sets on keys.driver_set = sets.driver_set
    left join borne_{{ step }} as borne
        on
            sets.over_teams is null
            and keys.billing_period = borne.billing_period
            and keys.billing_currency = borne.billing_currency
            and (keys.driver_date = {{ whole_month() }} or keys.driver_date = borne.charge_date)
    inner join teams on {{ list_allows('sets.over_teams', 'teams.team') }} and (sets.over_teams is not null or teams.team = borne.team)
    where sets.allocation_method = 'even' or sets.fallback = 'even'
),

every_driver_{{ step }} as (
    {%- for method in ['measured', 'metric', 'fixed', 'split'] %}
    select {{ key }}, team, cost_center, project, driver, false as is_fallback from {{ method }}_{{ step }}
    union all
    {%- endfor %}
    select {{ key }}, team, cost_center, project, driver, is_fallback from even_{{ step }}
),

chosen_drivers_{{ step }} as (
    select
        *,
        rank() over (partition by {{ key }} order by is_fallback) as choice
    from every_driver_{{ step }}
    -- Who was credited more than they used pays no part of a pool.
    where driver > 0
),

drivers_{{ step }} as (
    select
        *,
        sum(driver) over (partition by {{ key }}) as total_driver,
        row_number() over (
            partition by {{ key }}
            order by {{ bytewise('team') }}, {{ bytewise('cost_center') }}, {{ bytewise('project') }}
        ) as owner_number
    from chosen_drivers_{{ step }}
    where choice = 1
)
{%- endmacro %}
