-- One row per dimension, value of it, billing currency and day: what it cost by how that can be foreseen, and whether the day is delivered.
-- The values of a dimension add up to the total of the day exactly; ai_model covers charges of AI models alone. Missing days are no rows.
with costs as (
    select * from {{ ref('int_series_months') }}
),

-- Sources that are asked for hours in progress: their newest day is not over.
asked as (
    select {{ json_text('sources.value', 'name') }} as source_name
    from {{ ref('stg_config__sections') }} as sections
    cross join lateral {{ json_items('sections.content') }} as sources (value, position)
    where sections.section = 'sources' and {{ json_text('sources.value', 'format') }} in ('openai', 'anthropic')
),

used_days as (
    select
        source_name,
        charge_date,
        max(used_until) as used_until,
        row_number() over (partition by source_name order by charge_date desc) as from_last
    from {{ ref('int_series_costs') }}
    where used_until is not null
    group by source_name, charge_date
),

progress as (
    select
        used_days.source_name,
        case
            when asked.source_name is null and used_days.used_until >= {{ utc_time('(used_days.charge_date + 1)') }} then used_days.charge_date
            else used_days.charge_date - 1
        end as complete_to
    from used_days
    left join asked on used_days.source_name = asked.source_name
    where used_days.from_last = 1
),

-- A source is waited for in the months that it has charges of a series in, and in the month after: the first of a month is not complete before
-- all that were there have delivered it. One that has ended holds back no more than that.
feeding as (
    select distinct
        costs.dimension,
        costs.dimension_value,
        costs.billing_currency,
        cast(date_trunc('month', costs.charge_date) + later.months * interval '1 month' as date) as calendar_month,
        progress.complete_to
    from costs
    inner join progress on costs.source_name = progress.source_name
    cross join (values (0), (1)) as later (months)
),

complete as (
    select
        dimension,
        dimension_value,
        billing_currency,
        calendar_month,
        min(complete_to) as complete_to
    from feeding
    group by 1, 2, 3, 4
),

days as (
    select
        dimension,
        dimension_value,
        billing_currency,
        sum(curve_cost) as curve_cost,
        sum(scheduled_cost) as scheduled_cost,
        sum(irregular_cost) as irregular_cost,
        charge_date
    from costs
    group by dimension, dimension_value, billing_currency, charge_date
)

select
    days.dimension,
    days.dimension_value,
    days.billing_currency,
    days.curve_cost,
    days.scheduled_cost,
    days.irregular_cost,
    days.curve_cost + days.scheduled_cost + days.irregular_cost as cost,
    -- Of a source without any usage nothing tells how far it is.
    days.charge_date <= coalesce(complete.complete_to, days.charge_date) as is_complete,
    days.charge_date
from days
left join complete
    on
        days.dimension = complete.dimension
        and days.dimension_value = complete.dimension_value
        and days.billing_currency is not distinct from complete.billing_currency
        and cast(date_trunc('month', days.charge_date) as date) = complete.calendar_month
