-- One row per virtual tag rule, delivered month in which it holds, and currency billed in it; one without a month where it holds in none.
-- A view: asked for when rules and tags are looked at, not each day.
{{ config(materialized='view') }}

with rules as (
    select * from {{ ref('stg_config__virtual_tag_rules') }}
),

months as (
    select distinct
        delivery_period,
        billing_currency
    from {{ ref('daily_costs') }}
),

usage as (
    select
        scopes.delivery_period,
        usage.billing_currency,
        usage.rule_position,
        {%- for name in ['matched', 'decided', 'shadowed', 'tagged', 'no_value'] %}
        cast(sum(usage.{{ name }}_resource_count) as bigint) as {{ name }}_resource_count,
        {%- endfor %}
        {%- for name in ['decided', 'shadowed', 'tagged'] %}
        sum(usage.{{ name }}_row_count) as {{ name }}_row_count,
        {%- endfor %}
        sum(usage.matched_cost) as matched_cost,
        sum(usage.decided_cost) as decided_cost
    from {{ ref('int_virtual_tag_usage') }} as usage
    inner join {{ ref('stg_deliveries__scopes') }} as scopes on usage.scope_id = scopes.scope_id
    group by 1, 2, 3
),

rule_months as (
    select
        rules.*,
        months.delivery_period,
        months.billing_currency
    from rules
    left join months
        on rules.valid_from < months.delivery_period + interval '1 month' and rules.valid_to > months.delivery_period
)

select
    rule_months.virtual_tag_rule,
    -- Of the rule as a whole, over all months and currencies.
    case
        when rule_months.delivery_period is null then 'not_in_force'
        when sum(usage.decided_row_count) over rule > 0 then 'decides'
        when sum(usage.shadowed_row_count) over rule > 0 then 'shadowed'
        when sum(usage.tagged_row_count) over rule > 0 then 'tagged'
        when count(usage.rule_position) over rule > 0 then 'no_value'
        else 'no_match'
    end as status,
    rule_months.billing_currency,
    rule_months.rule_position,
    {%- for name in ['matched', 'decided', 'shadowed', 'tagged', 'no_value'] %}
    coalesce(usage.{{ name }}_resource_count, 0) as {{ name }}_resource_count,
    {%- endfor %}
    coalesce(usage.matched_cost, 0) as matched_cost,
    coalesce(usage.decided_cost, 0) as decided_cost,
    rule_months.valid_from,
    rule_months.valid_to,
    rule_months.delivery_period
from rule_months
left join usage
    on
        rule_months.rule_position = usage.rule_position
        and rule_months.delivery_period = usage.delivery_period
        and rule_months.billing_currency = usage.billing_currency
window rule as (partition by rule_months.rule_position)
