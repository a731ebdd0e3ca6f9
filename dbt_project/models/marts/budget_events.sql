-- One row per budget period and threshold of it that was reached: by what was charged, or by what is expected at the end.
-- A view on what was charged and on the forecasts, which are made after the marts.
{{ config(materialized='view') }}
{%- set key = ['scope_type', 'scope_name', 'budget_currency', 'period_kind', 'period_start'] %}

-- Each is many joins: without a limit on how often they are made, a reader would wait for minutes.
with tracking as {{ evaluated_once() }} (
    select * from {{ ref('budget_tracking') }}
),

thresholds as (
    select
        {{ columns_of('periods', key) }},
        kinds.threshold_kind,
        cast({{ json_value_text('percents.value') }} as numeric) * 0.01 as threshold_share
    from {{ ref('int_budget_periods') }} as periods
    cross join (values ('actual'), ('forecast')) as kinds (threshold_kind)
    cross join lateral {{ json_items('periods.thresholds -> kinds.threshold_kind') }} as percents (value, position)
),

progress as {{ evaluated_once() }} (
    select * from {{ ref('int_budget_progress') }}
    where is_delivered and charged_to_date > 0
),

asked as {{ evaluated_once() }} (
    select
        tracking.*,
        thresholds.threshold_kind,
        thresholds.threshold_share,
        tracking.budget_cost * thresholds.threshold_share as threshold_cost
    from tracking
    inner join thresholds
        on {{ same_key('tracking', 'thresholds', key) }}
),

charged as (
    select
        {{ columns_of('asked', key) }},
        asked.threshold_share,
        min(progress.charge_date) as reached_on
    from asked
    inner join {{ ref('int_budget_progress') }} as progress
        on {{ same_key('asked', 'progress', key) }}
    where
        asked.threshold_kind = 'actual'
        and progress.charged_to_date >= asked.threshold_cost
    group by {{ columns_of('asked', key) }}, asked.threshold_share
),

reached as (
    select
        asked.*,
        charged.reached_on
    from asked
    inner join charged
        on {{ same_key('asked', 'charged', key + ['threshold_share']) }}
    where asked.threshold_kind = 'actual'

    union all

    select
        asked.*,
        asked.as_of as reached_on
    from asked
    where
        asked.threshold_kind = 'forecast'
        -- The end of a period that is over is no forecast any more.
        and not asked.is_ended
        and asked.expected_cost >= asked.threshold_cost
        and asked.expected_cost > 0
)

select
    {{ uuid_of(key + ['threshold_kind', 'threshold_share']) }} as budget_event_id,
    scope_type,
    scope_name,
    owner,
    budget_currency,
    period_kind,
    threshold_kind,
    case
        when threshold_kind = 'actual' and threshold_share >= 1 then 'critical'
        when threshold_share >= 1 then 'high'
        when threshold_share >= 0.8 then 'medium'
        else 'low'
    end as severity,
    threshold_share,
    threshold_cost,
    budget_cost,
    actual_cost,
    expected_cost,
    overrun_probability,
    period_start,
    period_end,
    reached_on
from reached
