-- One row per budget scope, budget currency, billing currency, day and stage: what the day cost (known), what of it was delivered of a day
-- that is not complete (partial) and so gives way to what is expected of that day (expected).
with scopes as (
    select distinct
        scope_type,
        scope_name,
        budget_currency
    from {{ ref('int_budget_periods') }}
),

rates as (
    select
        billing_currency,
        reporting_currency,
        reference_rate,
        billing_period,
        row_number() over (partition by billing_currency order by billing_period desc) = 1 as is_newest
    from {{ ref('int_reference_rates') }}
),

forecasts as (
    select * from {{ ref('stg_ml__forecasts') }}
),

trained as (
    select
        dimension,
        dimension_value,
        billing_currency,
        max(trained_to) as trained_to
    from forecasts
    group by 1, 2, 3
),

delivered as (
    select
        scopes.scope_type,
        scopes.scope_name,
        scopes.budget_currency,
        costs.billing_currency,
        -- A day counts in the month that it was billed in.
        least(greatest(costs.charge_date, costs.billing_period), {{ last_day_of('costs.billing_period') }}) as charge_date,
        trained.trained_to,
        costs.billing_period,
        sum(costs.curve_cost + costs.scheduled_cost + costs.irregular_cost) as cost
    from scopes
    inner join {{ ref('int_series_months') }} as costs
        on scopes.scope_type = costs.dimension and scopes.scope_name = costs.dimension_value
    left join trained
        on
            costs.dimension = trained.dimension
            and costs.dimension_value = trained.dimension_value
            and costs.billing_currency = trained.billing_currency
    group by 1, 2, 3, 4, 5, 6, 7
),

expected as (
    select
        scopes.*,
        forecasts.billing_currency,
        forecasts.forecast_date as charge_date,
        forecasts.trained_to,
        forecasts.mean as cost,
        forecasts.scheduled_mean as scheduled_cost
    from scopes
    inner join forecasts on scopes.scope_type = forecasts.dimension and scopes.scope_name = forecasts.dimension_value
)

select
    delivered.scope_type,
    delivered.scope_name,
    delivered.budget_currency,
    delivered.billing_currency,
    case when delivered.charge_date > delivered.trained_to then 'partial' else 'known' end as stage,
    {{ converted('delivered.cost', 'rates.reference_rate', 'delivered.billing_currency', 'delivered.budget_currency') }} as cost,
    cast(0 as numeric) as scheduled_cost,
    delivered.charge_date,
    delivered.trained_to
from delivered
left join rates
    on
        delivered.billing_currency = rates.billing_currency
        and delivered.billing_period = rates.billing_period
        and delivered.budget_currency = rates.reporting_currency
where delivered.billing_currency = delivered.budget_currency or rates.reference_rate is not null

union all

select
    expected.scope_type,
    expected.scope_name,
    expected.budget_currency,
    expected.billing_currency,
    'expected' as stage,
    {{ converted('expected.cost', 'rates.reference_rate', 'expected.billing_currency', 'expected.budget_currency') }} as cost,
    {{ converted('expected.scheduled_cost', 'rates.reference_rate', 'expected.billing_currency', 'expected.budget_currency') }} as scheduled_cost,
    expected.charge_date,
    expected.trained_to
from expected
left join rates
    on
        expected.billing_currency = rates.billing_currency
        and rates.is_newest
        and expected.budget_currency = rates.reporting_currency
where expected.billing_currency = expected.budget_currency or rates.reference_rate is not null
