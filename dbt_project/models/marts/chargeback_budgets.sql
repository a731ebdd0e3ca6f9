-- One row per billing month and budget that holds in it: what was budgeted, and what was charged back to its scope.
-- Teams, cost centres and projects are charged their part of the pools too (chargeback_reports); a service what it cost itself (daily_costs),
-- as is a provider, whose name only the daily series has.
-- A view, as budgets are few: a table that is made whole by each build would take the views on it along.
{{ config(materialized='view') }}
{%- set bases = ['billed_cost', 'effective_cost', 'contracted_cost', 'list_cost'] %}
{%- set scopes = {
    'team': ('team', 'chargeback_reports'), 'cost_center': ('cost_center', 'chargeback_reports'),
    'project': ('project', 'chargeback_reports'), 'service': ('service_name', 'daily_costs'),
} %}
with charged as (
    {%- for scope_type, (column, mart) in scopes.items() %}
    select
        '{{ scope_type }}' as scope_type,
        costs.{{ column }} as scope_name,
        costs.billing_currency,
        sum(
            case reports.cost_basis
                {%- for basis in bases %}
                when '{{ basis }}' then costs.{{ basis }}
                {%- endfor %}
            end
        ) as cost,
        costs.billing_period
    from {{ ref(mart) }} as costs
    cross join {{ ref('stg_config__reports') }} as reports
    group by costs.{{ column }}, costs.billing_currency, costs.billing_period

    union all
    {%- endfor %}

    select
        'provider' as scope_type,
        provider as scope_name,
        billing_currency,
        sum(curve_cost + scheduled_cost + irregular_cost) as cost,
        billing_period
    from {{ ref('int_series_costs') }}
    group by provider, billing_currency, billing_period
),

months as (
    select distinct
        billing_period,
        extract(month from billing_period) as calendar_month
    from charged
),

budgets as (
    select
        budgets.*,
        months.billing_period
    from {{ ref('stg_config__budgets') }} as budgets
    inner join months
        on
            budgets.valid_from <= months.billing_period
            and budgets.valid_to > months.billing_period
            and budgets.calendar_month = months.calendar_month
),

-- A budget counts what is charged in its currency. One in the reporting currency counts other currencies too, at the month's reference rate.
counted as (
    select
        budgets.budget_number,
        budgets.billing_period,
        charged.billing_currency,
        charged.billing_currency = budgets.budget_currency or rates.reference_rate is not null as is_counted,
        case
            when charged.billing_currency = budgets.budget_currency then charged.cost
            else round(charged.cost * rates.reference_rate, 10)
        end as cost
    from budgets
    inner join charged
        on
            budgets.scope_type = charged.scope_type
            and budgets.scope_name = charged.scope_name
            and budgets.billing_period = charged.billing_period
    left join {{ ref('int_reference_rates') }} as rates
        on
            charged.billing_currency = rates.billing_currency
            and charged.billing_period = rates.billing_period
            and budgets.budget_currency = rates.reporting_currency
),

totals as (
    select
        budget_number,
        billing_period,
        sum(cost) as charged_cost,
        {{ listed('case when is_counted then billing_currency end') }} as counted_currencies,
        {{ listed('case when not is_counted then billing_currency end') }} as left_out_currencies
    from counted
    group by 1, 2
)

select
    budgets.scope_type,
    budgets.scope_name,
    budgets.owner,
    reports.cost_basis,
    budgets.budget_currency,
    totals.counted_currencies,
    totals.left_out_currencies,
    budgets.budget_cost,
    coalesce(totals.charged_cost, 0) as charged_cost,
    coalesce(totals.charged_cost, 0) - budgets.budget_cost as variance_cost,
    case when budgets.budget_cost > 0 then round(coalesce(totals.charged_cost, 0) / budgets.budget_cost, 10) end as used_share,
    budgets.billing_period
from budgets
cross join {{ ref('stg_config__reports') }} as reports
left join totals on budgets.budget_number = totals.budget_number and budgets.billing_period = totals.billing_period
