{#- What pools are divided by. The other half of allocation_lineage's steps is in allocation.sql. -#}

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

ai_usage_{{ step }} as (
    select
        keys.driver_set,
        keys.billing_period,
        keys.billing_currency,
        keys.driver_date,
        keys.driver_item,
        nullif(splits.team, 'unallocated') as team,
        case when splits.team <> 'unallocated' then splits.cost_center end as cost_center,
        case when splits.team <> 'unallocated' then splits.project end as project,
        sum(splits.driver) as driver
    from {{ ref('int_ai_usage_splits') }} as splits
    inner join keys_{{ step }} as keys on splits.usage_item = keys.driver_item and splits.charge_date = keys.driver_date
    inner join sets_{{ step }} as sets on keys.driver_set = sets.driver_set and sets.allocation_method = 'ai_usage'
    where exists (select 1 from ai_rules)
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
    {%- for method in ['measured', 'metric', 'fixed', 'split', 'ai_usage'] %}
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
