-- One row per budget scope, currency and month, quarter or year that has begun: what may be spent in it, and what was charged so far.
-- A quarter or year is the sum of its months in which a budget holds, from the first month with charges on.
with charged as (
    select * from {{ ref('chargeback_budgets') }}
),

budgets as (
    select * from {{ ref('stg_config__budgets') }}
),

known as (
    select
        min(billing_period) as first_month,
        max(billing_period) as last_month
    from {{ ref('daily_costs') }}
),

months as (
    select cast(months.first_day as date) as billing_period
    from known
    cross join lateral generate_series(
        cast(known.first_month as timestamp), date_trunc('year', known.last_month) + interval '11 months', interval '1 month'
    ) as months (first_day)
),

budget_months as (
    select
        budgets.*,
        months.billing_period,
        coalesce(charged.charged_cost, 0) as charged_cost,
        charged.counted_currencies,
        charged.left_out_currencies
    from budgets
    inner join months
        on
            budgets.valid_from <= months.billing_period
            and budgets.valid_to > months.billing_period
            and budgets.calendar_month = extract(month from months.billing_period)
    left join charged
        on
            budgets.scope_type = charged.scope_type
            and budgets.scope_name = charged.scope_name
            and budgets.budget_currency = charged.budget_currency
            and months.billing_period = charged.billing_period
),

in_periods as (
    select
        budget_months.*,
        kinds.period_kind,
        cast(date_trunc(kinds.period_kind, budget_months.billing_period) as date) as period_start,
        cast(date_trunc(kinds.period_kind, budget_months.billing_period) + cast(kinds.length as interval) - interval '1 day' as date) as period_end
    from budget_months
    cross join (values ('month', '1 month'), ('quarter', '3 months'), ('year', '1 year')) as kinds (period_kind, length)
)

select
    in_periods.scope_type,
    in_periods.scope_name,
    in_periods.budget_currency,
    in_periods.period_kind,
    -- Who answers for it, and what is told, by the budget that holds last.
    (array_agg(in_periods.owner order by in_periods.billing_period desc))[1] as owner,
    (array_agg(in_periods.thresholds order by in_periods.billing_period desc))[1] as thresholds,
    max(in_periods.counted_currencies) as counted_currencies,
    max(in_periods.left_out_currencies) as left_out_currencies,
    sum(in_periods.budget_cost) as budget_cost,
    sum(in_periods.charged_cost) as charged_cost,
    min(in_periods.billing_period) as first_day,
    in_periods.period_start,
    in_periods.period_end
from in_periods
cross join known
group by
    in_periods.scope_type, in_periods.scope_name, in_periods.budget_currency, in_periods.period_kind, in_periods.period_start,
    in_periods.period_end, known.last_month
having in_periods.period_start <= known.last_month
