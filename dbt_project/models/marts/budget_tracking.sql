-- One row per budget scope, currency and month, quarter or year that has begun: what was charged, what it will be at the end and how sure that is.
-- A view on what was charged and on the forecasts, which are made after the marts.
{{ config(materialized='view') }}
{%- set scope = ['scope_type', 'scope_name', 'budget_currency'] %}
{%- set key = scope + ['period_kind', 'period_start'] %}
{%- set bands = ['lower_80', 'upper_80', 'lower_95', 'upper_95'] %}

with periods as {{ evaluated_once() }} (
    select * from {{ ref('int_budget_periods') }}
),

days as {{ evaluated_once() }} (
    select * from {{ ref('int_budget_days') }}
),

progress as {{ evaluated_once() }} (
    select * from {{ ref('int_budget_progress') }}
    where cost_to_date > 0
),

rates as (
    select distinct on (billing_currency)
        billing_currency,
        reporting_currency,
        reference_rate
    from {{ ref('int_reference_rates') }}
    order by billing_currency, billing_period desc
),

-- The day up to which all that the scope is charged in the budget's view of it is known.
known as (
    select
        scope_type,
        scope_name,
        budget_currency,
        coalesce(min(trained_to), max(case when stage = 'known' then charge_date end)) as as_of
    from days
    group by 1, 2, 3
),

sums as (
    select
        {{ columns_of('periods', key) }},
        sum(case when days.stage = 'partial' then days.cost else 0 end) as partial_cost,
        sum(case when days.stage <> 'expected' and days.charge_date > known.as_of then days.cost else 0 end) as later_cost,
        sum(case when days.stage = 'expected' then days.cost else 0 end) as expected_rest,
        sum(case when days.stage = 'expected' then days.scheduled_cost else 0 end) as committed_cost
    from periods
    inner join days
        on
            {{ same_key('periods', 'days', scope) }}
            and days.charge_date between periods.first_day and periods.period_end
    inner join known
        on {{ same_key('periods', 'known', scope) }}
    group by {{ columns_of('periods', key) }}
),

-- How far each end of the band is from the expected total. Of several currencies they are added up, as if all erred to the same side.
band_widths as (
    select
        {{ columns_of('periods', key) }},
        {%- for band in bands %}
        sum(
            {{ converted('(forecasts.' ~ band ~ ' - forecasts.total_cost)', 'rates.reference_rate', 'forecasts.billing_currency', 'periods.budget_currency') }}
        ) as {{ band }}{{ ',' if not loop.last }}
        {%- endfor %}
    from periods
    inner join {{ ref('stg_ml__forecast_periods') }} as forecasts
        on
            periods.scope_type = forecasts.dimension
            and periods.scope_name = forecasts.dimension_value
            and periods.period_kind = forecasts.period_kind
            and periods.period_start = forecasts.period_start
    left join rates on forecasts.billing_currency = rates.billing_currency and periods.budget_currency = rates.reporting_currency
    where forecasts.billing_currency = periods.budget_currency or rates.reference_rate is not null
    group by {{ columns_of('periods', key) }}
),

crossed as (
    select
        {{ columns_of('periods', key) }},
        min(progress.charge_date) as runs_out_on
    from periods
    inner join progress
        on {{ same_key('periods', 'progress', key) }}
    where progress.cost_to_date >= periods.budget_cost
    group by {{ columns_of('periods', key) }}
),

compared as (
    select
        periods.*,
        known.as_of,
        known.as_of >= periods.period_end as is_ended,
        -- Of a period that is not over, only a forecast tells the end.
        known.as_of >= periods.period_end or band_widths.period_start is not null as is_foreseen,
        coalesce(sums.later_cost, 0) as later_cost,
        coalesce(sums.committed_cost, 0) as committed_cost,
        periods.charged_cost - coalesce(sums.partial_cost, 0) + coalesce(sums.expected_rest, 0) as expected_cost,
        {%- for band in bands %}
        coalesce(band_widths.{{ band }}, 0) as {{ band }},
        {%- endfor %}
        crossed.runs_out_on
    from periods
    left join known
        on {{ same_key('periods', 'known', scope) }}
    {%- for other in ['sums', 'band_widths', 'crossed'] %}
    left join {{ other }} on {{ same_key('periods', other, key) }}
    {%- endfor %}
),

-- By how many standard deviations the budget is above what is expected: a half of the band of 80 % is 1.2815515655 of them, on either side.
distances as (
    select
        *,
        greatest(-8, least(8,
            case
                when budget_cost >= expected_cost and upper_80 > 0 then 1.2815515655 * (budget_cost - expected_cost) / upper_80
                when budget_cost < expected_cost and lower_80 < 0 then 1.2815515655 * (budget_cost - expected_cost) / -lower_80
                when budget_cost >= expected_cost then 8
                else -8
            end
        )) as distance
    from compared
)

select
    scope_type,
    scope_name,
    owner,
    budget_currency,
    counted_currencies,
    left_out_currencies,
    period_kind,
    budget_cost,
    charged_cost as actual_cost,
    case when is_foreseen then committed_cost end as committed_cost,
    case when is_foreseen then expected_cost end as expected_cost,
    {%- for band in bands %}
    case when is_foreseen then expected_cost + {{ band }} end as expected_{{ band }},
    {%- endfor %}
    charged_cost - budget_cost as variance_cost,
    case when is_foreseen then expected_cost - budget_cost end as expected_variance_cost,
    case when budget_cost > 0 then round(charged_cost / budget_cost, 10) end as used_share,
    case
        when as_of >= first_day then round((charged_cost - later_cost) / (least(as_of, period_end) - first_day + 1), 10)
    end as daily_burn_cost,
    -- The normal distribution by a logistic curve, at most 0.00015 off.
    case
        when not is_foreseen then null
        when is_ended or distance in (-8, 8) then case when expected_cost > budget_cost then 1 else 0 end
        else round(1 / (1 + exp(1.5976 * distance + 0.07056 * power(distance, 3))), 4)
    end as overrun_probability,
    is_ended,
    period_start,
    period_end,
    as_of,
    runs_out_on
from distances
