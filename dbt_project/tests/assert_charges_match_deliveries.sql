-- Each delivered day of charges holds as many lines, and as much cost, as the loader counted in the files. For sources that deliver an
-- effective cost, that too.
{{ same_totals(
    "(select * from " ~ ref('stg_deliveries__days') ~ " where format <> 'ai_usage')",
    "(select * from " ~ ref('int_charge_totals_daily') ~ ")",
    ['scope_id', 'charge_date'],
    ['line_count', 'billed_cost'],
) }}

union all

select
    delivered.scope_id,
    delivered.charge_date,
    delivered.line_count,
    sum(totals.line_count) as right_line_count,
    delivered.effective_cost,
    sum(totals.effective_cost) as right_effective_cost
from {{ ref('stg_deliveries__days') }} as delivered
left join {{ ref('int_charge_totals_daily') }} as totals on delivered.scope_id = totals.scope_id and delivered.charge_date = totals.charge_date
where delivered.effective_cost is not null and delivered.format <> 'ai_usage'
group by 1, 2, 3, 5
having delivered.effective_cost is distinct from sum(totals.effective_cost)
