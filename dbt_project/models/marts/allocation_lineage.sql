-- One row per origin (pool of a rule: source, month, or day where the rule divides by day, accounts, currency, charge category), path
-- of rules and paying owner: why who pays what. Its parts add up to each origin exactly, whatever way they took.
{{ config(meta={'plan': 'bulk'}) }}
{%- set costs = ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'] %}
{%- set bases = ['share'] + costs %}
{%- set last_step = allocation_steps() | int %}
{%- set origin_columns = [
    'source_name', 'billing_period', 'billing_account_id', 'sub_account_id', 'billing_currency', 'charge_category', 'allocation_rule',
    'rule_position', 'charge_date', 'origin_item', 'origin_team', 'origin_cost_center', 'origin_project',
] %}
{#- Rules change places: a version is known by its first day. -#}
{%- set origin_key = ['rules.valid_from'] %}
{%- for column in origin_columns if column != 'rule_position' %}{% do origin_key.append('origins.' ~ column) %}{% endfor %}

with rules as {{ evaluated_once() }} (
    select * from {{ ref('stg_config__allocation_rules') }}
),

split_rules as (
    select * from rules
    where allocation_method = 'split'
),

ai_rules as (
    select * from rules
    where allocation_method = 'ai_usage'
),

teams as (
    select * from {{ ref('stg_config__teams') }}
),

rule_teams as (
    select
        rules.position as rule_position,
        {{ json_value_text('teams.value') }} as team
    from rules
    cross join lateral {{ json_items('rules.teams') }} as teams (value, position)
),

daily as (
    select
        costs.source_name,
        costs.billing_account_id,
        costs.sub_account_id,
        costs.service_name,
        costs.charge_category,
        costs.commitment_discount_id,
        costs.commitment_discount_status,
        costs.consumed_unit,
        costs.team,
        costs.cost_center,
        costs.project,
        costs.allocation_rule,
        costs.billing_currency,
        costs.consumed_quantity,
        costs.{{ costs | join(', costs.') }},
        costs.billing_period,
        costs.charge_date,
        rules.position as rule_position,
        rules.allocation_method,
        rules.basis,
        rules.keeps_rest,
        case when costs.cost_type = 'shared' then coalesce(rules.step, 1) end as step
    from {{ ref('daily_costs') }} as costs
    left join rules
        on
            costs.allocation_rule = rules.allocation_rule
            and costs.charge_date >= rules.valid_from
            and costs.charge_date < rules.valid_to
),

pooled as (
    select
        source_name,
        billing_account_id,
        sub_account_id,
        charge_category,
        allocation_rule,
        case when allocation_method = 'commitment_users' then commitment_discount_id end as origin_item,
        team,
        cost_center,
        project,
        basis,
        keeps_rest,
        billing_currency,
        rule_position,
        step,
        {{ costs | join(', ') }},
        billing_period,
        charge_date
    from daily
    where step is not null and coalesce(allocation_method, '') not in ('split', 'ai_usage')

    union all

    -- Containers run on single resources, which only cost_records knows.
    select
        records.source_name,
        records.billing_account_id,
        records.sub_account_id,
        records.charge_category,
        records.allocation_rule,
        records.resource_id as origin_item,
        records.team,
        records.cost_center,
        records.project,
        rules.basis,
        rules.keeps_rest,
        records.billing_currency,
        rules.position as rule_position,
        rules.step,
        records.{{ costs | join(', records.') }},
        records.billing_period,
        records.charge_date
    from {{ ref('cost_records') }} as records
    inner join split_rules as rules
        on
            records.allocation_rule = rules.allocation_rule
            and records.charge_date >= rules.valid_from
            and records.charge_date < rules.valid_to
    -- Without such a rule the records are not even looked at.
    where exists (select 1 from split_rules)

    union all

    -- Models and keys too.
    select
        records.source_name,
        records.billing_account_id,
        records.sub_account_id,
        records.charge_category,
        records.allocation_rule,
        {{ ai_item_of_charge('records') }} as origin_item,
        records.team,
        records.cost_center,
        records.project,
        rules.basis,
        rules.keeps_rest,
        records.billing_currency,
        rules.position as rule_position,
        rules.step,
        records.{{ costs | join(', records.') }},
        records.billing_period,
        records.charge_date
    from {{ ref('cost_records') }} as records
    inner join ai_rules as rules
        on
            records.allocation_rule = rules.allocation_rule
            and records.charge_date >= rules.valid_from
            and records.charge_date < rules.valid_to
    where exists (select 1 from ai_rules)
),

summed as (
    select
        source_name,
        billing_period,
        billing_account_id,
        sub_account_id,
        billing_currency,
        charge_category,
        allocation_rule,
        rule_position,
        case when basis = 'day' then charge_date end as charge_date,
        origin_item,
        case when keeps_rest then team end as origin_team,
        case when keeps_rest then cost_center end as origin_cost_center,
        case when keeps_rest then project end as origin_project,
        step,
        sum(billed_cost) as billed_cost,
        sum(effective_cost) as effective_cost,
        sum(contracted_cost) as contracted_cost,
        sum(list_cost) as list_cost
    from pooled
    group by 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, step
),

origins as {{ evaluated_once() }} (
    select
        *,
        row_number() over (order by {{ origin_columns | join(', ') }}) as origin_number,
        cast(1 as numeric) as share,
        -- The day whose rules hold for what is passed on.
        coalesce(charge_date, cast(billing_period + interval '1 month' - interval '1 day' as date)) as last_day
    from summed
),

source_progress as (
    select
        source_name,
        billing_period,
        cast(billing_period + interval '1 month' - interval '1 day' as date) as month_end,
        max(charge_date) as last_day,
        max(billing_period) over (partition by source_name) > billing_period as has_later_months
    from daily
    group by 1, 2
),

final_days as (
    -- The last day that every source with charges in the month has delivered.
    select
        billing_period,
        min(case when has_later_months then month_end else last_day end) as final_day
    from source_progress
    group by 1
),

{{ steps_of_allocation(last_step, bases) }},

named as (
    select
        {{ uuid_of(origin_key) }} as origin_id,
        origins.source_name,
        origins.billing_account_id,
        origins.sub_account_id,
        origins.charge_category,
        origins.origin_item,
        origins.origin_team,
        origins.origin_cost_center,
        origins.origin_project,
        origins.allocation_rule,
        origins.billing_period,
        origins.billing_currency,
        origins.charge_date,
        origins.last_day <= final_days.final_day as is_final,
        nullif(rules.valid_from, date '0001-01-01') as rule_valid_from,
        rules.allocation_method,
        coalesce(rules.measure, rules.driver) as allocation_measure,
        origins.origin_number
    from origins
    inner join final_days on origins.billing_period = final_days.billing_period
    left join rules on origins.rule_position = rules.position
)

select
    {{ uuid_of(['named.origin_id', 'held.allocation_path', 'held.team', 'held.cost_center', 'held.project']) }} as allocation_lineage_id,
    named.origin_id,
    named.source_name,
    named.billing_account_id,
    named.sub_account_id,
    named.charge_category,
    named.origin_item,
    named.origin_team,
    named.origin_cost_center,
    named.origin_project,
    named.allocation_rule,
    named.allocation_method,
    named.allocation_measure,
    held.allocation_path,
    held.step,
    last_rules.allocation_rule as last_rule,
    case when held.is_fallback then last_rules.fallback else last_rules.allocation_method end as last_method,
    coalesce(last_rules.measure, last_rules.driver) as last_measure,
    held.team,
    held.cost_center,
    held.project,
    named.billing_currency,
    case when held.is_fallback is not null then held.driver end as driver,
    case when held.is_fallback is not null then held.total_driver end as total_driver,
    held.share as origin_share,
    held.billed_cost,
    held.effective_cost,
    held.contracted_cost,
    held.list_cost,
    named.is_final,
    named.rule_valid_from,
    named.billing_period,
    named.charge_date
from held_{{ last_step }} as held
inner join named on held.origin_number = named.origin_number
left join rules as last_rules on held.rule_position = last_rules.position
