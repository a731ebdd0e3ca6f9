-- One row per source, account, resource and stretch of days on which it was delivered with the same tags.
-- A view: a stretch of all months would be made anew each day, and is read for one resource at a time.
{{ config(materialized='view') }}

with months as (
    select
        scopes.source_name,
        scopes.delivery_period,
        resource_tags.*,
        dense_rank() over (
            partition by scopes.source_name, resource_tags.sub_account_id, resource_tags.resource_id order by scopes.delivery_period
        ) as month_number
    from {{ ref('int_resource_tags') }} as resource_tags
    inner join {{ ref('stg_deliveries__scopes') }} as scopes on resource_tags.scope_id = scopes.scope_id
),

followed as (
    select
        *,
        lag(ends_month) over stretches as former_ends_month,
        lag(month_number) over stretches as former_month_number
    from months
    window
        stretches as (partition by source_name, sub_account_id, resource_id, tags_id order by delivery_period, first_day)
),

numbered as (
    select
        *,
        sum(case when begins_month and former_ends_month and former_month_number = month_number - 1 then 0 else 1 end) over (
            partition by source_name, sub_account_id, resource_id, tags_id order by delivery_period, first_day
        ) as stretch_number
    from followed
),

stretches as (
    select
        source_name,
        sub_account_id,
        resource_id,
        tags_id,
        min(first_day) as first_day,
        max(last_day) as last_day
    from numbered
    group by source_name, sub_account_id, resource_id, tags_id, stretch_number
)

select
    stretches.source_name,
    stretches.sub_account_id,
    stretches.resource_id,
    maps.map as tags,
    stretches.first_day,
    stretches.last_day
from stretches
left join {{ ref('stg_deliveries__maps') }} as maps on stretches.tags_id = maps.map_id
