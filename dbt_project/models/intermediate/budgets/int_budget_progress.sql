-- One row per budget period and day: what the period has cost up to and including the day, as charged and as expected after that.
-- What was charged besides the days (adjustments of closed months) counts from the first day.
with periods as {{ evaluated_once() }} (
    select * from {{ ref('int_budget_periods') }}
),

days as {{ evaluated_once() }} (
    select * from {{ ref('int_budget_days') }}
),

in_periods as (
    select
        periods.scope_type,
        periods.scope_name,
        periods.budget_currency,
        periods.period_kind,
        periods.period_start,
        periods.charged_cost,
        days.charge_date,
        sum(case when days.stage = 'expected' then 0 else days.cost end) as delivered_cost,
        sum(case when days.stage = 'partial' then 0 else days.cost end) as cost
    from periods
    inner join days
        on
            periods.scope_type = days.scope_type
            and periods.scope_name = days.scope_name
            and periods.budget_currency = days.budget_currency
            and days.charge_date between periods.first_day and periods.period_end
    group by 1, 2, 3, 4, 5, 6, 7
)

select
    scope_type,
    scope_name,
    budget_currency,
    period_kind,
    period_start,
    charge_date,
    charged_cost - sum(delivered_cost) over of_period + sum(cost) over up_to_day as cost_to_date,
    charged_cost - sum(delivered_cost) over of_period + sum(delivered_cost) over up_to_day as charged_to_date,
    delivered_cost <> 0 as is_delivered
from in_periods
window
    of_period as (partition by scope_type, scope_name, budget_currency, period_kind, period_start),
    up_to_day as (
        partition by scope_type, scope_name, budget_currency, period_kind, period_start
        order by charge_date
        rows unbounded preceding
    )
