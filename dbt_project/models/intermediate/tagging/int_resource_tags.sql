-- One row per scope, resource, tag set and stretch of its days: the days, one after the other, on which it was delivered with these tags.
-- A view, as the mart on it: read for one resource at a time, and not worth making anew for each day that changed.
with resource_days as (
    select distinct
        costs.scope_id,
        subjects.sub_account_id,
        subjects.resource_id,
        subjects.tags_id,
        costs.charge_date
    from {{ ref('int_tag_costs_daily') }} as costs
    inner join {{ ref('int_tag_subjects') }} as subjects
        on costs.scope_id = subjects.scope_id and costs.subject_id = subjects.subject_id
    where subjects.resource_id is not null
),

-- Days without charges do not count: a resource that is off over the weekend keeps its tags.
numbered as (
    select
        *,
        dense_rank() over (partition by scope_id, sub_account_id, resource_id order by charge_date) as day_number,
        row_number() over (partition by scope_id, sub_account_id, resource_id, tags_id order by charge_date) as set_day_number
    from resource_days
),

measured as (
    select
        *,
        max(day_number) over (partition by scope_id, sub_account_id, resource_id) as last_day_number
    from numbered
)

select
    scope_id,
    sub_account_id,
    resource_id,
    tags_id,
    min(charge_date) as first_day,
    max(charge_date) as last_day,
    min(day_number) = 1 as begins_month,
    max(day_number) = max(last_day_number) as ends_month
from measured
group by scope_id, sub_account_id, resource_id, tags_id, day_number - set_day_number
